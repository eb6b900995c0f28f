package spinemask_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/reference"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// Networks that no original's output is here for: other scales, widths, repeats,
// activations, anchors and numbers of classes, inputs that are not square. Every
// stage, fed with the float64 result of the one before, equals float64.
func TestOtherNetworksEqualFloat64(t *testing.T) {
	for i, tt := range []struct {
		height, width int
		system        func(string) (*config.Config, error)
		variant       string
		scale         float64
		change        func(c *config.Config)
	}{
		{256, 384, config.TF1, "49S", 0.13, func(c *config.Config) { c.Activation = config.ActivationSwish }},
		{128, 640, config.TF2, "49", 0.12, func(c *config.Config) {
			c.Anchors.ScalesPerOctave = 3
			c.Categories = c.Categories[:1]
		}},
		{384, 128, config.TF2, "96", 0.1, func(c *config.Config) {
			c.Activation, c.BoxHead.FC, c.RPN.Convs = config.ActivationSwish, []int{40, 30}, 2
		}},
		{128, 256, config.TF1, "143", 0.11, func(c *config.Config) { c.Backbone.ResampleAlpha, c.BoxHead.Convs, c.MaskHead.Convs = 0.7, 2, 1 }},
		{256, 128, config.MMDet, "49", 0.25, func(c *config.Config) {}},
	} {
		c, err := tt.system(tt.variant)
		require.NoError(t, err)
		c.Backbone.FilterScale, c.Backbone.Endpoints = tt.scale, 24
		c.RPN.Filters, c.BoxHead.Filters, c.BoxHead.FC, c.MaskHead.Filters = 20, 24, []int{40}, 17
		tt.change(c)
		require.NoError(t, c.Validate())
		n, err := network.Build(c)
		require.NoError(t, err)
		weights := reference.Random(n.Tensors(), uint64(i))
		golden := truth(t, c, n, weights, tt.height, tt.width)
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(fmt.Sprintf("%s %dx%d %s", c.Name, tt.height, tt.width, name), func(t *testing.T) {
				p := paritytest.Build(t, c, weights, golden, o)
				p.Backbone(5e-6)
				p.Heads(5e-6)
				p.Stage(p.Mask, c.RoIAlign.MaskSize, c.RoIAlign.MaskSize,
					paritytest.Values{"mask_roi_features": 0}, paritytest.Values{"mask_logits": p.Output(p.Mask, "logits")}, 5e-6)
			})
		}
	}
}

// truth computes a network's stages in float64, from inputs of noise, under the
// names of golden tensors.
func truth(t *testing.T, c *config.Config, n *network.Network, w reference.InMemory, height, width int) testutil.Tensors {
	r := rand.New(rand.NewPCG(7, 7))
	noise := func(h, w, ch int) reference.Map {
		m := reference.New(graph.Shape{H: h, W: w, C: ch})
		for i := range m.Data {
			m.Data[i] = float64(float32(r.NormFloat64()))
		}
		return m
	}
	golden := testutil.Tensors{}
	// keep appends a row of RoIs, or sets a map if there are none.
	keep := func(name string, m reference.Map, rows bool) {
		x := golden[name]
		if x.Shape = []int{m.H, m.W, m.C}; rows {
			x.Shape = append([]int{len(x.Data)/len(m.Data) + 1}, x.Shape...)
		}
		for _, v := range m.Data {
			x.Data = append(x.Data, float32(v))
		}
		golden[name] = x
	}
	run := func(g *graph.Graph, in reference.Map) []reference.Map {
		values, err := reference.Run(g, in.H, in.W, w, map[string]reference.Map{g.Nodes()[0].Name: in})
		require.NoError(t, err)
		return values
	}
	output := func(g *graph.Graph, name string) graph.Value {
		for _, o := range g.Outputs() {
			if o.Name == name {
				return o.Value
			}
		}
		require.Fail(t, "no output", name)
		return 0
	}

	in := noise(height, width, 3)
	keep("input", in, false)
	trunk := run(n.Trunk, in)
	for i, v := range n.Features.Stem {
		keep(fmt.Sprintf("stem_%d", i), trunk[v], false)
	}
	for i, v := range n.Features.Blocks {
		keep(fmt.Sprintf("block_%02d", i), trunk[v], false)
	}
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		keep(network.PName(l), trunk[n.Features.Levels[l]], false)
		keep(fmt.Sprintf("rpn_score_%d", l), trunk[output(n.Trunk, fmt.Sprintf("objectness%d", l))], false)
		keep(fmt.Sprintf("rpn_box_%d", l), trunk[output(n.Trunk, fmt.Sprintf("deltas%d", l))], false)
	}
	for range 40 {
		rois := noise(c.RoIAlign.BoxSize, c.RoIAlign.BoxSize, c.Backbone.Endpoints)
		keep("roi_features", rois, true)
		head := run(n.Box, rois)
		keep("class_logits", head[output(n.Box, "classes")], true)
		keep("box_deltas", head[output(n.Box, "deltas")], true)
	}
	for range 5 {
		rois := noise(c.RoIAlign.MaskSize, c.RoIAlign.MaskSize, c.Backbone.Endpoints)
		keep("mask_roi_features", rois, true)
		keep("mask_logits", run(n.Mask, rois)[output(n.Mask, "logits")], true)
	}
	return golden
}
