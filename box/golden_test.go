package box

import (
	"fmt"
	"testing"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/stretchr/testify/require"
)

func rows(x testutil.Tensor) []Box {
	out := make([]Box, len(x.Data)/4)
	for i := range out {
		v := x.Data[4*i:]
		out[i] = Box{v[0], v[1], v[2], v[3]}
	}
	return out
}

func deltas(x testutil.Tensor) []Delta {
	out := make([]Delta, len(x.Data)/4)
	for i := range out {
		v := x.Data[4*i:]
		out[i] = Delta{v[0], v[1], v[2], v[3]}
	}
	return out
}

func flatten(boxes []Box) []float32 {
	var out []float32
	for _, b := range boxes {
		out = append(out, b.Y1, b.X1, b.Y2, b.X2)
	}
	return out
}

// Box weights 1 are "no weights" of the originals: dividing by 1 changes nothing.
var weights = []Delta{{1, 1, 1, 1}, {10, 10, 5, 5}}

// tpu: utils/box_utils.py encode_boxes, decode_boxes; Garden: vision/ops/box_ops.py.
func TestCoderEqualsTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for i, w := range weights {
		for name, test := range map[string]struct {
			coder                                      Coder
			boxes, anchors, encoded, at, from, decoded testutil.Tensor
		}{
			"tf1": {Coder{PlusOne: true, Weights: w},
				tf1.Get(t, fmt.Sprintf("encode_boxes/%d/boxes", i)), tf1.Get(t, fmt.Sprintf("encode_boxes/%d/anchors", i)), tf1.Get(t, fmt.Sprintf("encode_boxes/%d/out_deltas", i)),
				tf1.Get(t, fmt.Sprintf("decode_boxes/%d/anchors", i)), tf1.Get(t, fmt.Sprintf("decode_boxes/%d/deltas", i)), tf1.Get(t, fmt.Sprintf("decode_boxes/%d/out_boxes", i))},
			"tf2": {Coder{Weights: w},
				tf2.Get(t, fmt.Sprintf("encode_boxes.%d.in.boxes", i)), tf2.Get(t, fmt.Sprintf("encode_boxes.%d.in.anchors", i)), tf2.Get(t, fmt.Sprintf("encode_boxes.%d.out.encoded", i)),
				tf2.Get(t, fmt.Sprintf("decode_boxes.%d.in.anchors", i)), tf2.Get(t, fmt.Sprintf("decode_boxes.%d.in.encoded", i)), tf2.Get(t, fmt.Sprintf("decode_boxes.%d.out.decoded", i))},
		} {
			boxes, anchors := rows(test.boxes), rows(test.anchors)
			var got []float32
			for k := range boxes {
				d := test.coder.Encode(boxes[k], anchors[k])
				got = append(got, d.Y, d.X, d.H, d.W)
			}
			testutil.RequireClose(t, test.encoded.Data, got, 1e-6, name, "encode", i)

			from, at := deltas(test.from), rows(test.at)
			want := rows(test.decoded)
			for k := range from {
				b := test.coder.Decode(from[k], at[k])
				testutil.RequireClose(t, flatten(want[k:k+1]), flatten([]Box{b}), 1e-6, name, "decode", i, k)
			}
		}
	}
}

func TestClipEqualsTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for k, b := range rows(tf1.Get(t, "clip_boxes/0/boxes")) { // height 200, width 256, less one
		require.Equal(t, rows(tf1.Get(t, "clip_boxes/0/out_boxes"))[k], b.Clip(Size{199, 255}))
	}
	for i := range weights { // height 200, width 300
		for k, b := range rows(tf2.Get(t, fmt.Sprintf("decode_boxes.%d.out.decoded", i))) {
			require.Equal(t, rows(tf2.Get(t, fmt.Sprintf("decode_boxes.%d.out.clipped", i)))[k], b.Clip(Size{200, 300}))
		}
	}
}

