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

// RetinaNets and classifiers that no original's output is here for: every block,
// fed with the float64 results of those before, every level, and every output of a
// head, equals float64. Sides that the strides do not divide go through the
// special paths of TF1.
func TestOtherKindsEqualFloat64(t *testing.T) {
	for i, tt := range []struct {
		height, width int
		system        func(string) (*config.Config, error)
		variant       string
		change        func(c *config.Config)
	}{
		{128, 256, config.TF1RetinaNet, "49S", func(c *config.Config) { c.RetinaHead = config.RetinaHead{Convs: 4, Filters: 17, Norm: true} }},
		{256, 128, config.TF2RetinaNet, "96", func(c *config.Config) {
			c.RetinaHead = config.RetinaHead{Convs: 1, Filters: 20, Norm: true}
			c.Categories, c.Anchors.ScalesPerOctave = c.Categories[:2], 1
		}},
		{128, 128, config.TF2RetinaNet, "190", func(c *config.Config) { c.RetinaHead.Filters, c.Categories = 19, c.Categories[:7] }},
		{128, 256, config.TF1RetinaNet, "49", func(c *config.Config) {
			resNet, err := config.Torchvision("v1")
			require.NoError(t, err)
			c.Backbone, c.RetinaHead.Filters = resNet.Backbone, 16
			c.Backbone.Endpoints = 16
		}},
		{224, 224, config.TF1Classification, "49", func(*config.Config) {}},
		{160, 160, config.TF1Classification, "143", func(c *config.Config) { c.Activation = config.ActivationSwish }},
		{200, 200, config.TF1Classification, "49S", func(*config.Config) {}},
		{128, 256, config.TF2Classification, "49", func(c *config.Config) { c.Activation = config.ActivationSwish }},
		{128, 256, config.TF2Mobile, "49S", func(c *config.Config) { c.RetinaHead.Filters, c.Categories = 9, c.Categories[:5] }},
		{256, 128, config.TF2MobileMaskRCNN, "49XS", func(c *config.Config) { c.Backbone.FilterScale, c.RPN.Filters, c.RPN.Convs = 0.33, 18, 2 }},
		{128, 128, config.TF2Mobile, "49", func(c *config.Config) {
			c.Backbone.FilterScale, c.Backbone.Expansion, c.Backbone.SqueezeRatio, c.RetinaHead.Filters = 0.4, 1, 0.5, 17
		}},
		{128, 256, config.TF2ResNetFPN, "resnet-101", func(c *config.Config) { c.Backbone.Endpoints, c.RPN.Filters = 20, 24 }},
		{96, 160, config.TF2ResNetFPN, "resnet-50-p3", func(c *config.Config) { c.Backbone.Endpoints, c.RPN.Filters = 16, 16 }},
		{256, 128, config.TF2ResNetFPNRetinaNet, "resnet-50", func(c *config.Config) {
			c.Backbone.Endpoints, c.RetinaHead.Filters, c.Activation = 17, 16, config.ActivationHardSwish
		}},
		{128, 128, config.ScalePermuted, "r23_sp30", func(c *config.Config) { c.RetinaHead.Filters, c.RetinaHead.Convs = 16, 1 }},
		{128, 128, config.ScalePermuted, "r0_sp53", func(c *config.Config) { c.RetinaHead.Filters, c.RetinaHead.Convs = 16, 1 }},
		{200, 168, config.TF2Classification, "resnet-101", func(*config.Config) {}},
		{128, 128, config.ScalePermuted, "spinenet49_p2", func(c *config.Config) { c.Backbone.MinLevel, c.RetinaHead.Filters, c.RetinaHead.Convs = 2, 16, 1 }},
	} {
		c, err := tt.system(tt.variant)
		require.NoError(t, err)
		c.Backbone.FilterScale = 0.12
		if c.Backbone.Type == config.BackboneSpineNet {
			c.Backbone.Endpoints = 24
		}
		c.Input.Height, c.Input.Width = tt.height, tt.width
		tt.change(c)
		require.NoError(t, c.Validate())
		n, err := network.Build(c)
		require.NoError(t, err)
		weights := reference.Random(n.Tensors(), uint64(i))

		r := rand.New(rand.NewPCG(7, 7))
		in := reference.New(graph.Shape{H: tt.height, W: tt.width, C: 3})
		for k := range in.Data {
			in.Data[k] = float64(float32(r.NormFloat64()))
		}
		truth, err := reference.Run(n.Trunk, tt.height, tt.width, weights, map[string]reference.Map{"image": in})
		require.NoError(t, err)
		golden, steps := testutil.Tensors{}, []paritytest.Values{{"input": 0}}
		add := func(name string, v graph.Value) { steps = append(steps, paritytest.Values{name: v}) }
		for k, v := range n.Features.Stem {
			if c.Backbone.Type == config.BackboneSpineNet {
				add(fmt.Sprintf("stem_%d", k), v)
			}
		}
		for k, v := range n.Features.Blocks {
			add(fmt.Sprintf("block_%02d", k), v)
		}
		for _, o := range n.Trunk.Outputs() {
			add(o.Name, o.Value)
		}
		for _, step := range steps {
			for name, v := range step {
				x := testutil.Tensor{Shape: []int{truth[v].H, truth[v].W, truth[v].C}}
				for _, f := range truth[v].Data {
					x.Data = append(x.Data, float32(f))
				}
				golden[name] = x
			}
		}
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(fmt.Sprintf("%s %dx%d %s", c.Name, tt.height, tt.width, name), func(t *testing.T) {
				p := paritytest.Build(t, c, weights, golden, o)
				for k, step := range steps[1:] {
					known := paritytest.Values{}
					for _, s := range steps[:k+1] {
						for name, v := range s {
							// A map of another ratio than the input's cannot be fed.
							if x := golden[name]; tt.height%x.Shape[0] == 0 && tt.height/x.Shape[0]*x.Shape[1] == tt.width {
								known[name] = v
							}
						}
					}
					p.Stage(p.Trunk, tt.height, tt.width, known, step, 1e-5)
				}
			})
		}
	}
}
