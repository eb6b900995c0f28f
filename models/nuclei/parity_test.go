package nuclei

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/imageio"
	"github.com/spinemask/spinemask/internal/network"
	"github.com/spinemask/spinemask/internal/parallel"
	"github.com/spinemask/spinemask/internal/testutil"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

// parity runs parts of the network on golden inputs.
type parity struct {
	t       *testing.T
	golden  testutil.Tensors
	config  *config.Config
	network *network.Network
	weights tensors
	options engine.Options
}

type tensors struct{ *weights.File }

func (w tensors) Float32(name string) ([]float32, error) {
	x, ok := w.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return x.Float32(nil)
}

func newParity(t *testing.T, goldenFile string, o engine.Options) *parity {
	f, err := weights.Load("nuclei", strings.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	n, err := network.Build(c)
	require.NoError(t, err)
	return &parity{t, testutil.Load(t, goldenFile), c, n, tensors{f}, o}
}

// stage runs the part of g between golden inputs and outputs, both named by
// their golden tensors, and compares. The sizes of the whole graph are h×w.
func (p *parity) stage(g *graph.Graph, h, w, rows int, in, out map[string]graph.Value, tolerance float64) {
	p.t.Helper()
	cut := map[graph.Value]int{}
	for name, v := range in {
		shape := p.golden.Get(p.t, name).Shape
		cut[v] = h / shape[len(shape)-3]
	}
	var outputs []graph.Output
	for name, v := range out {
		outputs = append(outputs, graph.Output{Name: name, Value: v})
	}
	o := p.options
	o.Height, o.Width = h, w
	part := g.Extract(outputs, cut)
	prepared, err := engine.Prepare(part, p.weights, o)
	require.NoError(p.t, err)
	plan, err := prepared.Plan(h, w, rows)
	require.NoError(p.t, err)
	ws := plan.NewWorkspace(parallel.NewTeam(2), new(engine.Arena))
	for name, v := range in {
		if !slices.ContainsFunc(part.Nodes(), func(n graph.Node) bool { return n.Name == g.Nodes()[v].Name }) {
			continue // nothing here reads it
		}
		m, data := ws.Input(g.Nodes()[v].Name), p.golden.Get(p.t, name).Data
		p.each(m, rows, func(i int, pixel []float32) { copy(pixel, data[i:]) })
	}
	require.NoError(p.t, ws.Run(context.Background(), rows))
	for name := range out {
		want := p.golden.Get(p.t, name).Data
		got := make([]float32, 0, len(want))
		p.each(ws.Output(name), rows, func(_ int, pixel []float32) { got = append(got, pixel...) })
		require.LessOrEqual(p.t, testutil.RelRMS(want[:len(got)], got), tolerance, name)
	}
}

func (p *parity) each(m engine.Map, rows int, do func(i int, pixel []float32)) {
	i := 0
	for item := range rows {
		for y := range m.Height {
			for x := range m.Width {
				do(i, m.Pixel(item, y, x))
				i += m.Channels
			}
		}
	}
}

func (p *parity) output(g *graph.Graph, name string) graph.Value {
	for _, o := range g.Outputs() {
		if o.Name == name {
			return o.Value
		}
	}
	p.t.Fatalf("no output %s", name)
	return 0
}

// heads checks what follows the backbone.
func (p *parity) heads(tolerance float64) {
	for l := 3; l <= 7; l++ {
		p.stage(p.network.Trunk, 256, 256, 1,
			map[string]graph.Value{network.PName(l): p.network.Features.Levels[l]},
			map[string]graph.Value{
				fmt.Sprintf("rpn_score_%d", l): p.output(p.network.Trunk, fmt.Sprintf("objectness%d", l)),
				fmt.Sprintf("rpn_box_%d", l):   p.output(p.network.Trunk, fmt.Sprintf("deltas%d", l)),
			}, tolerance)
	}
	rows := p.golden.Get(p.t, "roi_features").Shape[0]
	p.stage(p.network.Box, 7, 7, rows, map[string]graph.Value{"roi_features": 0},
		map[string]graph.Value{"class_logits": p.output(p.network.Box, "classes"), "box_deltas": p.output(p.network.Box, "deltas")}, tolerance)
}

// Each stage is fed with the golden input of the one before.
func TestStages(t *testing.T) {
	for name, tt := range map[string]struct {
		options   engine.Options
		tolerance float64
	}{
		"direct":   {engine.Options{NoWinograd: true}, 1e-5},
		"winograd": {engine.Options{}, 3e-5},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParity(t, "testdata/tensors_256.safetensors", tt.options)
			p.heads(tt.tolerance)
			levels := map[string]graph.Value{}
			for l := 3; l <= 7; l++ {
				levels[network.PName(l)] = p.network.Features.Levels[l]
			}
			p.stage(p.network.Trunk, 256, 256, 1, map[string]graph.Value{"input": 0}, levels, 4e-4) // end to end
		})
	}
}

