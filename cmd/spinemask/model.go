package main

import (
	"os"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/weights"
)

// openModel opens a model file, or the built-in model.
func openModel(file string, o *spinemask.Options) (*spinemask.Model, error) {
	if file == "" {
		return nuclei.Open(o)
	}
	if _, err := os.Stat(file); err != nil {
		return nil, reason(file, err)
	}
	return spinemask.Open(file, o)
}

// displayThreshold is the score from which a person wants to see a model's instances. It must be known before the model is opened for a run, which then
// makes no masks that nobody sees.
func displayThreshold(file string) (float64, error) {
	if file == "" {
		m, err := nuclei.Open(nil)
		if err != nil {
			return 0, err
		}
		defer m.Close()
		return m.Config().Detections.DisplayThreshold, nil
	}
	if _, err := os.Stat(file); err != nil {
		return 0, reason(file, err)
	}
	f, err := weights.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	if err != nil {
		return 0, err
	}
	return c.Detections.DisplayThreshold, nil
}
