package paritytest

import (
	"fmt"
	"math"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/roialign"
	"github.com/spinemask/spinemask/rpn"
)

// The stages below have the names of golden tensors that the makers of the TF1
// fixture and of the built-in model chose: input, stem_0, stem_1, block_00…,
// P3…, rpn_score_3…, rpn_box_3…, proposals, roi_features, class_logits,
// box_deltas.

func (n *Network) levels(format string, value func(level int) graph.Value) Values {
	all := Values{}
	for l := n.Config.Backbone.MinLevel; l <= n.Config.Backbone.MaxLevel; l++ {
		all[fmt.Sprintf(format, l)] = value(l)
	}
	return all
}

// Pyramid names the backbone's outputs P3….
func (n *Network) Pyramid() Values {
	return n.levels("P%d", func(l int) graph.Value { return n.Features.Levels[l] })
}

// EndToEnd goes from the network's input to the backbone's outputs in one run.
func (n *Network) EndToEnd(tolerance float64) {
	n.t.Helper()
	shape := n.Golden.Get(n.t, "input").Shape
	n.Stage(n.Trunk, shape[0], shape[1], Values{"input": 0}, n.Pyramid(), tolerance)
}

// Backbone checks block by block, each fed with its golden parents.
func (n *Network) Backbone(tolerance float64) {
	n.t.Helper()
	shape := n.Golden.Get(n.t, "input").Shape
	h, w := shape[0], shape[1]
	known := Values{"input": 0}
	check := func(name string, v graph.Value) {
		n.Stage(n.Trunk, h, w, known, Values{name: v}, tolerance)
		known[name] = v
	}
	for i, v := range n.Features.Stem {
		check(fmt.Sprintf("stem_%d", i), v)
	}
	for i, v := range n.Features.Blocks {
		check(fmt.Sprintf("block_%02d", i), v)
	}
	n.Stage(n.Trunk, h, w, known, n.Pyramid(), tolerance)
}

// Heads checks the RPN head on each golden level, and the box head.
func (n *Network) Heads(tolerance float64) {
	n.t.Helper()
	shape := n.Golden.Get(n.t, "input").Shape
	scores := n.levels("rpn_score_%d", func(l int) graph.Value { return n.Output(n.Trunk, fmt.Sprintf("objectness%d", l)) })
	deltas := n.levels("rpn_box_%d", func(l int) graph.Value { return n.Output(n.Trunk, fmt.Sprintf("deltas%d", l)) })
	n.Stage(n.Trunk, shape[0], shape[1], n.Pyramid(), scores, tolerance)
	n.Stage(n.Trunk, shape[0], shape[1], n.Pyramid(), deltas, tolerance)
	size := n.Config.RoIAlign.BoxSize
	n.Stage(n.Box, size, size, Values{"roi_features": 0},
		Values{"class_logits": n.Output(n.Box, "classes"), "box_deltas": n.Output(n.Box, "deltas")}, tolerance)
}

// Proposals chooses from the golden outputs of the RPN head. Every golden
// proposal must be there, within tolerance pixels, and at most swapped with
// neighbours.
func (n *Network) Proposals(clip box.Size, tolerance float64) {
	n.t.Helper()
	var levels []rpn.Output
	for l := n.Config.Backbone.MinLevel; l <= n.Config.Backbone.MaxLevel; l++ {
		o, d := n.Golden.Get(n.t, fmt.Sprintf("rpn_score_%d", l)), n.Golden.Get(n.t, fmt.Sprintf("rpn_box_%d", l))
		levels = append(levels, rpn.Output{
			Height: o.Shape[0], Width: o.Shape[1],
			Objectness: o.Data, ObjectnessRow: o.Shape[1] * o.Shape[2], Deltas: d.Data, DeltasRow: d.Shape[1] * d.Shape[2],
		})
	}
	input := n.Golden.Get(n.t, "input").Shape
	got, _ := rpn.NewProposer(n.Config).Propose(levels, box.Size{Height: float32(input[0]), Width: float32(input[1])}, clip)
	want := Boxes(n.Golden.Get(n.t, "proposals"))
	require.Len(n.t, got, len(want))
	worst := 0.0
	for i, b := range want {
		near := math.Inf(1)
		for k := max(0, i-3); k < min(len(got), i+4); k++ {
			near = min(near, Distance(b, got[k]))
		}
		worst = max(worst, near)
	}
	n.t.Logf("%-16s %.1e px", "proposals", worst)
	require.LessOrEqual(n.t, worst, tolerance, "proposals")
}

