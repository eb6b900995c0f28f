package backprop

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

// A mask is what dropblock of tensorflow/tpu's resnet_model.py makes of the seeds: 0 where a
// square of side×side around a seed lies (its formula, written out in float64; no
// TensorFlow 1 with its TPU code is at hand), no seed lies where its square would reach
// beyond the map, and as many are dropped as it expects.
func TestDropMaskIsThatOfTheFormula(t *testing.T) {
	for _, c := range []struct {
		height, width, depth, side int
		keep                       float64
	}{{20, 20, 400, 7, 0.9}, {10, 10, 2000, 7, 0.9}, {16, 24, 300, 5, 0.8}, {5, 5, 4000, 7, 0.9}, {9, 9, 2000, 2, 0.75}, {3, 8, 2000, 4, 0.95}} {
		name := fmt.Sprint(c)
		kept, ones := DropMask(c.height, c.width, c.depth, c.side, c.keep, rand.New(rand.NewPCG(1, 2)))
		at := func(y, x, ch int) bool { e := (y*c.width+x)*c.depth + ch; return kept[e/64]>>(e%64)&1 != 0 }
		side := min(c.side, c.height, c.width)
		rows, columns := c.height-side+1, c.width-side+1
		rate := (1 - c.keep) * float64(c.height*c.width) / float64(side*side) / float64(rows*columns)
		count, all := 0, 0.0
		for y := range c.height {
			for x := range c.width {
				for ch := range c.depth {
					if at(y, x, ch) {
						count++
					}
				}
				// Kept, if there is no corner of a square up to side − 1 before it.
				corners := (min(y, rows-1) - max(0, y-side+1) + 1) * (min(x, columns-1) - max(0, x-side+1) + 1)
				all += float64(c.depth) * math.Pow(1-rate, float64(corners))
			}
		}
		require.Equal(t, count, ones, name)
		deviation := math.Sqrt(float64(c.depth*rows*columns)*rate*(1-rate)) * float64(side*side)
		require.InDelta(t, all, float64(ones), 4*deviation, name)
		// What is dropped is a union of squares that lie inside.
		for ch := range min(c.depth, 200) {
			covered := map[[2]int]bool{}
			for y := range rows {
				for x := range columns {
					whole := true
					for i := range side * side {
						whole = whole && !at(y+i/side, x+i%side, ch)
					}
					for i := range side * side {
						covered[[2]int{y + i/side, x + i%side}] = covered[[2]int{y + i/side, x + i%side}] || whole
					}
				}
			}
			for y := range c.height {
				for x := range c.width {
					require.Equal(t, at(y, x, ch), !covered[[2]int{y, x}], name)
				}
			}
		}
	}
}

// Without dropping, everything is kept.
func TestDropMaskKeepsAll(t *testing.T) {
	kept, ones := DropMask(5, 7, 3, 3, 1, rand.New(rand.NewPCG(1, 2)))
	require.Equal(t, 105, ones)
	require.Equal(t, []uint64{^uint64(0), 1<<41 - 1}, kept)
}

