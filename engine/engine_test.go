package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

const act = graph.Relu

// small is a graph with every pattern that the passes know: norms, a shared
// convolution with norms of its own on each use, residuals, merges of
// upsampled maps, pools, three summands.
func small() *graph.Graph {
	g := graph.New()
	x := g.Input("image", 3)
	unit := func(name string, x graph.Value, op graph.Conv) graph.Value {
		return g.Norm(name+"/norm", g.Conv(name, x, op), 1e-3)
	}
	on := func(name string, x graph.Value) graph.Value { return g.Activate(name+"/act", x, act) }
	a := on("a", unit("a", x, graph.Conv{Size: 7, Stride: 2, Padding: graph.Same, Out: 10}))
	p := g.MaxPool("pool", a, graph.MaxPool{Size: 3, Stride: 2, Padding: graph.Same})
	b := on("b", unit("b", p, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 12}))
	c := unit("c", b, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 10})
	s := on("s", g.Add("sum", c, p))
	d := on("d", unit("d", s, graph.Conv{Size: 3, Stride: 2, Padding: graph.Fixed, Out: 17}))
	q := g.MaxPool("pool2", d, graph.MaxPool{Size: 5, Stride: 4, Padding: graph.Same})
	u1 := unit("u1", g.Upsample("up4", q, 4), graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 17})
	u2 := unit("u2", d, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 17})
	m := on("m", g.Add("merge", u1, u2))
	v1 := unit("v1", g.Upsample("up8", q, 8), graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 20})
	v2 := unit("v2", g.Upsample("up2", m, 2), graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 20})
	n := on("n", g.Add("merge2", v1, v2))
	w := unit("w", s, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 20})
	t := g.Activate("t/act", g.Add("three", n, w, third(g, m)), graph.Swish)
	for i, y := range []graph.Value{t, n} {
		r := g.ConvShared(fmt.Sprintf("shared/%d", i), "shared", y, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 24, Bias: true})
		r = on(fmt.Sprintf("r%d", i), g.Norm(fmt.Sprintf("shared/norm%d", i), r, 1e-3))
		g.Output(fmt.Sprintf("r%d", i), r)
	}
	g.Output("m", m)
	return g
}

func third(g *graph.Graph, m graph.Value) graph.Value {
	x := g.Conv("k", m, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 20, Bias: true})
	x = g.Deconv("deconv", x, graph.Deconv{Size: 2, Out: 20, Bias: true})
	return g.Conv("l", x, graph.Conv{Size: 5, Stride: 1, Padding: graph.Same, Out: 20})
}

// head is a graph over rows with dense layers and a deconvolution.
func head() *graph.Graph { return headOf(18) }

func headOf(channels int) *graph.Graph {
	g := graph.New()
	x := g.Input("features", channels)
	y := g.Activate("a/act", g.Norm("a/norm", g.Conv("a", x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: channels, Bias: true}), 1e-3), act)
	g.Output("deconv", g.Activate("b/act", g.Norm("b/norm", g.Deconv("b", g.Add("sum", x, y), graph.Deconv{Size: 2, Out: 5, Bias: true}), 1e-3), act))
	y = g.Conv("c", y, graph.Conv{Size: 3, Stride: 1, Padding: graph.Valid, Out: 4})
	y = g.Activate("d/act", g.Norm("d/norm", g.Dense("d", y, graph.Dense{Height: 3, Width: 3, Out: 19, Bias: true}), 1e-3), act)
	g.Output("dense", g.Dense("e", y, graph.Dense{Height: 1, Width: 1, Out: 3, Bias: true}))
	return g
}

// strided is a bottleneck with stride 2 and the top of a feature pyramid, as
// ResNets have them.
func strided() *graph.Graph {
	g := graph.New()
	x := g.Input("image", 6)
	conv := func(name string, x graph.Value, size, stride, out int) graph.Value {
		return g.Conv(name, x, graph.Conv{Size: size, Stride: stride, Padding: graph.Fixed, Out: out, Bias: true})
	}
	short := g.Norm("short/norm", conv("short", x, 1, 2, 20), 0)
	y := g.Activate("a/act", conv("a", x, 3, 2, 9), act)
	y = g.Activate("b/act", g.Add("b/add", g.Norm("b/norm", conv("b", y, 1, 1, 20), 0), short), act)
	top := conv("top", g.MaxPool("half", y, graph.MaxPool{Size: 3, Stride: 2, Padding: graph.Fixed}), 1, 1, 18)
	g.Output("fine", conv("fine", g.Add("merge", conv("lateral", y, 1, 1, 18), g.Upsample("up", top, 2)), 3, 1, 18))
	coarse := conv("coarse", top, 3, 1, 18)
	g.Output("coarse", coarse)
	g.Output("pool", g.MaxPool("pool", coarse, graph.MaxPool{Size: 1, Stride: 2, Padding: graph.Valid}))
	return g
}