// The same block by block, on the whole golden file.
func TestStagesOfTheBackbone(t *testing.T) {
	p := newParity(t, testutil.Shared(t, "models", "nuclei", "golden", "tensors_256.safetensors"), engine.Options{NoWinograd: true})
	p.heads(1e-5)
	g, f := p.network.Trunk, p.network.Features
	p.stage(g, 256, 256, 1, map[string]graph.Value{"input": 0}, map[string]graph.Value{"stem_0": f.Stem[0]}, 1e-5)
	p.stage(g, 256, 256, 1, map[string]graph.Value{"stem_0": f.Stem[0]}, map[string]graph.Value{"stem_1": f.Stem[1]}, 1e-5)
	features := map[string]graph.Value{"stem_0": f.Stem[0], "stem_1": f.Stem[1]}
	for i, v := range f.Blocks {
		name := fmt.Sprintf("block_%02d", i)
		p.stage(g, 256, 256, 1, features, map[string]graph.Value{name: v}, 1e-5)
		features[name] = v
	}
	for l := 3; l <= 7; l++ {
		p.stage(g, 256, 256, 1, features, map[string]graph.Value{network.PName(l): f.Levels[l]}, 1e-5)
	}
}

// goldenImage is an image of detections_640.json.
type goldenImage struct {
	FileName   string `json:"file_name"`
	Detections []struct {
		Score float32    `json:"score"`
		Box   [4]float32 `json:"box_yxyx"`
		Exact string     `json:"exact"`
	} `json:"detections"`
}

// Whole images: the same detections as a set; boxes within 0.05 pixels of the
// 640² frame, scores within 1e-3, mask IoU 0.99, except where a score lies
// within 1e-3 of the last one recorded.
func TestDetections(t *testing.T) {
	checkDetections(t, "testdata/detections_640.json", filepath.Join("..", "..", "testdata", "images"))
}

func TestAllDetections(t *testing.T) {
	checkDetections(t, testutil.Shared(t, "models", "nuclei", "golden", "detections_640.json"), testutil.Shared(t, "data", "nuclei", "images"))
}

func checkDetections(t *testing.T, golden, images string) {
	var want []goldenImage
	data, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &want))
	m, err := Open(nil)
	require.NoError(t, err)
	defer m.Close()
	for _, w := range want {
		img, err := imageio.Open(filepath.Join(images, w.FileName), imageio.Options{})
		require.NoError(t, err)
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		scale := 640 / float64(max(img.Width, img.Height))
		last := w.Detections[len(w.Detections)-1].Score
		used := make([]bool, len(r.Instances))
		for _, d := range w.Detections {
			if d.Score < last+1e-3 {
				continue
			}
			mask, err := rle.Decode(img.Height, img.Width, []byte(d.Exact))
			require.NoError(t, err)
			found := false
			for i, in := range r.Instances {
				b := [4]float32{in.Box.Y1, in.Box.X1, in.Box.Y2, in.Box.X2}
				near := !used[i] && math.Abs(float64(in.Score-d.Score)) <= 1e-3
				for k := range b {
					near = near && math.Abs(float64(b[k]-d.Box[k]))*scale <= 0.05
				}
				if near && (mask.Area() == 0 && in.Mask.Area() == 0 || rle.IoU(in.Mask, mask, false) >= 0.99) {
					used[i], found = true, true
					break
				}
			}
			require.True(t, found, "%s: box %v, score %v", w.FileName, d.Box, d.Score)
		}
	}
}
