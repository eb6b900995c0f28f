package spinemask_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// xFirst matches the names of golden tensors with x before y in the last axis:
// boxes and deltas.
var xFirst = regexp.MustCompile(`deltas|boxes|proposals|bbox_pred|rpn_reg`)

// fromPyTorch turns golden tensors into our layouts, under new names: maps,
// 1×C×H×W, into H×W×C, those of RoIs into R×H×W×C; boxes and deltas into y before
// x.
func fromPyTorch(golden testutil.Tensors, rename func(name string) string) testutil.Tensors {
	out := testutil.Tensors{}
	for name, x := range golden {
		if len(x.Shape) == 4 {
			x = channelsLast(x)
		}
		if xFirst.MatchString(name) {
			swapped := make([]float32, len(x.Data)) // pairs lie within a row of the last axis, whose length is even
			for i := range swapped {
				swapped[i] = x.Data[i^1]
			}
			x.Data = swapped
		}
		out[rename(name)] = x
	}
	return out
}

func channelsLast(x testutil.Tensor) testutil.Tensor {
	n, c, area := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	out := make([]float32, len(x.Data))
	for i := range n {
		for k := range c {
			for p := range area {
				out[(i*area+p)*c+k] = x.Data[(i*c+k)*area+p]
			}
		}
	}
	shape := []int{n, x.Shape[2], x.Shape[3], c}
	if n == 1 {
		shape = shape[1:]
	}
	return testutil.Tensor{Shape: shape, Data: out}
}

// node is the value that the node with the name makes.
func node(t testing.TB, g *graph.Graph, name string) graph.Value {
	for i, n := range g.Nodes() {
		if n.Name == name {
			return graph.Value(i)
		}
	}
	require.Fail(t, "no such node", name)
	return 0
}