// A bottleneck with squares dropped in its four places: the gradient in a random direction
// against central differences of the definition in float64.
func TestDropBlockAgainstCentralDifferences(t *testing.T) {
	for round := range 6 {
		r := rand.New(rand.NewPCG(uint64(round), 9))
		h, w, c, f, items := 8+2*r.IntN(4), 8+2*r.IntN(4), 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(3)
		stem := func(g *graph.Graph) graph.Value {
			return g.Conv("stem", g.Input("x", c), graph.Conv{Size: 3, Stride: 2, Padding: graph.Same, Out: 5})
		}
		shortcut := func(g *graph.Graph, x graph.Value) graph.Value {
			if round%2 == 0 {
				return x
			}
			return g.Norm("u/shortcut/norm", g.Conv("u/shortcut", x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 5}), 1e-3)
		}
		// part is one of the three convolutions with its norm, and the activation if it has one.
		part := func(g *graph.Graph, i int, x graph.Value) graph.Value {
			name := fmt.Sprint("u/conv", i)
			x = g.Norm(name+"/norm", g.Conv(name, x, graph.Conv{Size: []int{1, 3, 1}[i], Stride: 1, Padding: graph.Same, Out: []int{f, f, 5}[i]}), 1e-3)
			if i < 2 {
				x = g.Activate(name+"/swish", x, graph.Swish)
			}
			return x
		}
		g := graph.New()
		x := stem(g)
		y := part(g, 2, part(g, 1, part(g, 0, x)))
		g.Output("y", g.Activate("u/swish", g.Add("u/add", y, shortcut(g, x)), graph.Swish))
		require.NoError(t, g.Err())

		weights := arrays{}
		for _, tensor := range g.Tensors() {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			weights[tensor.Name] = values(r, n)
		}
		params, err := NewParams(g.Tensors(), weights)
		require.NoError(t, err)
		p, err := New(g, params, items, h, w, parallel.NewTeam(2), Options{Momentum: 0.99, InputGrads: []string{"x"}, DropBlockLevel: 1})
		require.NoError(t, err)
		for i := range p.arena {
			p.arena[i] = float32(math.NaN())
		}
		places := p.DropBlocks()
		require.Equal(t, []DropBlock{{"u", 1, h / 2, w / 2, f}, {"u", 1, h / 2, w / 2, f}, {"u", 1, h / 2, w / 2, 5}, {"u", 1, h / 2, w / 2, 5}}, places)
		masks := make([]func(item, i int) float64, 4)
		for k, b := range places {
			ones := 0
			kept := make([][]uint64, items)
			for i := range kept {
				var n int
				kept[i], n = DropMask(b.Height, b.Width, b.Depth, 3, 0.7, r)
				ones += n
			}
			share := float64(ones) / float64(items*b.Height*b.Width*b.Depth)
			p.Drop(k, kept, share)
			masks[k] = func(item, i int) float64 { return float64(kept[item][i/64]>>(i%64)&1) / float64(float32(share)) }
		}

		inputs := make([][]float64, items)
		in := p.Input("x")
		clear(in.whole)
		for item := range items {
			inputs[item] = values(r, h*w*c)
			for y := range h {
				for i := range in.Row(item, y) {
					in.Row(item, y)[i] = float32(inputs[item][y*w*c+i])
				}
			}
		}
		require.NoError(t, p.Forward(context.Background()))
		out, grad := p.Output("y"), p.OutputGrad("y")
		factors := make([][]float64, items)
		for item := range items {
			factors[item] = values(r, out.Height*out.Width*out.Channels)
			for y := range out.Height {
				for i := range grad.Row(item, y) {
					grad.Row(item, y)[i] = float32(factors[item][y*out.Width*out.Channels+i])
				}
			}
		}
		sum := 0.0
		for item := range items {
			for y := range out.Height {
				for i, v := range out.Row(item, y) {
					sum += float64(v) * factors[item][y*out.Width*out.Channels+i]
				}
			}
		}
		require.NoError(t, p.Backward(context.Background()))

		analytic, size := 0.0, 0.0
		turn := arrays{}
		for _, q := range params.List {
			if q.Statistic {
				continue
			}
			turn[q.Name] = values(r, len(q.Value))
			for i, d := range turn[q.Name] {
				analytic += float64(q.Grad[i]) * d
				size += math.Pow(float64(q.Grad[i])*d, 2)
			}
		}
		turnIn := make([][]float64, items)
		for item := range items {
			turnIn[item] = values(r, h*w*c)
			for y := range h {
				for i, v := range p.InputGrad("x").Row(item, y) {
					d := turnIn[item][y*w*c+i]
					analytic += float64(v) * d
					size += math.Pow(float64(v)*d, 2)
				}
			}
		}
		// The definition, piece by piece, with the masks between them.
		loss := func(e float64) float64 {
			moved := arrays{}
			for name, v := range weights {
				moved[name] = append([]float64(nil), v...)
				for i, d := range turn[name] {
					moved[name][i] += e * d
				}
			}
			run := func(batch []reference.Map, make func(g *graph.Graph, x graph.Value) graph.Value) []reference.Map {
				g := graph.New()
				g.Output("y", make(g, g.Input("x", batch[0].C)))
				var list []map[string]reference.Map
				for _, m := range batch {
					list = append(list, map[string]reference.Map{"x": m})
				}
				all, err := reference.Train(g, batch[0].H, batch[0].W, moved, list)
				require.NoError(t, err)
				var out []reference.Map
				for i := range batch {
					out = append(out, all[i][g.Outputs()[0].Value])
				}
				return out
			}
			drop := func(k int, batch []reference.Map) []reference.Map {
				var out []reference.Map
				for item, m := range batch {
					d := reference.New(m.Shape)
					for i, v := range m.Data {
						d.Data[i] = v * masks[k](item, i)
					}
					out = append(out, d)
				}
				return out
			}
			var batch []reference.Map
			for item := range items {
				m := reference.New(graph.Shape{H: h, W: w, C: c})
				for i, v := range inputs[item] {
					m.Data[i] = v + e*turnIn[item][i]
				}
				batch = append(batch, m)
			}
			batch = run(batch, func(g *graph.Graph, x graph.Value) graph.Value {
				return g.Conv("stem", x, graph.Conv{Size: 3, Stride: 2, Padding: graph.Same, Out: 5})
			})
			conv := func(i int) func(*graph.Graph, graph.Value) graph.Value {
				return func(g *graph.Graph, x graph.Value) graph.Value { return part(g, i, x) }
			}
			main := drop(2, run(drop(1, run(drop(0, run(batch, conv(0))), conv(1))), conv(2)))
			side := drop(3, run(batch, shortcut))
			sum := 0.0
			for item := range items {
				for i, v := range main[item].Data {
					v += side[item].Data[i]
					sum += v / (1 + math.Exp(-v)) * factors[item][i]
				}
			}
			return sum
		}
		require.InDelta(t, loss(0), sum, 1e-4*(1+math.Abs(sum)), round)
		const e = 1e-5
		numeric := (loss(e) - loss(-e)) / (2 * e)
		require.InDelta(t, numeric, analytic, 2e-5*math.Sqrt(size)+1e-6*math.Abs(numeric)+1e-7, "round %d", round)
	}
}
