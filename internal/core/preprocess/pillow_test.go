package preprocess

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// Detectron2's ResizeShortestEdge with Pillow 13.0.0: enlarged, reduced, unchanged.
func TestEqualsPillow(t *testing.T) {
	ts := testutil.Load(t, "testdata/pillow.safetensors")
	for i, edges := range [][2]int{{64, 200}, {60, 80}, {33, 64}, {100, 120}, {40, 64}} {
		pixels, want := ts.Get(t, fmt.Sprintf("resize.%d.input", i)), ts.Get(t, fmt.Sprintf("resize.%d.output", i))
		photo := make([]byte, len(pixels.Data))
		for k, v := range pixels.Data {
			photo[k] = byte(v)
		}
		for _, order := range []config.ChannelOrder{config.ChannelOrderRGB, config.ChannelOrderBGR} {
			in := config.Input{
				Fit: config.FitShortestEdgeRounded, MinSize: edges[0], MaxSize: edges[1], PadMultiple: 32,
				Resize: config.ResizePillow, Normalize: config.NormalizeGrey, Std: [3]float64{1, 1, 1}, ChannelOrder: order,
			}
			g, err := Fit(&in, pixels.Shape[0], pixels.Shape[1])
			require.NoError(t, err)
			require.Equal(t, want.Shape, []int{g.ScaledHeight, g.ScaledWidth, 3})
			r := NewResizer(&in)
			for _, block := range []int{1, 7, 1000} {
				got := fill(r, g, photo, block)
				for y := range g.InputHeight {
					for x := range g.InputWidth {
						for ch := range 3 {
							v := float32(0) // padding
							if y < g.ScaledHeight && x < g.ScaledWidth {
								from := ch
								if order == config.ChannelOrderBGR {
									from = 2 - ch
								}
								v = want.Data[(y*g.ScaledWidth+x)*3+from]
							}
							require.Equal(t, v, got[(y*g.InputWidth+x)*3+ch], "%d: %d %d %d", i, y, x, ch)
						}
					}
				}
			}
		}
	}
}

// Sizes of Detectron2's ResizeShortestEdge.get_output_shape (02b5c4e2).
func TestShortestEdgeRounded(t *testing.T) {
	for _, s := range [][6]int{
		{480, 640, 800, 1333, 800, 1067},
		{300, 451, 800, 1333, 800, 1203},
		{500, 333, 800, 1333, 1201, 800},
		{1080, 1920, 800, 1333, 750, 1333},
		{427, 640, 800, 1333, 800, 1199},
		{101, 999, 800, 1333, 135, 1333},
		{213, 320, 256, 333, 222, 333},
	} {
		g, err := Fit(&config.Input{Fit: config.FitShortestEdgeRounded, MinSize: s[2], MaxSize: s[3], PadMultiple: 32}, s[0], s[1])
		require.NoError(t, err)
		require.Equal(t, s[4:], []int{g.ScaledHeight, g.ScaledWidth}, "%v", s)
	}
}
