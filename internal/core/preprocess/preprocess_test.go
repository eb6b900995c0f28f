package preprocess

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

func input(t *testing.T, tf2 bool) config.Input {
	families := config.TF1
	if tf2 {
		families = config.TF2
	}
	c, err := families("49")
	require.NoError(t, err)
	return c.Input
}

// fill resizes a photo in blocks of rows into a buffer of NaN.
func fill(r *Resizer, g Geometry, pixels []byte, block int) []float32 {
	r.Start(g, pixels)
	out := make([]float32, 3*g.InputHeight*g.InputWidth)
	for i := range out {
		out[i] = float32(math.NaN())
	}
	for y := 0; y < g.InputHeight; y += block {
		r.Rows(out, 3*g.InputWidth, y, min(y+block, g.InputHeight), &Scratch{})
	}
	return out
}

func TestEqualsTheOriginals(t *testing.T) {
	ts := testutil.Load(t, "testdata/originals.safetensors")
	for _, name := range []string{"tf1.0", "tf1.3", "tf2.0", "tf2.1", "tf2.2", "tf2.3", "tf2.4", "tf2.5"} {
		t.Run(name, func(t *testing.T) {
			pixels, info := ts.Get(t, name+".pixels"), ts.Get(t, name+".image_info").Data
			want := ts.Get(t, name+".occupied_image")
			c := input(t, name[:3] == "tf2")
			c.Height, c.Width = int(info[2]), int(info[3])
			g, err := Fit(&c, pixels.Shape[0], pixels.Shape[1])
			require.NoError(t, err)
			require.Equal(t, want.Shape[:2], []int{g.ScaledHeight, g.ScaledWidth})
			require.Equal(t, box.Size{Height: info[4], Width: info[5]}, g.Scale())
			require.Zero(t, g.InputHeight%128+g.InputWidth%128)
			photo := make([]byte, len(pixels.Data))
			for i, v := range pixels.Data {
				photo[i] = byte(v)
			}
			r := NewResizer(&c)
			for _, block := range []int{1, 7, 1000} {
				got := fill(r, g, photo, block)
				for y := range g.InputHeight {
					row := got[3*y*g.InputWidth:][:3*g.InputWidth]
					n := 0
					if y < g.ScaledHeight {
						n = 3 * g.ScaledWidth
						require.Equal(t, want.Data[y*n:(y+1)*n], row[:n], "row %d", y) // to the bit
					}
					require.Equal(t, make([]float32, len(row)-n), row[n:], "padding is zero")
				}
			}
		})
	}
}

// torchvision rounds the sides down and limits the longer one, mmdetection
// rounds them half up; both pad to a multiple.
func TestOtherFits(t *testing.T) {
	// Sizes that torchvision itself gives.
	for _, tt := range []struct{ min, max, h, w, sh, sw, ih, iw int }{
		{64, 96, 37, 53, 64, 91, 64, 96},
		{64, 96, 120, 40, 96, 32, 96, 32},
		{50, 96, 50, 50, 50, 50, 64, 64},
		{33, 1000, 97, 64, 50, 33, 64, 64},
		{64, 96, 31, 200, 14, 96, 32, 96},
		{60, 80, 75, 101, 59, 80, 64, 96},
		{800, 1333, 300, 451, 800, 1202, 800, 1216},
		{800, 1333, 200, 596, 447, 1332, 448, 1344}, // 1333/596·596 is less than 1333
	} {
		tv := config.Input{Fit: config.FitShortestEdge, MinSize: tt.min, MaxSize: tt.max, PadMultiple: 32}
		g, err := Fit(&tv, tt.h, tt.w)
		require.NoError(t, err)
		require.Equal(t, [4]int{tt.sh, tt.sw, tt.ih, tt.iw}, [4]int{g.ScaledHeight, g.ScaledWidth, g.InputHeight, g.InputWidth})
		require.Equal(t, box.Size{Height: float32(tt.sh), Width: float32(tt.sw)}, g.Clip(config.ClipImage))
	}
	mm := config.Input{Fit: config.FitKeepRatio, MinSize: 640, MaxSize: 640, PadMultiple: 128}
	g, err := Fit(&mm, 427, 640)
	require.NoError(t, err)
	require.Equal(t, [4]int{427, 640, 512, 640}, [4]int{g.ScaledHeight, g.ScaledWidth, g.InputHeight, g.InputWidth})
	require.Equal(t, box.Size{Height: 426, Width: 639}, g.Clip(config.ClipImageMinusOne))
}

