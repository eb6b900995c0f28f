package engine

import "github.com/spinemask/spinemask/graph"

// algorithm is the way in which a linear step is computed.
type algorithm string

const (
	direct algorithm = "direct" // sums over the window, straight from the input's pixels
)

// selectAlgorithms chooses the algorithm of every linear step. Steps with the
// same weights get the same one, so that weights are packed once.
func selectAlgorithms(m *module) error {
	for i := range m.steps {
		s := &m.steps[i]
		switch s.op.(type) {
		case graph.Conv, graph.Deconv, graph.Dense:
			s.algorithm = direct
		}
	}
	return nil
}
