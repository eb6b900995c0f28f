// Package classifier gives a photo a class: its head as a graph, and the two things around it, the mean of the backbone's maps and the best classes.
package classifier

import (
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildHead returns the head as a graph: input "features", 1×1×channels, the mean of the backbone's maps (see Pooler); output "logits", 1×1×C for C classes.
// Source: tensorflow/tpu modeling/architecture/heads.py, ClassificationHead; Garden modeling/classification_model.py.
func BuildHead(c *config.Config, channels int) (*graph.Graph, error) {
	g := graph.New()
	x := g.Input("features", channels)
	g.Output("logits", g.Dense("classifier", x, graph.Dense{Height: 1, Width: 1, Out: c.Classes(), Bias: true}))
	return g, g.Err()
}
