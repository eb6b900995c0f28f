package backprop

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

var rounds = flag.Int("rounds", 30, "random shapes of each operation")

// arrays are weights in float64, which float32 can hold but for what is added to
// them.
type arrays map[string][]float64

func (a arrays) Float64(name string) ([]float64, error) { return a[name], nil }
func (a arrays) Float32(name string) ([]float32, error) {
	out := make([]float32, len(a[name]))
	for i, v := range a[name] {
		out[i] = float32(v)
	}
	return out, nil
}

// values are multiples of 1/256, so that float32 holds them.
func values(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Round(256*r.NormFloat64()) / 256
	}
	return v
}

// operations make a graph of one operation, or of a few that are joined.
var operations = map[string]func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value{
	"conv": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Conv("op", x, graph.Conv{Size: []int{1, 3, 7, 2}[r.IntN(4)], Stride: 1 + r.IntN(3), Padding: []graph.Padding{graph.Same, graph.Fixed}[r.IntN(2)], Out: 1 + r.IntN(40), Bias: r.IntN(2) == 0})
	},
	"dense": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return x // see below
	},
	"deconv": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Deconv("op", x, graph.Deconv{Size: 1 + r.IntN(3), Out: 1 + r.IntN(40), Bias: r.IntN(2) == 0})
	},
	"norm": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Norm("op", x, 1e-3)
	},
	"norm and activation": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Activate("act", g.Norm("op", x, 1e-3), smooth(r))
	},
	"activation": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Activate("op", x, smooth(r))
	},
	"upsample": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.Upsample("op", x, 2+r.IntN(3))
	},
	"pool": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		return g.MaxPool("op", x, graph.MaxPool{Size: 2 + r.IntN(4), Stride: 1 + r.IntN(3), Padding: []graph.Padding{graph.Same, graph.Fixed}[r.IntN(2)]})
	},
	"pointwise unit": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value { // of maps that are large enough to be worked on in parts
		act := smooth(r)
		x = g.Upsample("up", x, 4)
		conv := func(name string, x graph.Value, out int) graph.Value {
			return g.Norm(name+"n", g.Conv(name, x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: out}), 1e-3)
		}
		y := g.Activate("a0", conv("c0", x, 3+r.IntN(20)), act)
		s := g.Activate("a1", g.Add("s", conv("c1", y, g.Channels(x)), x), act)
		return g.Add("end", conv("c2", s, 5), conv("c3", x, 5))
	},
	"residual unit": func(r *rand.Rand, g *graph.Graph, x graph.Value) graph.Value {
		act := smooth(r)
		y := g.Activate("a0", g.Norm("n0", g.Conv("c0", x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 5}), 1e-3), act)
		z := g.Norm("n1", g.Conv("c1", y, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: g.Channels(x)}), 1e-3)
		s := g.Activate("a1", g.Add("s", z, x), act)
		t := g.Norm("n2", g.Conv("c2", s, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 7}), 1e-3)
		u := g.Conv("c3", g.Upsample("up", y, 1), graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 7})
		return g.Add("end", t, u, t)
	},
}

func smooth(r *rand.Rand) graph.Activation {
	return []graph.Activation{graph.Swish, graph.Sigmoid}[r.IntN(2)]
}

// The gradient of a random linear function of the outputs, in a random direction
// of inputs and weights, against central differences of the definition in float64.
func TestGradientsAgainstCentralDifferences(t *testing.T) {
	for name, make := range operations {
		t.Run(name, func(t *testing.T) {
			for round := range *rounds {
				r := rand.New(rand.NewPCG(uint64(round), 7))
				g := graph.New()
				h, w, c, items := 1+r.IntN(12), 1+r.IntN(12), 1+r.IntN(33), 1+r.IntN(4)
				x := g.Input("x", c)
				if name == "dense" {
					x = g.Dense("op", x, graph.Dense{Height: h, Width: w, Out: 1 + r.IntN(40), Bias: r.IntN(2) == 0})
				} else {
					x = make(r, g, x)
				}
				g.Output("y", x)
				require.NoError(t, g.Err())
				checkGradient(t, r, g, items, h, w, c, fmt.Sprintf("round %d: %v of %d×%d×%d×%d", round, g.Nodes()[len(g.Nodes())-1].Op, items, h, w, c))
			}
		})
	}
}