// wide has maps of 512 channels: some that only convolutions read, with strides and
// a residual, and one that a pool reads.
func wide() *graph.Graph {
	g := graph.New()
	conv := func(name string, x graph.Value, size, stride, out int) graph.Value {
		return g.Conv(name, x, graph.Conv{Size: size, Stride: stride, Padding: graph.Fixed, Out: out, Bias: true})
	}
	x := g.Activate("a/act", conv("a", g.Input("image", 20), 1, 1, 512), act)
	short := conv("short", x, 1, 2, 512)
	y := g.Activate("b/act", conv("b", x, 3, 2, 16), act)
	z := conv("d", y, 1, 1, 512)
	g.Output("pool", conv("e", g.MaxPool("half", z, graph.MaxPool{Size: 2, Stride: 2, Padding: graph.Valid}), 1, 1, 5))
	y = g.Activate("c/act", g.Add("c/add", conv("c", y, 1, 1, 512), short), act)
	g.Output("f", conv("f", y, 3, 1, 16))
	return g
}

func randomMap(s graph.Shape, seed uint64) reference.Map {
	r := rand.New(rand.NewPCG(seed, 2))
	m := reference.New(s)
	for i := range m.Data {
		m.Data[i] = float64(float32(r.NormFloat64()))
	}
	return m
}

// fill copies a map into item i of an input.
func fill(in Map, item int, m reference.Map) {
	for y := range m.H {
		for x := range m.W {
			for c, p := 0, in.Pixel(item, y, x); c < m.C; c++ {
				p[c] = float32(*m.At(y, x, c))
			}
		}
	}
}

// relRMS is the root mean square of got−want relative to that of want.
func relRMS(got Map, item int, want reference.Map) float64 {
	var diff, sum float64
	for y := range want.H {
		for x := range want.W {
			for c, v := range got.Pixel(item, y, x) {
				d := float64(v) - *want.At(y, x, c)
				diff += d * d
				sum += *want.At(y, x, c) * *want.At(y, x, c)
			}
		}
	}
	return math.Sqrt(diff / sum)
}

// bits collects all outputs of a workspace exactly.
func bits(ws *Workspace, rows int) []uint32 {
	var all []uint32
	for _, o := range ws.plan.module.outputs {
		m := ws.Output(o.name)
		for item := range rows {
			for y := range m.Height {
				for x := range m.Width {
					for _, v := range m.Pixel(item, y, x) {
						all = append(all, math.Float32bits(v))
					}
				}
			}
		}
	}
	return all
}

