package tile

import (
	"fmt"
	"image/color"
	"math"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// AtScale gives the options by which a model sees pictures at a scale: 2 is twice as large. A tile has the size that the model's own preprocessing brings to
// its input by just that factor, and what is smaller is filled up to it. So pixels are interpolated once, as in training, and masks are made in the pixels of
// the picture. Neighbours overlap by a quarter.
//
// A scale that is not a positive number is an error. [Options.Check] says whether the tiles are large enough; no side is longer than 2³¹ − 1.
func AtScale(c *config.Config, scale float64) (Options, error) {
	if !(scale > 0) {
		return Options{}, fmt.Errorf("tile: a scale of %g, want a positive number", scale)
	}
	side, err := squareInput(&c.Input)
	if err != nil {
		return Options{}, err
	}
	size := int(math.Round(min(side/scale, math.MaxInt32)))
	return Options{Size: size, Overlap: size / 4, Pad: true, Fill: meanColour(&c.Input)}, nil
}

// squareInput is the side to which a model brings square pictures, whatever their size.
func squareInput(c *config.Input) (float64, error) {
	const side = 1 << 12
	g, err := preprocess.Fit(c, side, side)
	return float64(min(g.ScaledHeight, g.ScaledWidth)), err
}

// meanColour is the colour that becomes zero in the model's input, as what models pad with.
func meanColour(c *config.Input) color.Color {
	unit := 255.0
	if c.Normalize == config.NormalizeOpenCV {
		unit = 1
	}
	level := func(mean float64) uint8 { return uint8(math.Round(min(max(mean*unit, 0), 255))) }
	return color.RGBA{level(c.Mean[0]), level(c.Mean[1]), level(c.Mean[2]), 255}
}
