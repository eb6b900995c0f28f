package maskhead

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/rle"
)

// detectron2 02b5c4e2: layers/mask_ops.py, paste_masks_in_image at 0.5.
func TestPasteEqualsDetectron2(t *testing.T) {
	ts := testutil.Load(t, "testdata/detectron2.safetensors")
	boxes, masks, want := ts.Get(t, "paste.boxes").Data, ts.Get(t, "paste.masks").Data, ts.Get(t, "paste.out")
	n, h, w := want.Shape[0], want.Shape[1], want.Shape[2]
	c := config.Masks{Paste: config.PasteGrid, Threshold: 0.5}
	p := NewPaster(&c)
	for i := range n {
		b := box.Box{Y1: boxes[4*i+1], X1: boxes[4*i], Y2: boxes[4*i+3], X2: boxes[4*i+2]}
		pixels := make([]byte, h*w)
		for k := range pixels {
			pixels[k] = byte(want.Data[i*h*w+k])
		}
		require.Equal(t, rle.FromBitmap(h, w, pixels), p.Paste(masks[i*28*28:(i+1)*28*28], 28, b, h, w), "mask %d, box %v", i, b)
	}
}

// A pixel at the threshold belongs to the object, and boxes without extent do not stop anything.
func TestPasteGridAtTheThreshold(t *testing.T) {
	c := config.Masks{Paste: config.PasteGrid, Threshold: 0.5}
	p := NewPaster(&c)
	mask := make([]float32, 28*28)
	for i := range mask {
		mask[i] = 0.5
	}
	require.GreaterOrEqual(t, p.Paste(mask, 28, box.Box{Y1: 1, X1: 1, Y2: 29, X2: 29}, 40, 40).Area(), uint64(26*26)) // the outermost fade
	p.Paste(mask, 28, box.Box{Y1: 3, X1: 3, Y2: 3, X2: 9}, 40, 40)
	p.Paste(mask, 28, box.Box{Y1: 3.5, X1: 3.5, Y2: 3.5, X2: 3.5}, 40, 40)
}
