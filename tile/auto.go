package tile

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"strconv"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// How Auto goes on from one scale to the next.
const (
	largeEnough = 0.8     // of the size that the model was trained on, from which objects are not shown larger
	tooLarge    = 3       // times that size, above which they are shown at twice of it
	mostAtOnce  = 4       // times as large as before
	mostScale   = 4       // times as large as the picture
	mostSide    = 1 << 13 // of a tile that is filled up, pixels
)

// Seen is how Auto saw a picture.
type Seen struct {
	Diameter float64 // of the circle with the median area of its objects, pixels of the picture, to three digits; 0: none was found
	Scale    float64 // of the tiles, to three digits; 0: the picture was shown as a whole
}

// Auto finds the instances of a picture at a scale that suits the size of its objects, for a model that knows how large those were that it was trained on
// (c.Objects). It shows the model the picture as a whole. If the objects that it finds are smaller than 4/5 of that size then, it shows all of the picture again, in
// tiles (see [AtScale]), as large as makes them that size, but at most four times as large; and so on. If a look finds fewer objects than the one before, that one is the
// result, else the last one. Where nothing is found it goes on by factors of four until the picture has at least its own size. Objects of more than three times
// that size are shown once more at twice of it, which is the result if anything is found. No picture is shown more than four times as large as it is, unless the
// model's own preprocessing does so, and no tile is more than 8192 pixels wide, so that long thin pictures are shown larger at once. Only instances with the
// score from which a person wants to see them count for size and number. The durations of the result's stages are sums over all looks.
//
// Of the options it uses Workers and Slots, and Overlap if that is not 0, at most half a tile. Its errors are those of Segment, and that of a model that does not know the size of its objects.
func Auto(ctx context.Context, model Segmenter, c *config.Config, picture image.Image, o Options) (*spinemask.Result, Seen, error) {
	if c.Objects == nil {
		return nil, Seen{}, errors.New("tile: the model does not say how large the objects are that it was trained on")
	}
	if picture == nil {
		return nil, Seen{}, errors.New("tile: no picture: the image is nil")
	}
	photo := pixelsOf(picture)
	g, err := preprocess.Fit(&c.Input, photo.Height, photo.Width)
	if err != nil {
		return nil, Seen{}, err
	}
	best, err := model(ctx, photo)
	if err != nil {
		return nil, Seen{}, err
	}
	found, px := shown(best, c.Detections.DisplayThreshold)
	seen := Seen{Diameter: digits(px)}
	stages := best.Stages
	scale := float64(max(g.ScaledHeight, g.ScaledWidth)) / float64(max(photo.Height, photo.Width))
	for {
		next := nextScale(scale, found, c.Objects.Diameter/px)
		if next == 0 {
			break
		}
		smaller := next < scale
		at, err := AtScale(c, next)
		if err != nil {
			return nil, Seen{}, err
		}
		if at.Size > mostSide && !smaller {
			next = digits(1.01 * next * float64(at.Size) / mostSide)
			if at, err = AtScale(c, next); err != nil {
				return nil, Seen{}, err
			}
		}
		at.Workers, at.Slots = o.Workers, o.Slots
		if o.Overlap != 0 {
			at.Overlap = min(o.Overlap, at.Size/2)
		}
		if at.Size > mostSide || at.Check() != nil {
			break
		}
		closer, err := Segment(ctx, model, photo, at)
		if err != nil {
			return nil, Seen{}, err
		}
		stages = addStages(slices.Clone(stages), closer.Stages)
		n, d := shown(closer, c.Detections.DisplayThreshold)
		if n < found && !smaller { // of objects that are too large, many pieces are found
			break
		}
		if n > 0 {
			best, seen = closer, Seen{Diameter: digits(d), Scale: next}
		}
		if smaller {
			break
		}
		scale, found, px = next, n, d
	}
	result := *best // the model's own may be shared
	result.Stages = stages
	return &result, seen, nil
}

// nextScale is the one at which a picture is shown after it was shown at a scale, to three digits; 0: that was the last one. ideal is that at which the objects
// that were found would have the size that the model was trained on.
func nextScale(scale float64, found int, ideal float64) float64 {
	most := min(mostAtOnce*scale, max(mostScale, scale))
	switch {
	case found == 0 && scale < 1:
		return digits(most)
	case found == 0:
		return 0
	case min(ideal, most)*largeEnough >= scale:
		return digits(min(ideal, most))
	case ideal*tooLarge < scale:
		return digits(2 * ideal)
	}
	return 0
}

// shown counts the instances from a score on, and gives the diameter of the circle that has their median area, in pixels of the picture.
func shown(r *spinemask.Result, score float64) (n int, diameter float64) {
	var areas []float64
	for _, in := range r.Instances {
		switch {
		case float64(in.Score) < score:
		case in.HasMask():
			areas = append(areas, float64(in.Mask.Area()))
		default:
			areas = append(areas, float64(in.Box.Y2-in.Box.Y1)*float64(in.Box.X2-in.Box.X1))
		}
	}
	if len(areas) == 0 {
		return 0, 0
	}
	slices.Sort(areas)
	return len(areas), max(2*math.Sqrt(areas[len(areas)/2]/math.Pi), 1)
}

// digits keeps three.
func digits(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return r
}
