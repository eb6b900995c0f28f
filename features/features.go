// Package features gives the maps of a model's backbone as tensors, to those
// who build on them: search by likeness, trackers, heads of their own.
//
// It is a package of its own so that who only wants instances does not compile
// gorgonia.org/tensor.
package features

import (
	"context"
	"image"

	"gorgonia.org/tensor"

	"github.com/spinemask/spinemask"
)

// A Pyramid is what the backbone sees in a picture.
type Pyramid struct {
	MinLevel int
	// Maps are P(MinLevel), P(MinLevel+1), …, as tensors of Height×Width×Channels
	// float32. They are copies.
	Maps []*tensor.Dense
	// Size of the network's input, and of the picture in its upper left corner:
	// a place (y, x) of level l is at input pixels about (y, x)·2^l.
	InputHeight, InputWidth     int
	PictureHeight, PictureWidth int
}

// Extract runs the backbone of a model over a picture.
func Extract(ctx context.Context, m *spinemask.Model, img image.Image) (*Pyramid, error) {
	f, err := m.Features(ctx, img)
	if err != nil {
		return nil, err
	}
	p := &Pyramid{
		MinLevel:    f.Maps[0].Level,
		InputHeight: f.InputHeight, InputWidth: f.InputWidth,
		PictureHeight: f.PictureHeight, PictureWidth: f.PictureWidth,
	}
	for _, x := range f.Maps {
		p.Maps = append(p.Maps, tensor.New(tensor.WithShape(x.Height, x.Width, x.Channels), tensor.WithBacking(x.Data)))
	}
	return p, nil
}
