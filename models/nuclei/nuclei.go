// Package nuclei is the built-in model: it finds cell nuclei in microscope
// images. MODEL_CARD.md beside this file says what it is good and bad at.
package nuclei

import (
	_ "embed"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/weights"
)

//go:embed nuclei.safetensors
var file string

// Card is the model card, Markdown.
//
//go:embed MODEL_CARD.md
var Card string

// Open returns the model.
func Open(o *spinemask.Options) (*spinemask.Model, error) {
	return spinemask.Load("nuclei.safetensors", strings.NewReader(file), int64(len(file)), o)
}

// Weights returns the model's file, for training from it.
func Weights() (*weights.File, error) {
	return weights.Load("nuclei.safetensors", strings.NewReader(file), int64(len(file)))
}