func checkGradient(t *testing.T, r *rand.Rand, g *graph.Graph, items, h, w, c int, what string) {
	weights := arrays{}
	for _, tensor := range g.Tensors() {
		n := 1
		for _, d := range tensor.Shape {
			n *= d
		}
		weights[tensor.Name] = values(r, n)
	}
	inputs := make([][]float64, items)
	for i := range inputs {
		inputs[i] = values(r, h*w*c)
		if _, ok := g.Nodes()[1].Op.(graph.MaxPool); ok { // without ties, where the gradient jumps
			for k, v := range r.Perm(h * w * c) {
				inputs[i][k] = float64(v) / 256
			}
		}
	}
	params, err := NewParams(g.Tensors(), weights)
	require.NoError(t, err)
	p, err := New(g, params, items, h, w, parallel.NewTeam(2), Options{Momentum: 0.99, InputGrads: []string{"x"}})
	require.NoError(t, err)
	for i := range p.arena { // what nobody has written must not matter
		p.arena[i] = float32(math.NaN())
	}
	in := p.Input("x")
	clear(in.whole)
	for item := range items {
		for y := range h {
			for i := range in.Row(item, y) {
				in.Row(item, y)[i] = float32(inputs[item][y*w*c+i])
			}
		}
	}
	require.NoError(t, p.Forward(context.Background()))
	out := p.Output("y")
	factors := make([][]float64, items)
	grad := p.OutputGrad("y")
	for item := range items {
		factors[item] = values(r, out.Height*out.Width*out.Channels)
		for y := range out.Height {
			for i := range grad.Row(item, y) {
				grad.Row(item, y)[i] = float32(factors[item][y*out.Width*out.Channels+i])
			}
		}
	}
	require.NoError(t, p.Backward(context.Background()))

	// A direction, and what the gradient says of it.
	analytic, size := 0.0, 0.0
	along := func(grad, direction float64) {
		analytic += grad * direction
		size += grad * grad * direction * direction
	}
	turn := arrays{}
	for _, q := range params.List {
		if q.Statistic {
			continue
		}
		turn[q.Name] = values(r, len(q.Value))
		for i, d := range turn[q.Name] {
			along(float64(q.Grad[i]), d)
		}
	}
	turnIn := make([][]float64, items)
	for item := range items {
		turnIn[item] = values(r, h*w*c)
		for y := range h {
			for i, v := range p.InputGrad("x").Row(item, y) {
				along(float64(v), turnIn[item][y*w*c+i])
			}
		}
	}
	loss := func(e float64) float64 {
		moved := arrays{}
		for name, v := range weights {
			moved[name] = append([]float64(nil), v...)
			for i, d := range turn[name] {
				moved[name][i] += e * d
			}
		}
		batch := make([]map[string]reference.Map, items)
		for item := range items {
			m := reference.New(graph.Shape{H: h, W: w, C: c})
			for i, v := range inputs[item] {
				m.Data[i] = v + e*turnIn[item][i]
			}
			batch[item] = map[string]reference.Map{"x": m}
		}
		values, err := reference.Train(g, h, w, moved, batch)
		require.NoError(t, err)
		sum := 0.0
		for item := range items {
			for i, v := range values[item][g.Outputs()[0].Value].Data {
				sum += v * factors[item][i]
			}
		}
		return sum
	}
	const e = 1e-5
	numeric := (loss(e) - loss(-e)) / (2 * e)
	require.InDelta(t, numeric, analytic, 2e-5*math.Sqrt(size)+1e-6*math.Abs(numeric)+1e-7, what)
}
