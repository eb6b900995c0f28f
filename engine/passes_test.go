package engine

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

func TestPassesRewriteTheTape(t *testing.T) {
	pointConv := graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 4}
	for _, tt := range []struct {
		name          string
		pass          func(*module) error
		build         func(g *graph.Graph, x graph.Value) graph.Value
		before, after string
	}{
		{
			name: "fold norm into a convolution with a bias", pass: foldNorm,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				return g.Norm("a/norm", g.Conv("a", x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 4, Bias: true}), 1e-3)
			},
			before: `
				%1 a = conv 3x3 same 4 +bias (%0)
				%2 a/norm = norm 0.001 (%1)
				output y = %2`,
			after: `
				%2 a = conv 3x3 same 4 +bias (%0) +scale +shift
				output y = %2`,
		}, {
			name: "fold a norm into a depthwise convolution, leave one whose input others read", pass: foldNorm,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				a := g.Norm("a/norm", g.Depthwise("a", x, graph.Depthwise{Size: 3, Stride: 2, Padding: graph.Same}), 1e-3)
				return g.Add("sum", a, g.Norm("b", a, 1e-3))
			},
			before: `
				%1 a = depthwise 3x3/2 same (%0)
				%2 a/norm = norm 0.001 (%1)
				%3 b = norm 0.001 (%2)
				%4 sum = add (%2, %3)
				output y = %4`,
			after: `
				%2 a = depthwise 3x3/2 same (%0) +scale +shift
				%3 b = depthwise 1x1 valid (%2) +scale +shift
				%4 sum = add (%2, %3)
				output y = %4`,
		}, {
			name: "fold two norms in a row", pass: foldNorm,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				return g.Norm("b/norm", g.Norm("a/norm", g.Conv("a", x, pointConv), 1e-3), 1e-3)
			},
			before: `
				%1 a = conv 1x1 same 4 (%0)
				%2 a/norm = norm 0.001 (%1)
				%3 b/norm = norm 0.001 (%2)
				output y = %3`,
			after: `
				%3 a = conv 1x1 same 4 (%0) +scale +shift
				output y = %3`,
		}, {
			name: "hoist a convolution and its activation over an upsampling", pass: hoistPointwise,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				return g.Activate("act", g.Conv("a", g.Upsample("up", x, 2), pointConv), graph.Relu)
			},
			before: `
				%1 up = upsample 2 (%0)
				%2 a = conv 1x1 same 4 (%1)
				%3 act = relu (%2)
				output y = %3`,
			after: `
				%4 a = conv 1x1 same 4 (%0)
				%5 act = relu (%4)
				%3 up = upsample 2 (%5)
				output y = %3`,
		}, {
			name: "do not hoist what looks at neighbours, or over an upsampling with other readers", pass: hoistPointwise,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				up := g.Upsample("up", x, 2)
				a := g.Conv("a", up, pointConv)
				b := g.Conv("b", g.Upsample("up2", a, 2), graph.Conv{Size: 3, Stride: 2, Padding: graph.Same, Out: 4})
				return g.Add("sum", a, b, up)
			},
			before: `
				%1 up = upsample 2 (%0)
				%2 a = conv 1x1 same 4 (%1)
				%3 up2 = upsample 2 (%2)
				%4 b = conv 3x3/2 same 4 (%3)
				%5 sum = add (%2, %4, %1)
				output y = %5`,
			after: `
				%1 up = upsample 2 (%0)
				%2 a = conv 1x1 same 4 (%1)
				%3 up2 = upsample 2 (%2)
				%4 b = conv 3x3/2 same 4 (%3)
				%5 sum = add (%2, %4, %1)
				output y = %5`,
		}, {
			name: "fuse a residual and its activation", pass: fuse,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				return g.Activate("act", g.Add("sum", g.Conv("a", x, pointConv), x), graph.Relu)
			},
			before: `
				%1 a = conv 1x1 same 4 (%0)
				%2 sum = add (%1, %0)
				%3 act = relu (%2)
				output y = %3`,
			after: `
				%3 a = conv 1x1 same 4 (%0, %0) +residual +relu
				output y = %3`,
		}, {
			name: "fuse into the later convolution, behind the maker of the other summand", pass: fuse,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				a := g.Conv("a", x, pointConv)
				b := g.MaxPool("b", x, graph.MaxPool{Size: 3, Stride: 1, Padding: graph.Same})
				return g.Add("sum", a, b)
			},
			before: `
				%1 a = conv 1x1 same 4 (%0)
				%2 b = maxpool 3x3 same (%0)
				%3 sum = add (%1, %2)
				output y = %3`,
			after: `
				%2 b = maxpool 3x3 same (%0)
				%3 a = conv 1x1 same 4 (%0, %2) +residual
				output y = %3`,
		}, {
			name: "absorb upsamplings into an addition", pass: fuse,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				a := g.MaxPool("a", x, graph.MaxPool{Size: 3, Stride: 2, Padding: graph.Same})
				b := g.MaxPool("b", x, graph.MaxPool{Size: 5, Stride: 4, Padding: graph.Same})
				return g.Add("sum", g.Upsample("ua", a, 2), g.Upsample("ub", b, 4))
			},
			before: `
				%1 a = maxpool 3x3/2 same (%0)
				%2 b = maxpool 5x5/4 same (%0)
				%3 ua = upsample 2 (%1)
				%4 ub = upsample 4 (%2)
				%5 sum = add (%3, %4)
				output y = %5`,
			after: `
				%1 a = maxpool 3x3/2 same (%0)
				%2 b = maxpool 5x5/4 same (%0)
				%5 sum = add (%1 up 2, %2 up 4)
				output y = %5`,
		}, {
			name: "do not fuse into a value that somebody else reads", pass: fuse,
			build: func(g *graph.Graph, x graph.Value) graph.Value {
				a := g.Conv("a", x, pointConv)
				r := g.Activate("act", a, graph.Relu)
				return g.Add("sum", a, r)
			},
			before: `
				%1 a = conv 1x1 same 4 (%0)
				%2 act = relu (%1)
				%3 sum = add (%1, %2)
				output y = %3`,
			after: `
				%1 a = conv 1x1 same 4 (%0)
				%2 act = relu (%1)
				%3 sum = add (%1, %2)
				output y = %3`,
		}, {
			name: "select an algorithm", pass: selectAlgorithms,
			build: func(g *graph.Graph, x graph.Value) graph.Value { return g.Conv("a", x, pointConv) },
			before: `
				%1 a = conv 1x1 same 4 (%0)
				output y = %1`,
			after: `
				%1 a = conv 1x1 same 4 (%0) by direct
				output y = %1`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := graph.New()
			g.Output("y", tt.build(g, g.Input("x", 4)))
			require.NoError(t, g.Err())
			m, err := newModule(g, reference.Random(g.Tensors(), 1), Options{})
			require.NoError(t, err)
			require.Equal(t, text(tt.before), m.String())
			require.NoError(t, tt.pass(m))
			require.NoError(t, m.verify())
			require.Equal(t, text(tt.after), m.String())
		})
	}
}

