package main

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/tile"
)

// tiles says how images are cut for the model; a Size of 0 is not at all.
//
// With --scale, a tile has the size that the model's own preprocessing brings to its input by just that factor, and smaller images are filled up to it. So
// pixels are interpolated once, as in training, and masks are made in the pixels of the image.
func (f *segmentFlags) tiles(c *config.Config) (tile.Options, error) {
	o := tile.Options{Size: f.tile, Overlap: f.overlap, Workers: f.atOnce}
	if f.scale != 0 {
		side, err := squareInput(&c.Input)
		if err != nil {
			return o, err
		}
		size := math.Round(side / f.scale)
		if size*size > float64(f.maxPixels) {
			return o, hinted{fmt.Errorf("--scale %g: tiles of %.4g pixels a side; want at most %d pixels in all", f.scale, size, f.maxPixels), "--max-pixels allows more"}
		}
		o.Size, o.Pad, o.Fill = int(size), true, meanColour(&c.Input)
	}
	if o.Size == 0 {
		return o, nil
	}
	if f.overlap == 0 {
		o.Overlap = o.Size / 4
	}
	switch {
	case o.Check() == nil:
		return o, nil
	case f.scale != 0:
		return o, fmt.Errorf("--scale %g --overlap %d: tiles of %d pixels; want at least 32, and an overlap of at most half of that", f.scale, o.Overlap, o.Size)
	}
	return o, fmt.Errorf("--tile %d --overlap %d: want tiles of at least 32 pixels, and an overlap of at most half of that", o.Size, o.Overlap)
}

// squareInput is the side to which a model brings square images, whatever their size.
func squareInput(c *config.Input) (float64, error) {
	const side = 1 << 12
	g, err := preprocess.Fit(c, side, side)
	return float64(min(g.ScaledHeight, g.ScaledWidth)), err
}

// meanColour is the colour that becomes zero in the model's input, as what models pad with.
func meanColour(c *config.Input) (rgb [3]byte) {
	unit := 255.0
	if c.Normalize == config.NormalizeOpenCV {
		unit = 1
	}
	for i, mean := range c.Mean {
		rgb[i] = byte(math.Round(min(max(mean*unit, 0), 255)))
	}
	return rgb
}
