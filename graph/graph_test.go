package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrinter(t *testing.T) {
	g := New()
	x := g.Input("image", 3)
	a := g.Norm("stem/norm", g.Conv("stem", x, Conv{Size: 7, Stride: 2, Padding: Same, Out: 8, Bias: true}), 1e-3)
	b := g.Activate("stem/relu", a, Relu)
	c := g.MaxPool("pool", b, MaxPool{Size: 3, Stride: 2, Padding: Fixed})
	d := g.Upsample("up", c, 2)
	e := g.Add("sum", b, d)
	f := g.ConvShared("twice/0", "twice", e, Conv{Size: 1, Stride: 1, Padding: Valid, Out: 4})
	h := g.Dense("fc", g.Deconv("deconv", f, Deconv{Size: 2, Out: 2}), Dense{Height: 8, Width: 8, Out: 5, Bias: true})
	g.Output("scores", h)
	require.NoError(t, g.Err())
	require.Equal(t, `%0 image = input 3
%1 stem = conv 7x7/2 same 8 +bias (%0)
%2 stem/norm = norm 0.001 (%1)
%3 stem/relu = relu (%2)
%4 pool = maxpool 3x3/2 fixed (%3)
%5 up = upsample 2 (%4)
%6 sum = add (%3, %5)
%7 twice/0 = conv 1x1 valid 4 (%6) [twice]
%8 deconv = deconv 2x2 2 (%7)
%9 fc = dense 5 +bias (%8)
output scores = %9
`, g.String())

	shapes, err := g.Shapes(8, 8)
	require.NoError(t, err)
	require.Equal(t, Shape{4, 4, 8}, shapes[e])
	require.Equal(t, Shape{1, 1, 5}, shapes[h])
	_, err = g.Shapes(16, 8)
	require.EqualError(t, err, "graph: fc: dense: input 16×8×2, want 8×8")

	counts, err := g.Counts(8, 8, 3)
	require.NoError(t, err)
	require.Equal(t, Count{Params: 7*7*3*8 + 8, MACs: 3 * 4 * 4 * 8 * 7 * 7 * 3}, counts[1])
	require.Equal(t, Count{Params: 16, Statistics: 16}, counts[2])
	require.Equal(t, []Stage{
		{"stem", Count{Params: 1184 + 16, Statistics: 16, MACs: 3 * 4 * 4 * 8 * 7 * 7 * 3}},
		{"pool", Count{}}, {"up", Count{}}, {"sum", Count{}},
		{"twice", Count{Params: 32, MACs: 3 * 4 * 4 * 4 * 8}},
		{"deconv", Count{Params: 2 * 2 * 2 * 4, MACs: 3 * 8 * 8 * 2 * 4}},
		{"fc", Count{Params: 8*8*2*5 + 5, MACs: 3 * 8 * 8 * 2 * 5}},
	}, g.Stages(counts, 1))
}

// A separable convolution with a gate: shapes, weights and multiply-adds.
func TestConvolutionsOfEachChannel(t *testing.T) {
	g := New()
	x := g.Input("x", 3)
	a := g.Separable("a", "shared", x, Conv{Size: 3, Stride: 2, Padding: Same, Out: 5, Bias: true})
	b := g.Gate("gate", a, g.Activate("sigmoid", g.Mean("mean", a), HardSigmoid))
	g.Depthwise("b", b, Depthwise{Size: 3, Stride: 1, Padding: Same})
	require.NoError(t, g.Err())
	require.Equal(t, `%0 x = input 3
%1 a/depthwise = depthwise 3x3/2 same (%0) [shared/depthwise]
%2 a = conv 1x1 same 5 +bias (%1) [shared]
%3 mean = mean (%2)
%4 sigmoid = hard_sigmoid (%3)
%5 gate = gate (%2, %4)
%6 b = depthwise 3x3 same (%5)
`, g.String())
	require.Equal(t, []Tensor{
		{Name: "shared/depthwise/kernel", Shape: []int{3, 3, 3, 1}},
		{Name: "shared/kernel", Shape: []int{1, 1, 3, 5}}, {Name: "shared/bias", Shape: []int{5}},
		{Name: "b/kernel", Shape: []int{3, 3, 5, 1}},
	}, g.Tensors())
	shapes, err := g.Shapes(7, 8)
	require.NoError(t, err)
	require.Equal(t, []Shape{{7, 8, 3}, {4, 4, 3}, {4, 4, 5}, {1, 1, 5}, {1, 1, 5}, {4, 4, 5}, {4, 4, 5}}, shapes)
	counts, err := g.Counts(7, 8, 1)
	require.NoError(t, err)
	require.Equal(t, Count{Params: 27 + 20 + 45, MACs: 16*3*9 + 16*3*5 + 16*5*9}, Total(counts))
}

// The windows of TensorFlow's SAME on even sizes put the odd pixel behind; a
// fixed padding does not look at the size.
func TestPaddingWindows(t *testing.T) {
	for _, tt := range []struct {
		padding            Padding
		n, k, stride       int
		out, before, after int
	}{
		{Same, 640, 7, 2, 320, 2, 3},
		{Same, 640, 3, 2, 320, 0, 1},
		{Same, 641, 3, 2, 321, 1, 1},
		{Same, 16, 5, 4, 4, 0, 1},
		{Same, 5, 3, 1, 5, 1, 1},
		{Same, 3, 1, 2, 2, 0, 0},
		{Fixed, 640, 7, 2, 320, 3, 2}, // the last pixel of the padding is not read
		{Fixed, 640, 3, 2, 320, 1, 0},
		{Fixed, 641, 3, 2, 321, 1, 1},
		{Valid, 7, 3, 2, 3, 0, 0},
		{Valid, 8, 3, 2, 3, 0, 0},
	} {
		out, before, after := tt.padding.Window(tt.n, tt.k, tt.stride)
		require.Equal(t, [3]int{tt.out, tt.before, tt.after}, [3]int{out, before, after}, "%v", tt)
	}
}