// RoIs cuts the features of golden boxes from the golden pyramid.
func (n *Network) RoIs(boxes, features string, tolerance float64) {
	n.t.Helper()
	want := n.Golden.Get(n.t, features)
	rows, size, channels := want.Shape[0], want.Shape[1], want.Shape[3]
	var maps []roialign.Map
	for l := n.Config.RoIAlign.MinLevel; l <= n.Config.RoIAlign.MaxLevel; l++ {
		x := n.Golden.Get(n.t, network.PName(l))
		maps = append(maps, roialign.Map{Data: x.Data, Height: x.Shape[0], Width: x.Shape[1], Channels: x.Shape[2], RowStride: x.Shape[1] * x.Shape[2]})
	}
	got := make([]float32, len(want.Data))
	input := n.Golden.Get(n.t, "input").Shape
	roialign.New(&n.Config.RoIAlign, kernels.Best()).Align(
		roialign.Crops{Data: got, ItemStride: size * size * channels, RowStride: size * channels}, size, maps,
		box.Size{Height: float32(input[0]), Width: float32(input[1])}, Boxes(n.Golden.Get(n.t, boxes))[:rows])
	n.Compare(features, testutil.Tensor{Shape: want.Shape, Data: got}, tolerance)
}

// Masks runs the mask head on golden features and compares the probabilities
// of each one's golden class.
func (n *Network) Masks(features, classes, masks string, tolerance float64) {
	n.t.Helper()
	size := n.Config.RoIAlign.MaskSize
	logits := n.Run(n.Mask, size, size, Values{features: 0}, Values{masks: n.Output(n.Mask, "logits")})[masks]
	class := n.Golden.Get(n.t, classes).Data
	n.Compare(masks, Probabilities(n.Config, logits, class), tolerance)
}

// Probabilities are the sigmoids of OwnClass.
func Probabilities(c *config.Config, logits testutil.Tensor, class []float32) testutil.Tensor {
	out := OwnClass(c, logits, class)
	for i, v := range out.Data {
		out.Data[i] = float32(1 / (1 + math.Exp(-float64(v))))
	}
	return out
}

// OwnClass is one channel of each row: that of the class, where masks depend on
// it.
func OwnClass(c *config.Config, logits testutil.Tensor, class []float32) testutil.Tensor {
	rows, channels := logits.Shape[0], logits.Shape[3]
	area := logits.Shape[1] * logits.Shape[2]
	out := testutil.Tensor{Shape: []int{rows, logits.Shape[1], logits.Shape[2], 1}}
	for i := range rows {
		k := 0
		if c.MaskHead.ClassSpecific {
			k = int(class[i])
		}
		for p := range area {
			out.Data = append(out.Data, logits.Data[(i*area+p)*channels+k])
		}
	}
	return out
}

// Boxes reads rows of y1, x1, y2, x2.
func Boxes(x testutil.Tensor) []box.Box {
	var out []box.Box
	for i := 0; i+3 < len(x.Data); i += 4 {
		out = append(out, box.Box{Y1: x.Data[i], X1: x.Data[i+1], Y2: x.Data[i+2], X2: x.Data[i+3]})
	}
	return out
}

// Distance is the largest difference of a coordinate.
func Distance(a, b box.Box) float64 {
	d := max(abs(a.Y1-b.Y1), abs(a.X1-b.X1), abs(a.Y2-b.Y2), abs(a.X2-b.X2))
	return float64(d)
}

func abs(x float32) float32 { return max(x, -x) }
