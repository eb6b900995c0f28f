package main

import (
	"errors"
	"io/fs"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/weights"
)

// openModel opens a model file, or the built-in model, and says what it had to assume.
func openModel(t *talk, file string, o *spinemask.Options) (*spinemask.Model, error) {
	if file == "" {
		return nuclei.Open(o)
	}
	m, err := spinemask.Open(file, o)
	if err != nil {
		return nil, noModel(file, err)
	}
	t.assumptions(m.Source().Assumptions)
	return m, nil
}

// noModel says where models come from if the file is missing.
func noModel(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{reason(file, fs.ErrNotExist), "spinemask pull fetches published weights"}
	}
	return err
}

// assumptions says what was taken from a table because no tensor tells it.
func (t *talk) assumptions(list []weights.Assumption) {
	for _, a := range list {
		t.say("hint: assumed %s", assumption(a))
	}
}

// openWeights opens a model file, or that of the built-in model.
func openWeights(src string) (*weights.File, error) {
	if src == "" {
		return nuclei.Weights()
	}
	f, err := weights.Open(src)
	if err != nil {
		return nil, noModel(src, err)
	}
	return f, nil
}
