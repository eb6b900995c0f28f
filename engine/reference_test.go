package engine

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

// truth computes every value of a graph for one item in float64.
func truth(g *graph.Graph, w reference.InMemory, input reference.Map) []reference.Map {
	values, err := reference.Run(g, input.H, input.W, w, map[string]reference.Map{g.Nodes()[0].Name: input})
	if err != nil {
		panic(err)
	}
	return values
}
