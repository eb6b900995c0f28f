package spinemask

import (
	"context"
	"image"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/network"
)

// Features are what the backbone sees in a picture.
type Features struct {
	Maps []FeatureMap // from the finest level to the coarsest
	// Size of the network's input, and of the picture in its upper left corner.
	// Level l is 2^l times smaller than the input.
	InputHeight, InputWidth     int
	PictureHeight, PictureWidth int
}

// A FeatureMap is one level P of the pyramid: Height×Width×Channels values, the
// channel fastest.
type FeatureMap struct {
	Level                   int
	Height, Width, Channels int
	Data                    []float32
}

// Features runs the backbone alone. Package features gives the same as tensors.
func (m *Model) Features(ctx context.Context, img image.Image) (*Features, error) {
	var f *Features
	err := m.run(ctx, img, func(s *session, pixels *imageio.Image) error {
		g, err := s.features(ctx, pixels)
		if err != nil {
			return err
		}
		f = &Features{
			InputHeight: g.InputHeight, InputWidth: g.InputWidth,
			PictureHeight: g.ScaledHeight, PictureWidth: g.ScaledWidth,
		}
		for l := m.config.Backbone.MinLevel; l <= m.config.Backbone.MaxLevel; l++ {
			p := s.trunk.Output(network.PName(l))
			data := make([]float32, 0, p.Height*p.Width*p.Channels)
			for y := range p.Height {
				data = append(data, p.Data[y*p.RowStride:][:p.Width*p.Channels]...)
			}
			f.Maps = append(f.Maps, FeatureMap{l, p.Height, p.Width, p.Channels, data})
		}
		return nil
	})
	return f, err
}