func TestBoxesGoBackToThePhoto(t *testing.T) {
	c := input(t, true)
	g, err := Fit(&c, 520, 696)
	require.NoError(t, err)
	require.Equal(t, [2]int{478, 640}, [2]int{g.ScaledHeight, g.ScaledWidth})
	b := g.ToPhoto(box.Box{Y1: 0, X1: 320, Y2: 478, X2: 640})
	require.InDelta(t, 520, b.Y2, 1e-3)
	require.InDelta(t, 348, b.X1, 1e-3)
	require.Equal(t, box.Size{Height: 640, Width: 640}, g.Clip(config.ClipCanvas))
	require.Equal(t, box.Size{Height: 639, Width: 639}, g.Clip(config.ClipCanvasMinusOne))
}

func TestImpossiblePhotos(t *testing.T) {
	c := input(t, true)
	_, err := Fit(&c, 0, 10)
	require.EqualError(t, err, "preprocess: photo of 0×10 pixels")
	_, err = Fit(&c, 1, 30000)
	require.EqualError(t, err, "preprocess: 1×30000 pixels are too far from square: resized to 0×640")
	g, err := Fit(&c, 1, 1)
	require.NoError(t, err)
	require.Equal(t, 640, g.ScaledHeight)
}

func BenchmarkResize(b *testing.B) {
	c, err := config.TF2("49")
	require.NoError(b, err)
	g, err := Fit(&c.Input, 3000, 4000)
	require.NoError(b, err)
	photo := make([]byte, 3*g.Height*g.Width)
	out := make([]float32, 3*g.InputHeight*g.InputWidth)
	r, s := NewResizer(&c.Input), &Scratch{}
	for b.Loop() {
		r.Start(g, photo)
		r.Rows(out, 3*g.InputWidth, 0, g.InputHeight, s)
	}
}

// The crop of the Garden's center_crop_image with 0.875 of the shorter side: sides rounded down, offsets those of the side before.
func TestCentreCrop(t *testing.T) {
	c, err := config.TF2Classification("resnet-50")
	require.NoError(t, err)
	g, err := Fit(&c.Input, 300, 451)
	require.NoError(t, err)
	require.Equal(t, [4]int{18, 94, 262, 262}, [4]int{g.CropY, g.CropX, g.CropHeight, g.CropWidth})
	require.Equal(t, [4]int{224, 224, 224, 224}, [4]int{g.ScaledHeight, g.ScaledWidth, g.InputHeight, g.InputWidth})
	g, err = Fit(&c.Input, 1, 3)
	require.NoError(t, err)
	require.Equal(t, [4]int{0, 1, 1, 1}, [4]int{g.CropY, g.CropX, g.CropHeight, g.CropWidth})

	// A photo of one colour in the crop and another around it: none of the latter is seen.
	photo := make([]byte, 300*451*3)
	for y := 18; y < 18+262; y++ {
		for x := 94; x < 94+262; x++ {
			copy(photo[3*(y*451+x):], []byte{200, 100, 50})
		}
	}
	g, err = Fit(&c.Input, 300, 451)
	require.NoError(t, err)
	r := NewResizer(&c.Input)
	r.Start(g, photo)
	out := make([]float32, 224*224*3)
	r.Rows(out, 224*3, 0, 224, new(Scratch))
	for i, v := range out {
		p, k := []float32{200, 100, 50}[i%3], i%3
		require.InDelta(t, (p-255*float32(c.Input.Mean[k]))/(255*float32(c.Input.Std[k])), v, 1e-6)
	}
}
