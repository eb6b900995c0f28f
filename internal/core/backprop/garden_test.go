package backprop

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// gardenArgs are those of the cases below.
type gardenArgs struct {
	Kernel, Stride, Pool, Scale int
	Momentum, Epsilon           float64
	Fused                       bool
}

// Single operations with their gradients, against those of TensorFlow 2.15.1 and of the
// Model Garden 2.15.0 (fixture train_ops). The tolerances are those of its README.
func TestOperationsOfTheGarden(t *testing.T) {
	ran := map[string]int{}
	for _, c := range testutil.Cases(t, testutil.Shared(t, "fixtures", "tf2_training"), "train_ops") {
		make := gardenOperations[c.Op]
		if make == nil {
			continue
		}
		ran[c.Op]++
		t.Run(c.Name, func(t *testing.T) {
			var a gardenArgs
			require.NoError(t, json.Unmarshal(c.Args, &a))
			checkGarden(t, &c, a, make)
		})
	}
	for op := range gardenOperations {
		require.NotZero(t, ran[op], op)
	}
}

// gardenOperations add an operation to a graph; biases are those of the case.
var gardenOperations = map[string]func(g *graph.Graph, x graph.Value, a gardenArgs, c *testutil.Case, t *testing.T) graph.Value{
	"conv_same": func(g *graph.Graph, x graph.Value, a gardenArgs, c *testutil.Case, t *testing.T) graph.Value {
		return g.Conv("op", x, graph.Conv{Size: a.Kernel, Stride: a.Stride, Padding: graph.Same, Out: last(c.In(t, "kernel").Shape), Bias: strings.HasSuffix(c.Name, ".0")})
	},
	"deconv": func(g *graph.Graph, x graph.Value, a gardenArgs, c *testutil.Case, t *testing.T) graph.Value {
		return g.Deconv("op", x, graph.Deconv{Size: a.Kernel, Out: c.In(t, "kernel").Shape[2], Bias: true})
	},
	"dense": func(g *graph.Graph, x graph.Value, _ gardenArgs, c *testutil.Case, t *testing.T) graph.Value {
		return g.Dense("op", x, graph.Dense{Height: 1, Width: 1, Out: last(c.In(t, "kernel").Shape), Bias: true})
	},
	"nearest_upsampling": func(g *graph.Graph, x graph.Value, a gardenArgs, _ *testutil.Case, _ *testing.T) graph.Value {
		return g.Upsample("op", x, a.Scale)
	},
	"max_pool": func(g *graph.Graph, x graph.Value, a gardenArgs, _ *testutil.Case, _ *testing.T) graph.Value {
		return g.MaxPool("op", x, graph.MaxPool{Size: a.Pool, Stride: a.Stride, Padding: graph.Same})
	},
	"batch_norm_train": func(g *graph.Graph, x graph.Value, a gardenArgs, _ *testutil.Case, _ *testing.T) graph.Value {
		return g.Norm("op", x, a.Epsilon)
	},
	"swish": activationOf(graph.Swish), "sigmoid": activationOf(graph.Sigmoid), "relu": activationOf(graph.Relu),
}

func activationOf(f graph.Activation) func(*graph.Graph, graph.Value, gardenArgs, *testutil.Case, *testing.T) graph.Value {
	return func(g *graph.Graph, x graph.Value, _ gardenArgs, _ *testutil.Case, _ *testing.T) graph.Value {
		return g.Activate("op", x, f)
	}
}

func last(shape []int) int { return shape[len(shape)-1] }

// nhwc is the shape of a map; what has fewer axes has pixels along the width.
func nhwc(s []int) (n, h, w, c int) {
	switch len(s) {
	case 1:
		return 1, 1, s[0], 1
	case 2:
		return s[0], 1, 1, s[1]
	case 3:
		return s[0], 1, s[1], s[2]
	}
	return s[0], s[1], s[2], s[3]
}

// caseWeights are the arrays of a case under our names.
type caseWeights struct {
	t *testing.T
	c *testutil.Case
}

var caseNames = map[string]string{"mean": "moving_mean", "variance": "moving_variance"}

func (w caseWeights) Float32(name string) ([]float32, error) {
	leaf := name[strings.LastIndex(name, "/")+1:]
	if other := caseNames[leaf]; other != "" {
		leaf = other
	}
	return w.c.In(w.t, leaf).Data, nil
}

func checkGarden(t *testing.T, c *testutil.Case, a gardenArgs, make func(*graph.Graph, graph.Value, gardenArgs, *testutil.Case, *testing.T) graph.Value) {
	n, h, w, channels := nhwc(c.In(t, "x").Shape)
	g := graph.New()
	g.Output("y", make(g, g.Input("x", channels), a, c, t))
	params, err := NewParams(g.Tensors(), caseWeights{t, c})
	require.NoError(t, err)
	p, err := New(g, params, n, h, w, parallel.NewTeam(2), Options{InputGrads: []string{"x"}, Momentum: a.Momentum, Unbiased: a.Fused})
	require.NoError(t, err)
	fillMap(p.Input("x"), c.In(t, "x").Data)
	require.NoError(t, p.Forward(context.Background()))
	y := readMap(p.Output("y"))
	fillMap(p.OutputGrad("y"), c.In(t, "dy").Data)
	require.NoError(t, p.Backward(context.Background()))

	tolerance := 2e-6
	if c.Op == "batch_norm_train" {
		tolerance = 2e-5
		if n*h*w == 2 || strings.HasSuffix(c.Name, ".6") { // two values a channel, mean 30
			tolerance = 1e-3
		}
		p.Commit()
		testutil.RequireClose(t, c.Out(t, "moving_mean_after").Data, params.Get("op/mean").Value, 1e-5)
		testutil.RequireClose(t, c.Out(t, "moving_variance_after").Data, params.Get("op/variance").Value, 1e-5)
	}
	testutil.RequireClose(t, c.Out(t, "y64").Data, y, tolerance, "y")
	testutil.RequireClose(t, c.Out(t, "dx64").Data, readMap(p.InputGrad("x")), tolerance, "dx")
	for _, q := range params.List {
		if !q.Statistic {
			leaf := q.Name[strings.LastIndex(q.Name, "/")+1:]
			testutil.RequireClose(t, c.Out(t, "d"+leaf+"64").Data, q.Grad, tolerance, leaf)
		}
	}
}

func fillMap(m *Map, data []float32) {
	row := m.Width * m.Channels
	for r := range m.rows() {
		copy(m.row(r), data[r*row:][:row])
	}
	m.ClearBorders()
}

func readMap(m *Map) (data []float32) {
	for r := range m.rows() {
		data = append(data, m.row(r)...)
	}
	return data
}
