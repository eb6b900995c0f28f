// Package paritytest compares a network, part by part, with what the original
// system computed: each part is fed with the golden input of the original's
// part, so that errors do not add up, and a difference has one place.
package paritytest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/weights"
)

// Network is a network with its weights beside golden tensors: H×W×C, or R×H×W×C
// for R rows of RoIs. Of a golden tensor that is compared with, every k-th row
// and column, the first channels, or the first rows of RoIs may be stored only.
type Network struct {
	*network.Network
	Config  *config.Config
	Golden  testutil.Tensors
	Measure func(want, got []float32) float64 // of the difference; default: testutil.RelRMS

	t       testing.TB
	weights engine.Weights
	options engine.Options
}

// New builds the network that the file holds.
func New(t testing.TB, f *weights.File, w weights.Options, golden testutil.Tensors, o engine.Options) *Network {
	t.Helper()
	c, _, err := f.Config(w)
	require.NoError(t, err)
	return Build(t, c, fileWeights{f}, golden, o)
}

// Build builds the network of a config, of whose weights there may be a part.
func Build(t testing.TB, c *config.Config, w engine.Weights, golden testutil.Tensors, o engine.Options) *Network {
	t.Helper()
	n, err := network.Build(c)
	require.NoError(t, err)
	return &Network{n, c, golden, testutil.RelRMS, t, w, o}
}

type fileWeights struct{ *weights.File }

func (w fileWeights) Float32(name string) ([]float32, error) {
	x, ok := w.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return x.Float32(nil)
}

// Values names values of a graph by their golden tensors.
type Values map[string]graph.Value

// Stage runs the part of g between golden inputs and outputs, and compares. The
// input of the whole graph has h×w pixels.
func (n *Network) Stage(g *graph.Graph, h, w int, in, out Values, tolerance float64) {
	n.t.Helper()
	for name, got := range n.Run(g, h, w, in, out) {
		n.Compare(name, got, tolerance)
	}
}

// Run is Stage without the comparison: the outputs by name, complete.
func (n *Network) Run(g *graph.Graph, h, w int, in, out Values) testutil.Tensors {
	n.t.Helper()
	cut, rows := map[graph.Value]int{}, 1
	for name, v := range in {
		shape := n.Golden.Get(n.t, name).Shape
		cut[v] = h / shape[len(shape)-3]
		if len(shape) == 4 {
			rows = shape[0]
		}
	}
	var outputs []graph.Output
	for name, v := range out {
		outputs = append(outputs, graph.Output{Name: name, Value: v})
	}
	o := n.options
	o.Height, o.Width = h, w
	part := g.Extract(outputs, cut)
	prepared, err := engine.Prepare(part, n.weights, o)
	require.NoError(n.t, err)
	plan, err := prepared.Plan(h, w, rows)
	require.NoError(n.t, err)
	ws := plan.NewWorkspace(parallel.NewTeam(2), new(engine.Arena))
	for name, v := range in {
		node := g.Nodes()[v].Name
		if !slices.ContainsFunc(part.Nodes(), func(x graph.Node) bool { return x.Name == node }) {
			continue // nothing here reads it
		}
		m, data := ws.Input(node), n.Golden.Get(n.t, name)
		require.Equal(n.t, []int{m.Height, m.Width, m.Channels}, data.Shape[len(data.Shape)-3:], name)
		i := 0
		each(m, rows, func(pixel []float32) { i += copy(pixel, data.Data[i:]) })
	}
	require.NoError(n.t, ws.Run(context.Background(), rows))
	results := testutil.Tensors{}
	for name := range out {
		m := ws.Output(name)
		x := testutil.Tensor{Shape: []int{rows, m.Height, m.Width, m.Channels}}
		each(m, rows, func(pixel []float32) { x.Data = append(x.Data, pixel...) })
		results[name] = x
	}
	return results
}

// Errors are the rounding errors of the original and of ours, from a golden
// input of the trunk: the root mean square of the difference from the float64
// result, over that of the result.
func (n *Network) Errors(input string, out Values) (original, ours map[string]float64) {
	n.t.Helper()
	in := n.Golden.Get(n.t, input)
	h, w, c := in.Shape[0], in.Shape[1], in.Shape[2]
	truth, err := reference.Run(n.Trunk, h, w, n.weights, map[string]reference.Map{n.Trunk.Nodes()[0].Name: reference.Of(h, w, c, in.Data)})
	require.NoError(n.t, err)
	got := n.Run(n.Trunk, h, w, Values{input: 0}, out)
	original, ours = map[string]float64{}, map[string]float64{}
	for name, v := range out {
		original[name] = truth[v].RelRMS(n.Golden.Get(n.t, name).Data)
		ours[name] = truth[v].RelRMS(got[name].Data)
	}
	return original, ours
}

func each(m engine.Map, rows int, do func(pixel []float32)) {
	for item := range rows {
		for y := range m.Height {
			for x := range m.Width {
				do(m.Pixel(item, y, x))
			}
		}
	}
}

// Compare holds what a run made against the golden tensor of that name, at the
// places that the latter has.
func (n *Network) Compare(name string, got testutil.Tensor, tolerance float64) {
	n.t.Helper()
	want := n.Golden.Get(n.t, name)
	data := got.Data
	if d := len(want.Shape); d == 4 || d == 3 && got.Shape[0] == 1 { // maps
		data = thin(got, want.Shape[d-3], want.Shape[d-1])
	}
	count := min(len(want.Data), len(data))
	require.Positive(n.t, count, name)
	difference := n.Measure(want.Data[:count], data[:count])
	n.t.Logf("%-16s %.1e", name, difference)
	require.LessOrEqual(n.t, difference, tolerance, name)
}

// thin keeps every k-th row and column of maps, so that height rows are left, and
// the first channels.
func thin(m testutil.Tensor, height, channels int) []float32 {
	rows, h, w, c := m.Shape[0], m.Shape[1], m.Shape[2], m.Shape[3]
	k := (h + height - 1) / height
	if k == 1 && channels == c {
		return m.Data
	}
	var out []float32
	for item := range rows {
		for y := 0; y < h; y += k {
			for x := 0; x < w; x += k {
				out = append(out, m.Data[((item*h+y)*w+x)*c:][:min(channels, c)]...)
			}
		}
	}
	return out
}

// Output is the value of a graph's output.
func (n *Network) Output(g *graph.Graph, name string) graph.Value {
	n.t.Helper()
	for _, o := range g.Outputs() {
		if o.Name == name {
			return o.Value
		}
	}
	require.Fail(n.t, "no such output", name)
	return 0
}
