package train

import (
	"math"
	"slices"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// objectDiameter is the size of a set's objects for config.Objects: the diameter of the
// circle with an object's area, in pixels of the network's input, of which the median
// over the images of each image's median. It is 0 if there are no objects.
func objectDiameter(set *dataset.Set, in *config.Input) float64 {
	var medians []float64
	for i := range set.Images {
		im := &set.Images[i]
		var diameters []float64
		for j := range im.Objects {
			o := &im.Objects[j]
			if o.Crowd {
				continue
			}
			area, height, width := float64(o.Box.Area()), im.Height, im.Width
			if len(o.Mask.Runs) > 0 {
				area, height, width = float64(o.Mask.Area()), o.Mask.H, o.Mask.W
			}
			g, err := preprocess.Fit(in, height, width)
			if err != nil || area <= 0 {
				continue // of a size that nobody knows yet, or empty
			}
			area *= float64(g.ScaledHeight) / float64(g.CropHeight) * float64(g.ScaledWidth) / float64(g.CropWidth)
			diameters = append(diameters, 2*math.Sqrt(area/math.Pi))
		}
		if len(diameters) > 0 {
			medians = append(medians, middle(diameters))
		}
	}
	if len(medians) == 0 {
		return 0
	}
	return math.Round(10*middle(medians)) / 10
}

// middle is the median of values, which it sorts.
func middle(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
