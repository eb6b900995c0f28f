package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/reference"
)

// mapWeights are weights in memory.
type mapWeights map[string][]float32

func (w mapWeights) Float32(name string) ([]float32, error) {
	t, ok := w[name]
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t, nil
}

// randomWeights makes weights for a graph that keep values of order one.
func randomWeights(g *graph.Graph, seed uint64) mapWeights {
	r := rand.New(rand.NewPCG(seed, 1))
	w := mapWeights{}
	for _, t := range g.Tensors() {
		n, last := 1, t.Shape[len(t.Shape)-1]
		for _, d := range t.Shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64()) * float32(math.Sqrt(2*float64(last)/float64(n)))
			if t.Statistic {
				v[i] = 0.5 + r.Float32()
			} else if len(t.Shape) == 1 {
				v[i] = 0.5 + r.Float32()
			}
		}
		w[t.Name] = v
	}
	return w
}

// truth computes every value of a graph for one item in float64.
func truth(g *graph.Graph, w mapWeights, input reference.Map) []reference.Map {
	values, err := reference.Run(g, input.H, input.W, w, map[string]reference.Map{g.Nodes()[0].Name: input})
	if err != nil {
		panic(err)
	}
	return values
}