// text removes the indentation of an expected tape.
func text(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n") + "\n"
}

// Every subset of the optional passes computes the same, and leaves a valid
// tape after each pass.
func TestEachPassKeepsTheOutputs(t *testing.T) {
	g := small()
	w := reference.Random(g.Tensors(), 9)
	input := randomMap(graph.Shape{H: 64, W: 64, C: 3}, 1)
	values := truth(g, w, input)
	for mask := range 4 {
		m, err := newModule(g, w, Options{})
		require.NoError(t, err)
		for _, p := range passes {
			if p.name == "hoist pointwise" && mask&1 == 0 || p.name == "fuse" && mask&2 == 0 {
				continue
			}
			require.NoError(t, p.run(m), p.name)
			require.NoError(t, m.verify(), p.name)
		}
		pl, err := (&Prepared{m}).Plan(64, 64, 1)
		require.NoError(t, err)
		ws := pl.NewWorkspace(parallel.NewTeam(1), new(Arena))
		fill(ws.Input("image"), 0, input)
		require.NoError(t, ws.Run(context.Background(), 1))
		for _, o := range g.Outputs() {
			require.Less(t, relRMS(ws.Output(o.Name), 0, values[o.Value]), 3e-6)
		}
	}
}

// Packing keeps the weights of several users once; each keeps its norm.
func TestSharedWeightsArePackedOnce(t *testing.T) {
	g := small()
	p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{})
	require.NoError(t, err)
	var shared []*packed
	for _, s := range p.module.steps {
		if s.weights == "shared" {
			shared = append(shared, s.packed)
		} else if s.packed != nil {
			require.Nil(t, s.packed.scale, s.name)
		}
	}
	require.Len(t, shared, 2)
	require.Same(t, shared[0].windows[0], shared[1].windows[0])
	require.NotEqual(t, shared[0].scale, shared[1].scale)
}

