package preprocess

import (
	"image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

func TestBoxesGoBackAsInTorchvision(t *testing.T) {
	ts := testutil.Load(t, "testdata/torchvision.safetensors")
	want := ts.Get(t, "resize_boxes.out").Data
	c := config.Input{Fit: config.FitShortestEdge, MinSize: 333, MaxSize: 500, PadMultiple: 32}
	g, err := Fit(&c, 427, 640)
	require.NoError(t, err)
	require.Equal(t, [2]int{333, 499}, [2]int{g.ScaledHeight, g.ScaledWidth})
	g.ScaledWidth = 500 // what the numbers were made for
	for i, v := range ts.Get(t, "coder.boxes").Data {
		b := g.ToPhoto(box.Box{Y1: v, X1: v})
		require.Equal(t, want[i], [2]float32{b.X1, b.Y1}[i%2])
	}
}

// A photo as torchvision's network gets it: 400×600 to 213×320 in 224×320.
func TestInputOfTorchvision(t *testing.T) {
	want := testutil.Load(t, testutil.Shared(t, "fixtures/torchvision_maskrcnn_resnet50_fpn/v1_stages_256_320.safetensors")).Get(t, "input")
	f, err := os.Open(testutil.Shared(t, "data/demo_images/skimage_coffee.png"))
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	var photo []byte
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			photo = append(photo, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	c, err := config.Torchvision("v1")
	require.NoError(t, err)
	c.Input.MinSize, c.Input.MaxSize = 256, 320
	g, err := Fit(&c.Input, img.Bounds().Dy(), img.Bounds().Dx())
	require.NoError(t, err)
	require.Equal(t, want.Shape[2:], []int{g.InputHeight, g.InputWidth})
	got := fill(NewResizer(&c.Input), g, photo, 16)
	chw := make([]float32, len(got))
	for i, v := range got {
		chw[i%3*len(got)/3+i/3] = v
	}
	testutil.RequireClose(t, want.Data, chw, 1e-6)
}
