package preprocess

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// cv2.resize(pixels, (w, h), interpolation=cv2.INTER_LINEAR) of OpenCV 4.6.0:
// enlarged, reduced, unchanged, halved.
func TestEqualsOpenCV(t *testing.T) {
	ts := testutil.Load(t, "testdata/opencv.safetensors")
	c, err := config.MMDet("49")
	require.NoError(t, err)
	r := NewResizer(&c.Input)
	for i := range 10 {
		pixels, want := ts.Get(t, fmt.Sprintf("%d.pixels", i)), ts.Get(t, fmt.Sprintf("%d.resized", i))
		photo := make([]byte, len(pixels.Data))
		for k, v := range pixels.Data {
			photo[k] = byte(v)
		}
		g := Geometry{
			Height: pixels.Shape[0], Width: pixels.Shape[1], CropHeight: pixels.Shape[0], CropWidth: pixels.Shape[1],
			ScaledHeight: want.Shape[0], ScaledWidth: want.Shape[1],
			InputHeight: want.Shape[0], InputWidth: want.Shape[1],
		}
		for _, block := range []int{1, 5, 1000} {
			for k, v := range fill(r, g, photo, block) {
				require.Equal(t, r.levels[k%3][byte(want.Data[k])], v, "%d×%d to %d×%d: value %d, grey level %g", g.Height, g.Width, g.ScaledHeight, g.ScaledWidth, k, want.Data[k])
			}
		}
	}
}
