package rpn

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildHead appends the region proposal head (Faster R-CNN, arXiv 1506.01497,
// section 3.1) to g and declares its outputs objectness{l}, H×W×A logits, and
// deltas{l}, H×W×4A, for each level l. The convolutions are shared by the
// levels; each level has norms of its own (tensorflow/tpu
// modeling/architecture/heads.py, RpnHead).
func BuildHead(g *graph.Graph, levels map[int]graph.Value, c *config.Config) error {
	act := graph.Activation(c.Activation)
	anchors := c.Anchors.PerPlace()
	conv := g.ConvShared
	if c.RPN.Separable {
		conv = g.Separable
	}
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		x := levels[l]
		for i := range c.RPN.Convs {
			place := fmt.Sprintf("rpn/conv%d", i)
			name := fmt.Sprintf("%s/level%d", place, l)
			x = conv(name, place, x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: c.RPN.Filters, Bias: true})
			if c.RPN.Norm {
				x = g.Norm(fmt.Sprintf("%s/norm%d", place, l), x, c.NormEpsilon)
			}
			x = g.Activate(name+"/"+string(act), x, act)
		}
		for _, out := range []struct {
			name     string
			channels int
		}{{"objectness", anchors}, {"deltas", 4 * anchors}} {
			place := "rpn/" + out.name
			v := conv(fmt.Sprintf("%s/level%d", place, l), place, x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: out.channels, Bias: true})
			g.Output(fmt.Sprintf("%s%d", out.name, l), v)
		}
	}
	return g.Err()
}
