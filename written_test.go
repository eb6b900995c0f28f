package spinemask

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/rle"
)

// Boxes of models of mmdetection 1.x are written as its xyxy2xywh does
// (mmdet/core/evaluation/coco_utils.py of v1.0 and mmdet/datasets/coco.py of v1.1):
//
//	bbox = np.array([255.6, 3.25, 255.202, 40.5], np.float32).tolist()
//	[bbox[0], bbox[1], bbox[2] - bbox[0] + 1, bbox[3] - bbox[1] + 1]
//	# Python 3.11: [255.60000610351562, 3.25, 0.60198974609375, 38.25]
//
// Those of others are not.
func TestSidesOfWrittenBoxes(t *testing.T) {
	pixel := rle.Mask{H: 50, W: 300, Runs: []uint32{7, 1, 50*300 - 8}}
	raw := []Instance{
		{Box: box.Box{Y1: 3.25, X1: 255.6, Y2: 40.5, X2: 255.202}, Mask: pixel},
		{Box: box.Box{Y1: 3.25, X1: 250, Y2: 49.5, X2: 299.5}, Mask: pixel}, // to the last pixels of a photo that was enlarged twice
		{Box: box.Box{Y1: 3.25, X1: 20, Y2: 10, X2: 18}, Mask: pixel},       // of a box narrower than a pixel of a reduced photo
	}
	sides := func(written config.BoxCoding) (list [][4]float64) {
		r := &Result{Height: 50, Width: 300, Instances: append([]Instance(nil), raw...)}
		r.clip(written)
		for _, in := range r.Instances {
			list = append(list, [4]float64{float64(in.Box.X1), float64(in.Box.Y1), float64(in.Box.X2) - float64(in.Box.X1), float64(in.Box.Y2) - float64(in.Box.Y1)})
		}
		return list
	}
	plusOne := sides(config.BoxCodingPlusOne)
	require.Len(t, plusOne, 2)
	for i, want := range [][4]float64{{255.60000610351562, 3.25, 0.60198974609375, 38.25}, {250, 3.25, 50.5, 47.25}} {
		require.InDeltaSlice(t, want[:], plusOne[i][:], 2e-5)
	}
	require.Equal(t, [][4]float64{{250, 3.25, 49.5, 46.25}}, sides(config.BoxCodingPlain))
}
