package boxhead

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildHead returns the second stage as a graph over rows of RoIs: input
// "features", BoxSize×BoxSize×Endpoints; outputs "classes", 1×1×C logits, and
// "deltas", 1×1×4C with the class slowest (1×1×4 where boxes do not depend on
// the class). Source: tensorflow/tpu modeling/architecture/heads.py,
// FastrcnnHead.
func BuildHead(c *config.Config) (*graph.Graph, error) {
	g := graph.New()
	act := graph.Activation(c.Activation)
	size := c.RoIAlign.BoxSize
	conv := g.ConvShared
	if c.BoxHead.Separable {
		conv = g.Separable
	}
	x := g.Input("features", c.Backbone.Endpoints)
	for i := range c.BoxHead.Convs {
		name := fmt.Sprintf("box/conv%d", i)
		norm := c.BoxHead.ConvNorm
		x = conv(name, name, x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: c.BoxHead.Filters, Bias: !norm || c.BoxHead.NormBias})
		if norm {
			x = g.Norm(name+"/norm", x, c.NormEpsilon)
		}
		x = g.Activate(name+"/"+string(act), x, act)
	}
	for i, n := range c.BoxHead.FC {
		name := fmt.Sprintf("box/fc%d", i)
		norm := c.BoxHead.FCNorm
		x = g.Dense(name, x, graph.Dense{Height: size, Width: size, Out: n, Bias: !norm || c.BoxHead.NormBias})
		if norm {
			x = g.Norm(name+"/norm", x, c.NormEpsilon)
		}
		x = g.Activate(name+"/"+string(act), x, act)
		size = 1
	}
	boxes := 1
	if c.BoxHead.ClassSpecific {
		boxes = c.Classes()
	}
	g.Output("classes", g.Dense("box/class", x, graph.Dense{Height: size, Width: size, Out: c.Classes(), Bias: true}))
	g.Output("deltas", g.Dense("box/deltas", x, graph.Dense{Height: size, Width: size, Out: 4 * boxes, Bias: true}))
	return g, g.Err()
}
