package spinemask_test

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// ring is an instance with a hole: a 3×4 frame at column 2, row 1 of 5 rows of 8
// pixels.
func ring() *spinemask.Instance {
	rows := []string{
		"........",
		"..####..",
		"..#..#..",
		"..####..",
		"........",
	}
	var bits []byte
	for _, row := range rows {
		for _, c := range row {
			bits = append(bits, byte(c)&1) // '#' is odd, '.' is even
		}
	}
	return &spinemask.Instance{Name: "ring", Score: 0.9, Mask: rle.FromBitmap(5, 8, bits)}
}

func TestAlphaAndCut(t *testing.T) {
	in := ring()
	require.EqualValues(t, 10, in.Mask.Area())
	require.Equal(t, image.Rect(2, 1, 6, 4), in.Bounds())
	// A picture whose bounds do not begin at 0: the mask counts from its corner.
	origin := image.Pt(30, -7)
	picture := image.NewRGBA(image.Rect(0, 0, 8, 5).Add(origin))
	for y := range 5 {
		for x := range 8 {
			picture.Set(origin.X+x, origin.Y+y, color.RGBA{uint8(10 * x), uint8(10 * y), 99, 255})
		}
	}
	alpha, cut := in.Alpha(), in.Cut(picture)
	require.Equal(t, in.Bounds(), alpha.Bounds())
	require.Equal(t, in.Bounds(), cut.Bounds())
	bits := in.Mask.Bitmap()
	for y := range 5 {
		for x := range 8 {
			set := bits[y*8+x] == 1
			require.Equal(t, set, alpha.AlphaAt(x, y).A == 255, "%d, %d", x, y)
			want := color.NRGBA{}
			if set {
				want = color.NRGBA{uint8(10 * x), uint8(10 * y), 99, 255}
			}
			require.Equal(t, want, cut.NRGBAAt(x, y), "%d, %d", x, y)
		}
	}
	empty := &spinemask.Instance{Mask: rle.FromBitmap(5, 8, make([]byte, 40))}
	require.True(t, empty.Bounds().Empty())
	require.True(t, empty.Cut(picture).Bounds().Empty())
}

func TestDraw(t *testing.T) {
	picture := image.NewGray(image.Rect(3, 3, 11, 8))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.Gray{128}), image.Point{}, draw.Src)
	r := &spinemask.Result{Height: 5, Width: 8, Instances: []spinemask.Instance{*ring()}}
	with, err := r.Draw(picture)
	require.NoError(t, err)
	without, err := (&spinemask.Result{Height: 5, Width: 8}).Draw(picture)
	require.NoError(t, err)
	require.NotEqual(t, without.Pix, with.Pix)
	_, err = r.Draw(image.NewGray(image.Rect(0, 0, 9, 5)))
	require.ErrorContains(t, err, "mask of 8x5 pixels, photo of 9x5")
}

// The networks of TensorFlow look at a canvas that the picture fills only a part
// of, and clip boxes to the canvas.
func TestInstancesLieInThePicture(t *testing.T) {
	outside := 0
	for i, size := range [][2]int{{3, 256}, {256, 3}, {100, 80}, {1, 1}} {
		picture := waves(i, size[0], size[1])
		raw, err := tinyModel(t, spinemask.Options{Raw: true}).Segment(context.Background(), picture)
		require.NoError(t, err)
		r, err := tinyModel(t, spinemask.Options{}).Segment(context.Background(), picture)
		require.NoError(t, err)
		photo := box.Size{Height: float32(raw.Height), Width: float32(raw.Width)}
		var want []spinemask.Instance
		for _, in := range raw.Instances {
			clipped := in.Box.Clip(photo)
			if clipped != in.Box {
				outside++
			}
			in.Box = clipped
			if in.Box.Area() > 0 && in.Mask.Area() > 0 {
				want = append(want, in)
			}
		}
		require.ElementsMatch(t, want, r.Instances)
	}
	require.Positive(t, outside, "the test asks nothing")
}
