package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/train/target"
)

// A region has the object with which its IoU is at least the recipe's, of no value 0.5.
func TestRegionsHaveObjectsFromAnIoU(t *testing.T) {
	object := box.Box{Y1: 0, X1: 0, Y2: 10, X2: 100}
	part := func(iou float32) box.Box { return box.Box{Y1: 0, X1: 0, Y2: 10, X2: 100 * iou} }
	truths := &truth{boxes: []box.Box{object}, classes: []int{1}, masks: make([]float32, 28*28)}
	for _, tt := range []struct {
		iou  float64
		with []float32 // IoUs of the proposals that have the object
	}{
		{0, []float32{0.55, 0.75}},
		{0.5, []float32{0.55, 0.75}},
		{0.6, []float32{0.75}},
		{0.4, []float32{0.45, 0.55, 0.75}},
	} {
		s := RegionSampling{PreNMS: 3, PostNMS: 3, Samples: 4, Fraction: 1, Masks: 4, MaskCrop: 28, IoU: tt.iou}
		got, err := sample([]box.Box{part(0.45), part(0.55), part(0.75)}, truths, s, target.Garden(target.RegionWeights), 28, draws(1, forRegions, 0, 0), new(scratch))
		require.NoError(t, err)
		with := map[box.Box]bool{object: true} // objects are regions, too
		for _, iou := range tt.with {
			with[part(iou)] = true
		}
		require.Len(t, got.regions, 4)
		for _, r := range got.regions {
			require.Equal(t, with[r.Box], r.Class == 1, "%g: %v", tt.iou, r.Box)
		}
	}
}
