package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/train/augment"
)

// disc is a picture with one object, a disc, at a place.
func disc(height, width, y, x int, radius float64) (*augment.Picture, []augment.Object) {
	bits := make([]byte, height*width)
	for i := range bits {
		if math.Hypot(float64(i/width-y), float64(i%width-x)) <= radius {
			bits[i] = 1
		}
	}
	m := rle.FromBitmap(height, width, bits)
	left, top, w, h := m.Bounds()
	b := box.Box{Y1: float32(top), X1: float32(left), Y2: float32(top + h), X2: float32(left + w)}
	return &augment.Picture{Height: height, Width: width, Pix: make([]byte, 3*height*width)}, []augment.Object{{Class: 1, Box: b, Mask: augment.NewPatch(m)}}
}

// Windows lie within the picture, hold the middle of an object, and show it in every size
// from the least to the most diameter, each octave as often.
func TestWindowsAreAtTheScaleOfObjects(t *testing.T) {
	p, objects := disc(300, 400, 60, 350, 10)
	diameter := medianDiameter(objects)
	require.InDelta(t, 20, diameter, 0.5)
	require.InDelta(t, 2*math.Sqrt(60/math.Pi), medianDiameter([]augment.Object{{Class: 1, Box: box.Box{X2: 6, Y2: 10}}}), 1e-12, "of boxes alone")
	w := &Window{Side: 128, Diameter: [2]float64{10, 40}, Enlarge: 4}
	low, least, most := 0, math.Inf(1), 0.0
	for step := range 400 {
		part, kept := w.cut(p, objects, diameter, new(config.Input), draws(1, forWindow, step, 0))
		require.Equal(t, part.Height, part.Width)
		require.Len(t, kept, 1)
		b := kept[0].Box
		y, x := int(b.Y1+b.Y2)/2, int(b.X1+b.X2)/2
		require.True(t, y >= 0 && y < part.Height && x >= 0 && x < part.Width, "%d, %d of %d", y, x, part.Height)
		d := diameter * 128 / float64(part.Height)
		least, most = min(least, d), max(most, d)
		if d < 20 {
			low++
		}
	}
	require.InDelta(t, 10, least, 0.3)
	require.InDelta(t, 40, most, 1.2)
	require.InDelta(t, 200, low, 50) // five standard deviations of a fair coin
}

// With whole, as many windows as it says are at the scale of whole pictures in the input, from 3/4 to 4/3 of it, whatever the size of the objects.
func TestWindowsAtTheScaleOfWholePictures(t *testing.T) {
	p, objects := disc(300, 400, 60, 350, 10)
	in := &config.Input{Fit: config.FitFixedSize, Height: 640, Width: 640} // 1.6 times as large
	for whole, want := range map[float64]int{1: 400, 0.25: 100} {
		w := &Window{Side: 128, Diameter: [2]float64{200, 400}, Enlarge: 20, Whole: whole} // else from 10 times as large on
		near, least, most := 0, math.Inf(1), 0.0
		for step := range 400 {
			part, kept := w.cut(p, objects, 20, in, draws(1, forWindow, step, 0))
			require.Len(t, kept, 1)
			if scale := 128 / float64(part.Height) / 1.6; scale < 2 {
				near++
				least, most = min(least, scale), max(most, scale)
			}
		}
		require.InDelta(t, want, near, 45, "%g", whole) // five standard deviations
		require.InDelta(t, 0.75, least, 0.02)
		require.InDelta(t, 4./3, most, 0.03)
	}
}

// A small picture is shown as a whole rather than smaller than the window, and none is
// enlarged over the limit; without objects every scale between is as good.
func TestWindowsKeepTheirLimits(t *testing.T) {
	p, objects := disc(60, 80, 30, 30, 20)
	for name, tt := range map[string]struct {
		w       Window
		objects []augment.Object
		height  [2]int // of the part, pixels
	}{
		"as a whole":      {Window{Side: 64, Diameter: [2]float64{1, 2}, Enlarge: 4}, objects, [2]int{60, 60}},
		"not enlarged":    {Window{Side: 64, Diameter: [2]float64{300, 400}, Enlarge: 4}, objects, [2]int{16, 16}},
		"without objects": {Window{Side: 64, Diameter: [2]float64{1, 2}, Enlarge: 4}, nil, [2]int{16, 60}},
	} {
		t.Run(name, func(t *testing.T) {
			least, most := 1000, 0
			for step := range 200 {
				part, _ := tt.w.cut(p, tt.objects, medianDiameter(tt.objects), new(config.Input), draws(1, forWindow, step, 0))
				least, most = min(least, part.Height), max(most, part.Height)
			}
			require.Equal(t, tt.height, [2]int{least, most})
		})
	}
}

// The model's input stays as it was, and the network learns from windows.
func TestModelKeepsItsInput(t *testing.T) {
	r := windowed(1)
	r.Height, r.Width = 0, 0
	tr := trainer(t, r, 2)
	require.Equal(t, []int{640, 640}, []int{tr.Config().Input.Height, tr.Config().Input.Width})
	require.False(t, tr.Config().Objects.LookCloser) // which the model that it begins with asks for
	views, err := tr.Views(0)
	require.NoError(t, err)
	require.Equal(t, r.Augment.Window.Side, views[0].Picture.Rect.Dx())
	r.Augment.Window.Side = 100
	_, err = New(tr.Config(), current{tr}, nuclei(t, 1), r, nil)
	require.EqualError(t, err, "train: recipe: augment.window.side: 100, want a multiple of 128")
}

// However much pictures may be enlarged, a window shows a pixel at least.
func TestWindowsAreNeverEmpty(t *testing.T) {
	p, _ := disc(40, 30, 20, 15, 5)
	w := &Window{Side: 16, Diameter: [2]float64{10, 40}, Enlarge: 1e6}
	least := p.Height
	for step := range 50 {
		part, _ := w.cut(p, nil, 0, new(config.Input), draws(1, forWindow, step, 0))
		require.Positive(t, min(part.Height, part.Width))
		least = min(least, part.Height)
	}
	require.Equal(t, 1, least)
}
