package engine

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

// side is the height and width of a random graph's input.
const side = 16

// randomGraph has layers of all kinds whose inputs are random earlier values:
// branches, residuals, values that are added to each other or to themselves.
func randomGraph(r *rand.Rand) *graph.Graph {
	g := graph.New()
	type value struct {
		graph.Value
		size, channels int
	}
	values := []value{{g.Input("image", 3), side, 3}}
	pick := func() value {
		if r.IntN(2) == 0 {
			return values[max(0, len(values)-1-r.IntN(4))]
		}
		return values[r.IntN(len(values))]
	}
	like := func(size, channels int) []graph.Value {
		var found []graph.Value
		for _, i := range r.Perm(len(values)) {
			switch v := values[i]; {
			case v.channels != channels:
			case v.size == size:
				found = append(found, v.Value)
			case 2*v.size == size:
				found = append(found, g.Upsample(fmt.Sprintf("up%d", len(g.Nodes())), v.Value, 2))
			}
		}
		return found
	}
	activation := func() graph.Activation {
		return []graph.Activation{graph.Relu, graph.Swish, graph.HardSwish}[r.IntN(3)]
	}
	for i := range 10 + r.IntN(20) {
		name, x := fmt.Sprintf("n%d", i), pick()
		y := x
		switch r.IntN(10) {
		case 0:
			y.channels = []int{4, 8, 18, 33}[r.IntN(4)]
			op := graph.Conv{Size: 1 + 2*r.IntN(2), Stride: 1, Padding: graph.Same, Out: y.channels, Bias: true}
			if x.size > 4 && r.IntN(4) == 0 {
				op.Stride, y.size = 2, x.size/2
			}
			y.Value = g.Conv(name, x.Value, op)
		case 1:
			y.Value = g.Norm(name+"/norm", g.Conv(name, x.Value, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: x.channels}), 1e-3)
			y.Value = g.Activate(name+"/act", g.Add(name+"/add", y.Value, x.Value), activation())
		case 2:
			y.Value = g.Activate(name, x.Value, activation())
		case 3:
			others := like(x.size, x.channels)
			in := append([]graph.Value{x.Value}, others[:1+r.IntN(min(2, len(others)))]...)
			if r.IntN(3) == 0 {
				in = append(in, x.Value)
			}
			y.Value = g.Add(name, in...)
		case 4:
			if x.size == side {
				continue
			}
			y.size *= 2
			y.Value = g.Norm(name+"/norm", g.Deconv(name, x.Value, graph.Deconv{Size: 2, Out: x.channels, Bias: true}), 1e-3)
			if others := like(y.size, x.channels); len(others) > 0 {
				y.Value = g.Add(name+"/add", y.Value, others[0])
			}
			y.Value = g.Activate(name+"/act", y.Value, graph.Relu)
		case 6:
			y.size = pick().size
			y.Value = g.Nearest(name, x.Value, graph.Nearest{Height: y.size, Width: y.size})
		case 7:
			op := graph.Depthwise{Size: 1 + 2*r.IntN(2), Stride: 1, Padding: graph.Same}
			if x.size > 4 && r.IntN(4) == 0 {
				op.Stride, y.size = 2, x.size/2
			}
			y.Value = g.Depthwise(name, x.Value, op)
			if r.IntN(2) == 0 {
				y.Value = g.Norm(name+"/norm", y.Value, 1e-3)
			}
			y.Value = g.Activate(name+"/act", y.Value, activation())
		case 8:
			y.Value = g.Gate(name, x.Value, g.Activate(name+"/sigmoid", g.Mean(name+"/mean", x.Value), graph.HardSigmoid))
		case 9:
			y.Value = g.Norm(name, x.Value, 1e-3) // of what others may read
		case 5:
			y.Value = g.MaxPool(name, x.Value, graph.MaxPool{Size: 3, Stride: 1, Padding: graph.Same})
		}
		values = append(values, y)
	}
	read := map[graph.Value]bool{}
	for _, n := range g.Nodes() {
		for _, v := range n.In {
			read[v] = true
		}
	}
	for i, v := range values[1:] {
		if !read[v.Value] {
			g.Output(fmt.Sprintf("out%d", i), v.Value)
		}
	}
	return g
}

// A program computes what its graph says, whatever steps share a wave or a
// place in the arena, and gives the same bits for any number of workers. Memory
// that no input owns begins as NaN.
func TestRandomGraphs(t *testing.T) {
	sharing := 0
	for seed := range uint64(60) {
		g := randomGraph(rand.New(rand.NewPCG(seed, 1)))
		require.NoError(t, g.Err())
		w := reference.Random(g.Tensors(), seed)
		in := randomMap(graph.Shape{H: side, W: side, C: 3}, seed)
		want := truth(g, w, in)
		for _, o := range []Options{{}, {NoWinograd: true}, {Fast: true}} {
			o.Height, o.Width = side, side
			p, err := Prepare(g, w, o)
			require.NoError(t, err)
			const rows = 2
			pl, err := p.Plan(side, side, rows)
			require.NoError(t, err)
			for i := range pl.steps[1:] {
				if pl.steps[i].wave == pl.steps[i+1].wave {
					sharing++
				}
			}
			var first []uint32
			for _, workers := range []int{1, 3} {
				ws := pl.NewWorkspace(parallel.NewTeam(workers), new(Arena))
				image := pl.layouts[pl.module.inputs[0].value]
				for k := range ws.arena {
					if k < image.offset || k >= image.offset+image.size(rows) {
						ws.arena[k] = float32(math.NaN())
					}
				}
				for row := range rows {
					fill(ws.Input("image"), row, in)
				}
				require.NoError(t, ws.Run(context.Background(), rows))
				for _, out := range g.Outputs() {
					require.Less(t, relRMS(ws.Output(out.Name), 1, want[out.Value]), 1e-3, "seed %d, %+v, %s\n%s", seed, o, out.Name, g)
				}
				if got := bits(ws, rows); first == nil {
					first = got
				} else {
					require.Equal(t, first, got, "seed %d, %+v", seed, o)
				}
			}
		}
	}
	require.Greater(t, sharing, 100)
}

// Branches that are small one by one but not together do not all run at once.
func TestWavesTakeLittleMemory(t *testing.T) {
	g := graph.New()
	x := g.Input("image", 3)
	var ends []graph.Value
	for i := range 32 {
		y := g.Conv(fmt.Sprint("conv", i), x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 32, Bias: true})
		ends = append(ends, g.MaxPool(fmt.Sprint("pool", i), y, graph.MaxPool{Size: 8, Stride: 8, Padding: graph.Same}))
	}
	g.Output("out", g.Add("sum", ends...))
	p, err := Prepare(g, reference.Random(g.Tensors(), 1), Options{})
	require.NoError(t, err)
	pl, err := p.Plan(128, 128, 1)
	require.NoError(t, err)
	require.Less(t, pl.size, peak(pl.module, schedule(pl.module, pl.layouts), pl.layouts)+2*waveValues)
}
