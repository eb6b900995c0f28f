package reference

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/graph"
)

// InMemory are weights by name.
type InMemory map[string][]float32

// Float32 is the array with the name.
func (w InMemory) Float32(name string) ([]float32, error) {
	t, ok := w[name]
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t, nil
}

// Random makes weights that keep values of order one.
func Random(tensors []graph.Tensor, seed uint64) InMemory {
	r := rand.New(rand.NewPCG(seed, 1))
	w := InMemory{}
	for _, t := range tensors {
		n, last := 1, t.Shape[len(t.Shape)-1]
		for _, d := range t.Shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64()) * float32(math.Sqrt(2*float64(last)/float64(n)))
			if len(t.Shape) == 1 {
				v[i] = 0.5 + r.Float32()
			}
		}
		w[t.Name] = v
	}
	return w
}
