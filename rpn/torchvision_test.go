package rpn

import (
	"fmt"
	"math"
	"testing"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/stretchr/testify/require"
)

func xyxy(data []float32) []box.Box {
	boxes := rows(data)
	for i, b := range boxes {
		boxes[i] = box.Box{Y1: b.X1, X1: b.Y1, Y2: b.X2, X2: b.Y2}
	}
	return boxes
}

// torchvision: models/detection/anchor_utils.py, AnchorGenerator; in "odd" the maps do not divide the image.
func TestAnchorsEqualTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	c, err := config.Torchvision("v1")
	require.NoError(t, err)
	for name, test := range map[string]struct {
		image box.Size
		maps  [][2]int
	}{
		"anchors.pyramid": {box.Size{Height: 64, Width: 96}, [][2]int{{16, 24}, {8, 12}, {4, 6}, {2, 3}, {1, 2}}},
		"anchors.odd":     {box.Size{Height: 100, Width: 163}, [][2]int{{13, 21}, {7, 11}, {4, 6}, {2, 3}, {1, 2}}},
	} {
		want := xyxy(f.Get(t, name).Data)
		for l, m := range test.maps {
			a := NewAnchors(&c.Anchors, 2+l, m[0], m[1], test.image)
			for i := range m[0] * m[1] * 3 {
				require.Equal(t, want[i], a.At(i/3/m[1], i/3%m[1], i%3), "%s map %d row %d", name, l, i)
			}
			want = want[m[0]*m[1]*3:]
		}
		require.Empty(t, want)
	}
}

// mmdetection 1.x: core/anchor/anchor_generator.py, by hand: base 8, scale 3; h_ratios = √0.5, w_ratios = 1/√0.5: sides 33.94 and 16.97 about 3.5, rounded.
func TestAnchorsEqualMMDet1(t *testing.T) {
	c, err := config.MMDet("49")
	require.NoError(t, err)
	a := NewAnchors(&c.Anchors, 3, 10, 10, box.Size{})
	require.Equal(t, box.Box{Y1: -4, X1: -13, Y2: 11, X2: 20}, a.At(0, 0, 0))
	require.Equal(t, box.Box{Y1: -8, X1: -8, Y2: 15, X2: 15}, a.At(0, 0, 1))
	require.Equal(t, box.Box{Y1: -13, X1: -4, Y2: 20, X2: 11}, a.At(0, 0, 2))
	require.Equal(t, box.Box{Y1: 8, X1: 16, Y2: 31, X2: 39}, a.At(2, 3, 1))
}

// The whole of torchvision's network at 213×320, padded to 224×320.
func TestProposeEqualsTorchvision(t *testing.T) {
	f := testutil.Load(t, testutil.Shared(t, "fixtures/torchvision_maskrcnn_resnet50_fpn/v1_stages_256_320.safetensors"))
	c, err := config.Torchvision("v1")
	require.NoError(t, err)
	var levels []Output
	for l := range 5 {
		o, d := f.Get(t, fmt.Sprintf("rpn.objectness.%d", l)), f.Get(t, fmt.Sprintf("rpn.deltas.%d", l))
		h, w := o.Shape[2], o.Shape[3]
		out := Output{Height: h, Width: w, ObjectnessRow: 3 * w, DeltasRow: 12 * w}
		for p := range h * w {
			for k := range 3 {
				out.Objectness = append(out.Objectness, o.Data[k*h*w+p])
				for _, axis := range []int{1, 0, 3, 2} { // dx dy dw dh to dy dx dh dw
					out.Deltas = append(out.Deltas, d.Data[(4*k+axis)*h*w+p])
				}
			}
		}
		levels = append(levels, out)
	}
	boxes, scores := NewProposer(c).Propose(levels, box.Size{Height: 224, Width: 320}, box.Size{Height: 213, Width: 320})
	want := xyxy(f.Get(t, "proposals").Data)
	require.Len(t, boxes, len(want))
	used := make([]bool, len(boxes))
	for i, w := range want { // torch.sort leaves the order of equal scores open
		partner := -1
		for j, b := range boxes {
			if !used[j] && near(w, b) && math.Abs(float64(scores[i]-scores[j])) <= 1e-6 {
				partner = j
				break
			}
		}
		require.GreaterOrEqual(t, partner, 0, "row %d: %v", i, w)
		used[partner] = true
	}
	require.IsNonIncreasing(t, scores)
}

func near(a, b box.Box) bool {
	return max(a.Y1-b.Y1, b.Y1-a.Y1, a.X1-b.X1, b.X1-a.X1, a.Y2-b.Y2, b.Y2-a.Y2, a.X2-b.X2, b.X2-a.X2) < 3e-4
}