// Whoever packs a kernel, it is the same.
func TestSamePackedWeightsForAnyNumberOfThreads(t *testing.T) {
	for side, g := range map[int]*graph.Graph{64: small(), 5: head()} {
		var want []*packed
		for _, threads := range []int{0, 2, 5} {
			p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{Height: side, Width: side, Threads: threads})
			require.NoError(t, err)
			pl, err := p.Plan(side, side, 40)
			require.NoError(t, err)
			pl.NewWorkspace(parallel.NewTeam(max(1, threads)), new(Arena)) // makes Winograd's weights
			var got []*packed
			for _, s := range p.module.steps {
				got = append(got, s.packed)
			}
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "%d threads", threads)
		}
	}
}

// asked are weights that note what is done with them.
type asked struct {
	reference.InMemory
	sync.Mutex
	released []string
}

func (w *asked) Release(name string) {
	w.Lock()
	defer w.Unlock()
	w.released = append(w.released, name)
}

func TestEachKernelIsReleasedOnce(t *testing.T) {
	g := head()
	w := &asked{InMemory: reference.Random(g.Tensors(), 9)}
	_, err := Prepare(g, w, Options{Threads: 3})
	require.NoError(t, err)
	var kernels []string
	for name := range w.InMemory {
		if strings.HasSuffix(name, "/kernel") {
			kernels = append(kernels, name)
		}
	}
	require.ElementsMatch(t, kernels, w.released)
}

// Winograd's weights take no memory before a workspace wants them, are made
// once for all workspaces, and not for maps of few tiles.
func TestWinogradWeightsAreMadeWhenWanted(t *testing.T) {
	g := small()
	p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{Height: 128, Width: 128})
	require.NoError(t, err)
	team := parallel.NewTeam(2)
	few, err := p.Plan(32, 32, 1)
	require.NoError(t, err)
	require.Zero(t, few.WinogradBytes())
	many, err := p.Plan(128, 128, 1)
	require.NoError(t, err)
	want := many.WinogradBytes()
	require.Positive(t, want)
	few.NewWorkspace(team, new(Arena))
	require.Zero(t, p.module.transforms.floats)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { many.NewWorkspace(parallel.NewTeam(2), new(Arena)) })
	}
	group.Wait()
	require.Equal(t, want, 4*int64(p.module.transforms.floats))
	require.Equal(t, want, many.WinogradBytes())
	require.Equal(t, want, few.WinogradBytes(), "they stay")
}

// Placing needs no more than a quarter above what is live at once when the steps
// run one by one; the schedule is no worse than the order of building.
func TestPlanNeedsLittleMemory(t *testing.T) {
	g := small()
	p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{})
	require.NoError(t, err)
	pl, err := p.Plan(256, 256, 1)
	require.NoError(t, err)
	scheduled := peak(pl.module, schedule(pl.module, pl.layouts), pl.layouts)
	require.LessOrEqual(t, scheduled, peak(pl.module, pl.module.steps, pl.layouts))
	require.LessOrEqual(t, pl.size, scheduled*5/4)
}

// Every step runs once, after the waves that make what it reads; the branches
// of the small graph share some waves.
func TestWavesHoldIndependentSteps(t *testing.T) {
	g := small()
	p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{})
	require.NoError(t, err)
	for _, size := range []int{64, 256} {
		pl, err := p.Plan(size, size, 1)
		require.NoError(t, err)
		require.Len(t, pl.steps, len(p.module.steps))
		made := map[int]int{} // the wave of each value
		for _, in := range p.module.inputs {
			made[in.value] = -1
		}
		sharing := 0
		for i := range pl.steps {
			s := &pl.steps[i]
			for _, v := range s.in {
				wave, ok := made[v]
				require.True(t, ok && wave < s.wave, s.name)
			}
			require.NotContains(t, made, s.out)
			made[s.out] = s.wave
			if i > 0 && pl.steps[i-1].wave == s.wave {
				sharing++
				require.True(t, pl.small(s))
			}
		}
		require.Positive(t, sharing)
	}
}

// The pixels of wide maps leave a gap between them where nobody but convolutions
// reads them.
func TestGapsBetweenPixels(t *testing.T) {
	g := wide()
	p, err := Prepare(g, reference.Random(g.Tensors(), 9), Options{})
	require.NoError(t, err)
	pl, err := p.Plan(16, 16, 1)
	require.NoError(t, err)
	gaps := map[string]int{}
	for i := range pl.steps {
		if l := &pl.layouts[pl.steps[i].out]; l.gap > 0 {
			require.Equal(t, (l.shape.W+max(l.border.left, l.border.right))*(l.shape.C+l.gap), l.row())
			gaps[pl.steps[i].name] = l.shape.C
		}
	}
	require.Equal(t, map[string]int{"a": 512, "short": 512, "c": 512}, gaps)
}