// Garden: vision/ops/box_ops.py bbox_overlap, which marks padding (all coordinates negative) with −1.
func TestIoUEqualsTF(t *testing.T) {
	tf2 := testutil.Load(t, "testdata/tf2.safetensors")
	want := tf2.Get(t, "bbox_overlap.0.out.iou")
	gt := rows(tf2.Get(t, "bbox_overlap.0.in.gt"))
	for i, a := range rows(tf2.Get(t, "bbox_overlap.0.in.boxes")) {
		for j, b := range gt {
			if w := want.Data[i*len(gt)+j]; w >= 0 {
				require.InDelta(t, w, IoU(a, b), 1e-6)
			} else {
				require.Contains(t, []Box{a, b}, Box{-1, -1, -1, -1})
			}
		}
	}
}

// tpu: ops/nms.py, Garden: vision/ops/nms.py: sorted_non_max_suppression_padded. Rows after the kept ones are zero.
func TestTiledNMSEqualsTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for name, test := range map[string]struct {
		boxes, kept, scores, keptScores testutil.Tensor
		limit                           int
		iou                             float32
		rule                            Rule
	}{
		"tf1 0": tf1NMS(t, tf1, 0, 60, 0.7),
		"tf1 1": tf1NMS(t, tf1, 1, 50, 0.5),
		"tf1 2": tf1NMS(t, tf1, 2, 700, 0.3),
		"tf2 0": tf2NMS(t, tf2, 0, 100, 0.5),
		"tf2 1": tf2NMS(t, tf2, 1, 700, 0.7),
		"tf2 2": tf2NMS(t, tf2, 2, 300, 0.3),
	} {
		t.Run(name, func(t *testing.T) {
			boxes := rows(test.boxes)
			var got []Box
			var scores []float32
			for _, k := range new(NMS).Suppress(boxes, test.rule, test.iou, test.limit) {
				got = append(got, boxes[k])
				scores = append(scores, test.scores.Data[k])
			}
			want := rows(test.kept)
			require.LessOrEqual(t, len(got), len(want))
			require.Equal(t, want[:len(got)], got)
			require.Equal(t, test.keptScores.Data[:len(got)], scores)
			for _, b := range want[len(got):] {
				require.Zero(t, b)
			}
		})
	}
}

type nmsCase = struct {
	boxes, kept, scores, keptScores testutil.Tensor
	limit                           int
	iou                             float32
	rule                            Rule
}

func tf1NMS(t *testing.T, f testutil.Tensors, i, limit int, iou float32) nmsCase {
	at := fmt.Sprintf("nms_sorted/%d/", i)
	return nmsCase{f.Get(t, at+"boxes"), f.Get(t, at+"out_boxes"), f.Get(t, at+"scores"), f.Get(t, at+"out_scores"), limit, iou, GE}
}

func tf2NMS(t *testing.T, f testutil.Tensors, i, limit int, iou float32) nmsCase {
	at := fmt.Sprintf("nms_v2.%d.", i)
	return nmsCase{f.Get(t, at+"in.boxes"), f.Get(t, at+"out.boxes"), f.Get(t, at+"in.scores"), f.Get(t, at+"out.scores"), limit, iou, GETiled}
}

// tf.image.non_max_suppression_padded (TF 2.15) of boxes with score > 0.05; indices after the valid ones are 0.
func TestPaddedNMSEqualsTF(t *testing.T) {
	tf2 := testutil.Load(t, "testdata/tf2.safetensors")
	for i, args := range []struct {
		iou   float32
		limit int
	}{{0.5, 100}, {0.7, 700}, {0.3, 300}} {
		at := fmt.Sprintf("nms_v1.%d.", i)
		boxes, scores := rows(tf2.Get(t, at+"in.boxes")), tf2.Get(t, at+"in.scores").Data
		n := 0
		for n < len(scores) && scores[n] > 0.05 {
			n++
		}
		kept := new(NMS).Suppress(boxes[:n], GE, args.iou, args.limit)
		want := tf2.Get(t, at+"out.indices").Data[:int(tf2.Get(t, at+"out.valid").Data[0])]
		var got []float32
		for _, k := range kept {
			got = append(got, float32(k))
		}
		require.Equal(t, want, got, i)
	}
}