func TestSharedWeightsAreListedOnce(t *testing.T) {
	g := New()
	x := g.Input("x", 2)
	a := g.ConvShared("c/0", "c", x, Conv{Size: 1, Stride: 1, Padding: Same, Out: 2, Bias: true})
	g.ConvShared("c/1", "c", a, Conv{Size: 1, Stride: 1, Padding: Same, Out: 2, Bias: true})
	require.Equal(t, []Tensor{{Name: "c/kernel", Shape: []int{1, 1, 2, 2}}, {Name: "c/bias", Shape: []int{2}}}, g.Tensors())
	counts, err := g.Counts(1, 1, 1)
	require.NoError(t, err)
	require.EqualValues(t, 6, Total(counts).Params)
}

// The first error of building names the node and stays.
func TestErrorsNameTheNode(t *testing.T) {
	for want, build := range map[string]func(g *Graph, x Value){
		"graph: sum: add: 3 and 4 channels": func(g *Graph, x Value) {
			g.Add("sum", x, g.Conv("a", x, Conv{Size: 1, Stride: 1, Padding: Same, Out: 4}))
		},
		"graph: x: input: name used twice":                         func(g *Graph, x Value) { g.Input("x", 3) },
		"graph: a: conv: number of channels must be positive":      func(g *Graph, x Value) { g.Conv("a", x, Conv{Size: 1, Stride: 1}) },
		"graph: a: conv: window and stride must be positive":       func(g *Graph, x Value) { g.Conv("a", x, Conv{Size: 3, Out: 4}) },
		"graph: a: activate: no activation \"tanh\"":               func(g *Graph, x Value) { g.Activate("a", x, "tanh") },
		"graph: a: activate: input 9 is not a value of this graph": func(g *Graph, x Value) { g.Activate("a", 9, Relu) },
		"graph: g: gate: 3 and 4 channels": func(g *Graph, x Value) {
			g.Gate("g", x, g.Mean("m", g.Conv("a", x, Conv{Size: 1, Stride: 1, Padding: Same, Out: 4})))
		},
		"graph: d: depthwise: window and stride must be positive": func(g *Graph, x Value) { g.Depthwise("d", x, Depthwise{Size: 3}) },
		"graph: sum: add: wrong number of inputs":                 func(g *Graph, x Value) { g.Add("sum", x) },
		"graph: output P3: declared twice":                        func(g *Graph, x Value) { g.Output("P3", x); g.Output("P3", x) },
	} {
		g := New()
		build(g, g.Input("x", 3))
		g.Input("later", 0)
		require.EqualError(t, g.Err(), want)
		_, err := g.Shapes(8, 8)
		require.EqualError(t, err, want)
	}
	g := New()
	x := g.Input("x", 3)
	g.Conv("tiny", x, Conv{Size: 3, Stride: 1, Padding: Valid, Out: 1})
	_, err := g.Shapes(2, 8)
	require.EqualError(t, err, "graph: tiny: conv: 2×8×3 is too small")
	g = New()
	x = g.Input("x", 3)
	g.Gate("g", x, x)
	_, err = g.Shapes(2, 8)
	require.EqualError(t, err, "graph: g: gate: a gate of 2×8×3, want one pixel")
}

func TestExtract(t *testing.T) {
	g := New()
	x := g.Input("x", 3)
	a := g.Conv("a", x, Conv{Size: 3, Stride: 2, Padding: Same, Out: 4})
	b := g.MaxPool("b", a, MaxPool{Size: 3, Stride: 2, Padding: Same})
	c := g.Add("c", a, g.Upsample("up", b, 2))
	g.Conv("unused", c, Conv{Size: 1, Stride: 1, Padding: Same, Out: 4})
	part := g.Extract([]Output{{"y", c}}, map[Value]int{a: 2, b: 4})
	require.NoError(t, part.Err())
	require.Equal(t, `%0 a = input 4 /2
%1 b = input 4 /4
%2 up = upsample 2 (%1)
%3 c = add (%0, %2)
output y = %3
`, part.String())
	shapes, err := part.Shapes(64, 32)
	require.NoError(t, err)
	require.Equal(t, Shape{32, 16, 4}, shapes[3])
}

// The pixels that tf.image.resize_nearest_neighbor of TensorFlow 2.15.1 takes, without half-pixel centres.
func TestNearestTakesTheOriginalsPixels(t *testing.T) {
	for _, tt := range []struct {
		from, to int
		want     []int
	}{{4, 7, []int{0, 0, 1, 1, 2, 2, 3}}, {3, 2, []int{0, 1}}, {2, 7, []int{0, 0, 0, 0, 1, 1, 1}}, {7, 7, []int{0, 1, 2, 3, 4, 5, 6}}} {
		var got []int
		for i := range tt.to {
			got = append(got, Nearest{}.Source(i, tt.to, tt.from))
		}
		require.Equal(t, tt.want, got, "%d to %d", tt.from, tt.to)
	}
	g := New()
	g.Output("out", g.Nearest("n", g.Input("in", 3), Nearest{Height: 7, Width: 4}))
	shapes, err := g.Shapes(4, 9)
	require.NoError(t, err)
	require.Equal(t, Shape{7, 4, 3}, shapes[1])
}