func TestProgramComputesTheGraph(t *testing.T) {
	exact := Options{NoWinograd: true}
	for _, set := range kernels.Sets() {
		for _, tt := range []struct {
			name       string
			input      string
			graph      *graph.Graph
			h, w, rows int
			options    Options
			algorithm  algorithm // of some step
			tolerance  float64
		}{
			{"map", "image", small(), 128, 128, 1, exact, direct, 3e-6},
			{"rectangle", "image", small(), 64, 192, 1, exact, direct, 3e-6},
			{"strided", "image", strided(), 36, 52, 1, exact, direct, 3e-6},
			{"odd strided", "image", strided(), 35, 51, 1, exact, direct, 3e-6},
			{"wide", "image", wide(), 9, 14, 1, exact, direct, 3e-6},
			{"rows", "features", head(), 5, 5, 37, exact, direct, 3e-6},
			{"winograd map", "image", small(), 128, 128, 1, Options{}, winograd, 1e-5},
			{"winograd rectangle", "image", small(), 96, 192, 1, Options{}, winograd, 1e-5},
			{"winograd strided", "image", strided(), 164, 132, 1, Options{}, winograd, 1e-5},
			{"winograd wide", "image", wide(), 60, 64, 1, Options{}, winograd, 1e-5},
			{"winograd rows", "features", head(), 5, 5, 37, Options{}, winograd, 1e-5},
			{"fast map", "image", small(), 128, 128, 1, Options{Fast: true}, split, 3e-5},
			{"fast rectangle", "image", small(), 96, 192, 1, Options{Fast: true}, split, 3e-5},
			{"fast strided", "image", strided(), 35, 51, 1, Options{Fast: true}, split, 3e-5},
			{"fast rows", "features", head(), 5, 5, 37, Options{Fast: true}, split, 1e-4},
			{"fast wide rows", "features", headOf(40), 5, 5, 37, Options{Fast: true}, split, 3e-5},
		} {
			if tt.algorithm == split && !set.HasSplit() {
				continue
			}
			t.Run(set.Name+"/"+tt.name, func(t *testing.T) {
				w := reference.Random(tt.graph.Tensors(), 1)
				tt.options.Kernels, tt.options.Height, tt.options.Width = set, tt.h, tt.w
				p, err := Prepare(tt.graph, w, tt.options)
				require.NoError(t, err)
				pl, err := p.Plan(tt.h, tt.w, tt.rows)
				require.NoError(t, err)
				require.Contains(t, pl.String(), " "+string(tt.algorithm)+" ")
				ws := pl.NewWorkspace(parallel.NewTeam(2), new(Arena))
				in := ws.Input(tt.input)
				var maps []reference.Map
				for i := range tt.rows {
					maps = append(maps, randomMap(graph.Shape{H: tt.h, W: tt.w, C: in.Channels}, uint64(i)))
					fill(in, i, maps[i])
				}
				require.NoError(t, ws.Run(context.Background(), tt.rows))
				for i, m := range maps {
					values := truth(tt.graph, w, m)
					for _, o := range tt.graph.Outputs() {
						require.Less(t, relRMS(ws.Output(o.Name), i, values[o.Value]), tt.tolerance, "%s of item %d", o.Name, i)
					}
				}
			})
		}
	}
}

// Results are the same bytes for any number of workers, and again when a used
// workspace runs, with fewer rows in between.
func TestSameBytesForAnyNumberOfWorkers(t *testing.T) {
	for _, o := range []Options{{}, {Fast: true}, {NoWinograd: true}} {
		sameBytes(t, headOf(18), o)
		sameBytes(t, headOf(40), o)
	}
}

func sameBytes(t *testing.T, g *graph.Graph, o Options) {
	o.Height, o.Width = 5, 5
	p, err := Prepare(g, reference.Random(g.Tensors(), 3), o)
	require.NoError(t, err)
	pl, err := p.Plan(5, 5, 50)
	require.NoError(t, err)
	var want []uint32
	for _, workers := range []int{1, 2, 3, 8} {
		ws := pl.NewWorkspace(parallel.NewTeam(workers), new(Arena))
		for i := range 50 {
			fill(ws.Input("features"), i, randomMap(graph.Shape{H: 5, W: 5, C: ws.Input("features").Channels}, uint64(i)))
		}
		for _, rows := range []int{50, 7, 0, 50} {
			require.NoError(t, ws.Run(context.Background(), rows))
		}
		got := bits(ws, 50)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%d workers", workers)
	}
	require.Error(t, pl.NewWorkspace(parallel.NewTeam(1), new(Arena)).Run(context.Background(), 51))
}

// Memory that no live value owns is filled with NaN after every wave: if a step
// read a region after its last planned reader, or relied on old zeros in a
// border, the outputs would change.
func TestFreedMemoryIsNotRead(t *testing.T) {
	freedMemoryIsNotRead(t, small(), 3)
	freedMemoryIsNotRead(t, wide(), 20)
}

func freedMemoryIsNotRead(t *testing.T, g *graph.Graph, channels int) {
	p, err := Prepare(g, reference.Random(g.Tensors(), 5), Options{Height: 128, Width: 64})
	require.NoError(t, err)
	pl, err := p.Plan(128, 64, 1)
	require.NoError(t, err)
	run := func(poison bool) []uint32 {
		ws := pl.NewWorkspace(parallel.NewTeam(1), new(Arena))
		fill(ws.Input("image"), 0, randomMap(graph.Shape{H: 128, W: 64, C: channels}, 1))
		for wave, task := range ws.waves {
			if poison {
				live := make([]bool, len(ws.arena))
				for _, b := range lifetimes(pl.module, pl.steps, pl.layouts, 1) {
					if b.first < wave && b.last >= wave { // made by an earlier wave and still wanted
						l := pl.layouts[b.values[0]]
						for k := l.offset; k < l.offset+b.size; k++ {
							require.False(t, live[k], "two live values overlap")
							live[k] = true
						}
					}
				}
				for k := range ws.arena {
					if !live[k] {
						ws.arena[k] = float32(math.NaN())
					}
				}
			}
			ws.run(task, 1)
		}
		return bits(ws, 1)
	}
	require.Equal(t, run(false), run(true))
}

