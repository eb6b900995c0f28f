package train

import (
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/train/augment"
)

// cut is a part of a picture around one of its objects, drawn at random, so large that it fills
// the window at a scale which follows from the objects' diameter in picture pixels. A picture is
// not made smaller than the window, and not enlarged more than the recipe says, whatever
// size its objects would then have. in is how the network is shown whole pictures.
func (w *Window) cut(p *augment.Picture, objects []augment.Object, diameter float64, in *config.Input, r *rand.Rand) (*augment.Picture, []augment.Object) {
	draw := r.Float64()
	least, most := float64(w.Side)/float64(max(p.Height, p.Width)), w.Enlarge
	scale := least * portable.Pow(max(most/least, 1), draw)
	y, x := r.Float64()*float64(p.Height), r.Float64()*float64(p.Width)
	if len(objects) > 0 && diameter > 0 {
		b := objects[r.IntN(len(objects))].Box
		y, x = float64(b.Y1+b.Y2)/2, float64(b.X1+b.X2)/2
		scale = w.Diameter[0] * portable.Pow(w.Diameter[1]/w.Diameter[0], draw) / diameter
	}
	if w.Whole > 0 && r.Float64() < w.Whole {
		if g, err := preprocess.Fit(in, p.Height, p.Width); err == nil { // an error: the picture is too thin to be shown as a whole
			scale = float64(max(g.ScaledHeight, g.ScaledWidth)) / float64(max(p.Height, p.Width)) * portable.Pow(4./3, float64(draw)+float64(draw)-1)
		}
	}
	side := max(1, int(math.Round(float64(w.Side)/max(min(scale, most), least))))
	height, width := min(side, p.Height), min(side, p.Width)
	return augment.Cut(p, objects, around(y, p.Height, height, r.Float64()), around(x, p.Width, width, r.Float64()), height, width)
}

// around is the beginning of a part of n of all pixels that holds a place.
func around(at float64, all, n int, draw float64) int {
	high := min(max(int(at), 0), all-n)
	low := min(max(int(at)-n+1, 0), high)
	return low + int(draw*float64(high-low+1))
}

// medianDiameter is the diameter of the circle with the area of an object, in pixels, which is
// that of its box if there is no mask; of several objects the median, of none 0.
func medianDiameter(objects []augment.Object) float64 {
	var list []float64
	for _, o := range objects {
		area := float64(o.Box.Area())
		if len(o.Mask.Bits) > 0 {
			pixels := 0
			for _, bit := range o.Mask.Bits {
				pixels += int(bit)
			}
			area = float64(pixels)
		}
		if area > 0 {
			list = append(list, 2*math.Sqrt(area/math.Pi))
		}
	}
	if len(list) == 0 {
		return 0
	}
	return middle(list)
}
