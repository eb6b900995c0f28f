package maskhead

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildHead returns the third stage as a graph over rows of RoIs: input
// "features", MaskSize×MaskSize×Endpoints; output "logits", 2·MaskSize square
// with a channel per class (one where masks do not depend on the class).
// Source: tensorflow/tpu modeling/architecture/heads.py, MaskrcnnHead.
func BuildHead(c *config.Config) (*graph.Graph, error) {
	g := graph.New()
	act := graph.Activation(c.Activation)
	conv := g.ConvShared
	if c.MaskHead.Separable {
		conv = g.Separable
	}
	x := g.Input("features", c.Backbone.Endpoints)
	for i := range c.MaskHead.Convs {
		name := fmt.Sprintf("mask/conv%d", i)
		norm := c.MaskHead.ConvNorm
		x = conv(name, name, x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: c.MaskHead.Filters, Bias: !norm || c.MaskHead.NormBias})
		if norm {
			x = g.Norm(name+"/norm", x, c.NormEpsilon)
		}
		x = g.Activate(name+"/"+string(act), x, act)
	}
	norm := c.MaskHead.DeconvNorm
	x = g.Deconv("mask/deconv", x, graph.Deconv{Size: 2, Out: c.MaskHead.Filters, Bias: !norm || c.MaskHead.NormBias})
	if norm {
		x = g.Norm("mask/deconv/norm", x, c.NormEpsilon)
	}
	x = g.Activate("mask/deconv/"+string(act), x, act)
	masks := 1
	if c.MaskHead.ClassSpecific {
		masks = c.Classes()
	}
	g.Output("logits", conv("mask/logits", "mask/logits", x, graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: masks, Bias: true}))
	return g, g.Err()
}
