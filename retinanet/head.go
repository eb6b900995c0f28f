package retinanet

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildHead appends the head of a one-stage detector (RetinaNet, arXiv 1708.02002, section 4) to g and declares its outputs classes{l}, H×W×A·C logits
// with the anchor slowest, and deltas{l}, H×W×4A, for each level l. Its two towers share their convolutions among the levels; each level has norms of its
// own (tensorflow/tpu modeling/architecture/heads.py, RetinanetHead; Garden modeling/heads/dense_prediction_heads.py, RetinaNetHead).
func BuildHead(g *graph.Graph, levels map[int]graph.Value, c *config.Config) error {
	anchors := c.Anchors.PerPlace()
	conv := convolution(g, c)
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		for _, tower := range []struct {
			place, output string
			channels      int
		}{{"retina/class", "classes", anchors * c.Classes()}, {"retina/box", "deltas", 4 * anchors}} {
			x := buildTower(g, tower.place, levels[l], l, c)
			place := tower.place + "/predict"
			x = conv(fmt.Sprintf("%s/level%d", place, l), place, x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: tower.channels, Bias: true})
			g.Output(fmt.Sprintf("%s%d", tower.output, l), x)
		}
	}
	return g.Err()
}

// buildTower appends the convolutions before an output.
func buildTower(g *graph.Graph, tower string, x graph.Value, level int, c *config.Config) graph.Value {
	act, conv := graph.Activation(c.Activation), convolution(g, c)
	for i := range c.RetinaHead.Convs {
		place := fmt.Sprintf("%s/conv%d", tower, i)
		name := fmt.Sprintf("%s/level%d", place, level)
		x = conv(name, place, x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: c.RetinaHead.Filters, Bias: true})
		if c.RetinaHead.Norm {
			x = g.Norm(fmt.Sprintf("%s/norm%d", place, level), x, c.NormEpsilon)
		}
		x = g.Activate(name+"/"+string(act), x, act)
	}
	return x
}

// convolution appends a convolution of the kind that the head has.
func convolution(g *graph.Graph, c *config.Config) func(name, weights string, x graph.Value, op graph.Conv) graph.Value {
	if c.RetinaHead.Separable {
		return g.Separable
	}
	return g.ConvShared
}
