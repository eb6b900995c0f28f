package train

import (
	"context"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/rle"
)

// blobs are two pictures of 128×128 pixels with two ellipses each: a light one and a
// dark one.
func blobs() (*dataset.Set, func(*dataset.Image) (image.Image, error)) {
	const side = 128
	set := &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "light"}, {ID: 2, Name: "dark"}}}
	pictures := map[string]image.Image{}
	for k, ellipses := range [][2][4]float64{ // y, x, half-axes, in the order of the classes
		{{36, 34, 24, 30}, {86, 84, 34, 28}},
		{{84, 40, 32, 26}, {38, 88, 22, 32}},
	} {
		picture := image.NewRGBA(image.Rect(0, 0, side, side))
		im := dataset.Image{Name: string(rune('a'+k)) + ".png", Height: side, Width: side}
		for class, e := range ellipses {
			bits := make([]byte, side*side)
			for i := range bits {
				y, x := float64(i/side)+0.5, float64(i%side)+0.5
				if math.Hypot((y-e[0])/e[2], (x-e[1])/e[3]) < 1 {
					bits[i] = 1
				}
			}
			m := rle.FromBitmap(side, side, bits)
			x, y, w, h := m.Bounds()
			im.Objects = append(im.Objects, dataset.Object{Category: class, Mask: m, Box: box.Box{Y1: float32(y), X1: float32(x), Y2: float32(y + h), X2: float32(x + w)}})
			for i, b := range bits {
				at := picture.PixOffset(i%side, i/side)
				if b == 1 {
					picture.Set(i%side, i/side, color.Gray{[2]uint8{220, 30}[class]})
				} else if picture.Pix[at+3] == 0 {
					picture.Set(i%side, i/side, color.Gray{120})
				}
			}
		}
		pictures[im.Name] = picture
		set.Images = append(set.Images, im)
	}
	return set, func(im *dataset.Image) (image.Image, error) { return pictures[im.Name], nil }
}

// A network learns a few pictures by heart: mask AP of at least 0.95 on them.
func TestLearnsByHeart(t *testing.T) {
	f, c := builtIn(t)
	set, read := blobs()
	start, err := From(c, f, c, set, 1)
	require.NoError(t, err)
	r := FineTune(len(set.Images))
	r.Batch, r.Steps, r.Height, r.Width = 2, 160, 128, 128
	r.Rate = Rate{Value: 0.02, WarmupSteps: 10, Cosine: true}
	r.Regions = RegionSampling{PreNMS: 500, PostNMS: 200, Samples: 32, Fraction: 0.25, Masks: 8, MaskCrop: 112}
	r.Augment = Augment{Scale: [2]float64{1, 1}}
	tr, err := New(start.Config, start, set, r, &Options{Read: read})
	require.NoError(t, err)
	require.NoError(t, tr.Run(context.Background(), nil))
	s, err := tr.Validate(context.Background(), set)
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.AP, 0.95)
}
