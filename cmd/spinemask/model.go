package main

import (
	"os"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
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
