package tile

import (
	"context"
	"image"
	"math"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// mostLooks bounds the tiles of a picture that one scale of Diameter takes.
const mostLooks = 9

// Diameter estimates how large the objects of a picture are: the diameter of the circle that has their median area, in pixels of the picture; 0 where nothing
// was found. With it, AtScale(c, c.Objects.Diameter/diameter) shows them at the size that the model was trained on.
//
// The model looks at the picture at two scales: one at which the whole picture fits into its input, but no more than its own size, and one that is at least
// four times that, and at least its own size. Of large pictures it looks at nine tiles a scale. The scale at which it finds more objects on the same area is
// believed. Only instances with the score from which a person wants to see them count.
func Diameter(ctx context.Context, model Segmenter, c *config.Config, picture image.Image, workers int) (float64, error) {
	size := picture.Bounds().Size()
	g, err := preprocess.Fit(&c.Input, size.Y, size.X)
	if err != nil {
		return 0, err
	}
	low := min(float64(g.ScaledWidth)/float64(size.X), 1)
	var best look
	for _, scale := range []float64{low, max(4*low, 1)} {
		at, err := AtScale(c, scale)
		if err != nil {
			return 0, err
		}
		at.Workers = workers
		l, err := lookAt(ctx, model, c.Detections.DisplayThreshold, picture, at)
		if err != nil {
			return 0, err
		}
		if l.density() > best.density() {
			best = l
		}
	}
	return best.diameter(), nil
}

// A look is what was found in some tiles.
type look struct {
	areas  []uint64 // of the objects' masks
	pixels int      // that were looked at
}

func lookAt(ctx context.Context, model Segmenter, threshold float64, picture image.Image, o Options) (l look, err error) {
	g := newGrid(pixelsOf(picture), o)
	tiles := spread(g.tiles(), mostLooks)
	m := newMerger(g)
	model, _ = rectangular(model)
	err = g.each(ctx, model, tiles, func(tile int, r *spinemask.Result) {
		shown := r.Instances // by falling score
		for i, in := range shown {
			if float64(in.Score) < threshold {
				shown = shown[:i]
				break
			}
		}
		m.add(tile, shown)
	})
	if err != nil {
		return look{}, err
	}
	for _, in := range m.instances() {
		l.areas = append(l.areas, in.Mask.Area())
	}
	l.pixels = g.photo.Width * g.photo.Height
	if len(tiles) < g.tiles() {
		l.pixels = 0
		for _, t := range tiles {
			size := g.rect(t).Size()
			l.pixels += size.X * size.Y
		}
	}
	return l, nil
}

// spread chooses most of n things evenly, or all if there are no more.
func spread(n, most int) []int {
	list := make([]int, min(n, most))
	for i := range list {
		list[i] = (2*i + 1) * n / (2 * len(list))
	}
	return list
}

func (l look) density() float64 { return float64(len(l.areas)) / float64(max(l.pixels, 1)) }

func (l look) diameter() float64 {
	if len(l.areas) == 0 {
		return 0
	}
	slices.Sort(l.areas)
	return 2 * math.Sqrt(float64(l.areas[len(l.areas)/2])/math.Pi)
}