func TestRunAllocatesNothing(t *testing.T) {
	g := small()
	p, err := Prepare(g, reference.Random(g.Tensors(), 7), Options{Height: 128, Width: 128})
	require.NoError(t, err)
	pl, err := p.Plan(128, 128, 1)
	require.NoError(t, err)
	ws := pl.NewWorkspace(parallel.NewTeam(2), new(Arena))
	ctx := context.Background()
	require.Zero(t, testing.AllocsPerRun(20, func() { _ = ws.Run(ctx, 1) }))
}

func TestRunStopsWhenCancelled(t *testing.T) {
	g := head()
	p, err := Prepare(g, reference.Random(g.Tensors(), 7), Options{})
	require.NoError(t, err)
	pl, err := p.Plan(5, 5, 1)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, pl.NewWorkspace(parallel.NewTeam(1), new(Arena)).Run(ctx, 1), context.Canceled)
}

func TestErrorsNameTheNode(t *testing.T) {
	g := small()
	w := reference.Random(g.Tensors(), 1)
	delete(w, "b/norm/mean")
	_, err := Prepare(g, w, Options{})
	require.EqualError(t, err, "engine: fold norm: b/norm/mean: missing")

	p, err := Prepare(g, reference.Random(g.Tensors(), 1), Options{})
	require.NoError(t, err)
	_, err = p.Plan(96, 100, 1)
	require.ErrorContains(t, err, "engine: u2: add: 12×13×17 and 12×16×17")
}

// A picked output has, in each row, the channel that was asked for, to the bit.
func TestPickedChannels(t *testing.T) {
	g := graph.New()
	x := g.Input("features", 17)
	g.Output("logits", g.Conv("logits", x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 7, Bias: true}))
	w := reference.Random(g.Tensors(), 1)
	run := func(pick string) *Workspace {
		p, err := Prepare(g, w, Options{Pick: pick})
		require.NoError(t, err)
		pl, err := p.Plan(5, 6, 9)
		require.NoError(t, err)
		ws := pl.NewWorkspace(parallel.NewTeam(2), new(Arena))
		for i := range 9 {
			fill(ws.Input("features"), i, randomMap(graph.Shape{H: 5, W: 6, C: 17}, uint64(i)))
		}
		ws.Pick([]int{0, 1, 2, 3, 4, 5, 6, 3, 3})
		require.NoError(t, ws.Run(context.Background(), 9))
		return ws
	}
	all, picked := run("").Output("logits"), run("logits").Output("logits")
	require.Equal(t, 1, picked.Channels)
	for i, c := range []int{0, 1, 2, 3, 4, 5, 6, 3, 3} {
		for y := range 5 {
			for x := range 6 {
				require.Equal(t, all.Pixel(i, y, x)[c], picked.Pixel(i, y, x)[0])
			}
		}
	}
}

// Workspaces that run at different times share the workers' memory: as much as
// the neediest wants.
func TestScratchIsShared(t *testing.T) {
	team, scratch := parallel.NewTeam(2), new(Scratch)
	most := 0
	for _, size := range []int{64, 160, 96} {
		g := small()
		p, err := Prepare(g, reference.Random(g.Tensors(), 1), Options{Height: size, Width: size})
		require.NoError(t, err)
		pl, err := p.Plan(size, size, 1)
		require.NoError(t, err)
		most = max(most, pl.scratch(2))
		in := randomMap(graph.Shape{H: size, W: size, C: 3}, 1)
		run := func(a *Arena) []uint32 {
			ws := pl.NewWorkspace(team, a)
			fill(ws.Input("image"), 0, in)
			require.NoError(t, ws.Run(context.Background(), 1))
			return bits(ws, 1)
		}
		require.Equal(t, run(new(Arena)), run(&Arena{Scratch: scratch}))
	}
	require.Len(t, scratch.workers, 2)
	for _, floats := range scratch.workers {
		require.Len(t, floats, most)
	}
}
