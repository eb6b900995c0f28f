package spinemask

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// Boxes of models of mmdetection 1.x are written as its xyxy2xywh does
// (mmdet/core/evaluation/coco_utils.py of v1.0 and mmdet/datasets/coco.py of v1.1):
//
//	bbox = np.array([255.6, 3.25, 255.202, 40.5], np.float32).tolist()
//	[bbox[0], bbox[1], bbox[2] - bbox[0] + 1, bbox[3] - bbox[1] + 1]
//	# Python 3.11: [255.60000610351562, 3.25, 0.60198974609375, 38.25]
func TestSidesOfWrittenBoxes(t *testing.T) {
	pixel := rle.Mask{H: 50, W: 300, Runs: []uint32{7, 1, 50*300 - 8}}
	r := &Result{Height: 50, Width: 300, Instances: []Instance{
		{Box: box.Box{Y1: 3.25, X1: 255.6, Y2: 40.5, X2: 255.202}, Mask: pixel},
		{Box: box.Box{Y1: 3.25, X1: 250, Y2: 49.5, X2: 299.5}, Mask: pixel}, // to the last pixels of a photo that was enlarged twice
		{Box: box.Box{Y1: 3.25, X1: 20, Y2: 10, X2: 18}, Mask: pixel},       // of a box narrower than a pixel of a reduced photo
	}}
	sides := func() (list [][4]float64) {
		for _, in := range r.Instances {
			list = append(list, [4]float64{float64(in.Box.X1), float64(in.Box.Y1), float64(in.Box.X2) - float64(in.Box.X1), float64(in.Box.Y2) - float64(in.Box.Y1)})
		}
		return list
	}
	r.plusOne()
	require.InDelta(t, 0.60198974609375, sides()[0][2], 2e-5)
	require.Equal(t, [4]float64{250, 3.25, 50.5, 47.25}, sides()[1])
	require.Equal(t, [4]float64{20, 3.25, -1, 7.75}, sides()[2])
	r.clip() // for people: inside the photo, with something in them
	require.Len(t, r.Instances, 2)
	require.InDelta(t, 0.60198974609375, sides()[0][2], 2e-5)
	require.Equal(t, [4]float64{250, 3.25, 50, 46.75}, sides()[1])
}

// The evaluation, which takes detections as they are, has the longer sides, too: of a photo of 64 pixels, enlarged to 640,
// mmdetection 1.x clips to 639 (delta2bbox), divides by 10 (FCNMaskHead and BBoxHead, scale_factor) and adds 1.
func TestRawBoxesHaveTheSidesOfTheOriginal(t *testing.T) {
	for raw, want := range map[bool]float64{true: 63.9 + 1, false: 64} {
		m, err := Open("testdata/mmdet_tiny/tiny.pth", &Options{Raw: raw})
		require.NoError(t, err)
		defer m.Close()
		r, err := m.Segment(context.Background(), image.NewRGBA(image.Rect(0, 0, 64, 64)))
		require.NoError(t, err)
		var right float32
		for _, in := range r.Instances {
			right = max(right, in.Box.X2)
			require.True(t, in.Box.X2 > in.Box.X1 && in.Box.Y2 > in.Box.Y1, "%v", in.Box)
		}
		require.InDelta(t, want, right, 1e-4)
	}
}
