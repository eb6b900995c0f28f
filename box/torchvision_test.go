package box

import (
	"math"
	"slices"
	"testing"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/stretchr/testify/require"
)

// xyxy reads boxes x1 y1 x2 y2.
func xyxy(x testutil.Tensor) []Box {
	boxes := rows(x)
	for i, b := range boxes {
		boxes[i] = Box{b.X1, b.Y1, b.X2, b.Y2}
	}
	return boxes
}

// torchvision: models/detection/_utils.py, BoxCoder. Each of 40 boxes has three deltas.
func TestCoderEqualsTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	boxes, gt := xyxy(f.Get(t, "coder.boxes")), xyxy(f.Get(t, "coder.gt"))
	for i, name := range []string{"coder.rpn.", "coder.roi."} {
		c := Coder{Weights: weights[i]}
		encoded, in, decoded := f.Get(t, name+"encode").Data, f.Get(t, name+"deltas").Data, xyxy(f.Get(t, name+"decode"))
		for k, b := range boxes {
			d := c.Encode(gt[k], b)
			require.InDeltaSlice(t, encoded[4*k:4*k+4], []float32{d.X, d.Y, d.W, d.H}, 1e-5)
			for j := range 3 {
				v := in[12*k+4*j:]
				got := c.Decode(Delta{Y: v[1], X: v[0], H: v[3], W: v[2]}, b)
				testutil.RequireClose(t, flatten(decoded[3*k+j:3*k+j+1]), flatten([]Box{got}), 1e-6, name, k, j)
			}
		}
	}
}

func TestClipAndFilterEqualTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	want := xyxy(f.Get(t, "clip.out"))
	for i, b := range xyxy(f.Get(t, "clip.in")) {
		require.Equal(t, want[i], b.Clip(Size{150, 200}))
	}
	for name, size := range map[string]float32{"small.keep.0.001": 1e-3, "small.keep.0.01": 1e-2, "small.keep.1.0": 1} {
		var kept []float32
		for i, b := range xyxy(f.Get(t, "small.boxes")) {
			if b.AtLeast(size) {
				kept = append(kept, float32(i))
			}
		}
		require.Equal(t, f.Get(t, name).Data, kept, name)
	}
}

// batched does NMS of each group, as torchvision's callers of Suppress do, and returns what is kept by falling score.
func batched(boxes []Box, scores, labels []float32, iou float32) []float32 {
	var order []Rank
	for i, s := range scores {
		order = append(order, NewRank(s, i))
	}
	far := Farthest(boxes, float32(math.Inf(-1)))
	var kept []Rank
	var nms NMS
	for label := range 4 {
		var group []Box
		var ranks []Rank
		for _, r := range Best(order, len(order)) {
			if int(labels[r.Index()]) == label {
				group, ranks = append(group, boxes[r.Index()]), append(ranks, r)
			}
		}
		nms.Offset = float32(label) * (far + 1)
		for _, k := range nms.Suppress(group, OffsetGT, iou, len(group)) {
			kept = append(kept, ranks[k])
		}
	}
	var out []float32
	for _, r := range Best(kept, len(kept)) {
		out = append(out, float32(r.Index()))
	}
	return out
}

// torchvision.ops: nms and batched_nms. Its order among equal scores is free, so that only sets are compared where there are any.
func TestNMSEqualsTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	boxes, scores, labels := xyxy(f.Get(t, "nms.boxes")), f.Get(t, "nms.scores").Data, f.Get(t, "nms.labels").Data
	one := make([]float32, len(labels))
	sorted := func(x []float32) []float32 { return slices.Sorted(slices.Values(x)) }
	for name, iou := range map[string]float32{"0.3": 0.3, "0.5": 0.5, "0.7": 0.7} {
		require.Equal(t, sorted(f.Get(t, "nms.keep."+name).Data), sorted(batched(boxes, scores, one, iou)), name)
		require.Equal(t, sorted(f.Get(t, "nms.batched."+name).Data), sorted(batched(boxes, scores, labels, iou)), name)
	}
	require.Equal(t, f.Get(t, "nms.distinct_batched.0.5").Data, batched(boxes, f.Get(t, "nms.distinct_scores").Data, labels, 0.5))

	threshold := xyxy(f.Get(t, "nms.threshold_boxes")) // by falling score; IoU exactly 0.5, and no area
	var kept []float32
	for _, k := range new(NMS).Suppress(threshold, GT, 0.5, 10) {
		kept = append(kept, float32(k))
	}
	require.Equal(t, f.Get(t, "nms.threshold_keep.0.5").Data, kept)
}
