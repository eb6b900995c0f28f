package engine

import (
	"fmt"

	"github.com/spinemask/spinemask/graph"
)

// algorithm is the way in which a linear step is computed.
type algorithm string

const (
	// direct sums over the window, straight from the input's pixels.
	direct algorithm = "direct"
	// winograd computes tiles of outputs with fewer multiplications and a
	// larger rounding error (arXiv 1509.09308).
	winograd algorithm = "winograd"
	// picked computes directly, and only one channel of each row.
	picked algorithm = "picked"
)

const (
	// winogradChannels is the least number of input and of output channels for
	// which the transforms cost less than they save.
	winogradChannels = 16
	// winogradTiles is the least number of tiles in a run: with fewer, reading
	// the transformed weights, five times as many, takes longer than computing
	// directly.
	winogradTiles = 32
)

// selectAlgorithms chooses the algorithm of every linear step at the usual size
// of input. A plan turns winograd back into direct where its maps are too small.
func selectAlgorithms(m *module) error {
	for i := range m.steps {
		s := &m.steps[i]
		if !s.linear() {
			continue
		}
		s.algorithm = direct
		op, ok := s.op.(graph.Conv)
		if ok && m.winograd && op.Size == 3 && op.Stride == 1 &&
			min(m.values[s.in[0]].channels, op.Out) >= winogradChannels {
			if rows, _ := tiles(m.values[s.out].usual.H, m.values[s.out].usual.W); rows != nil {
				s.algorithm = winograd
			}
		}
		if m.pick != "" && m.isOutput(s.out, m.pick) {
			if !ok || op.Size != 1 || op.Stride != 1 || s.residual || m.uses(s.out) != 1 {
				return fmt.Errorf("%s: only the output of a 1×1 convolution can be picked", s.name)
			}
			s.algorithm = picked
		}
	}
	return nil
}

// tiles returns the heights and widths of Winograd's tiles for maps of h×w
// outputs. Five outputs a tile divide the maps of the usual input sizes and keep
// the error of a layer below 3e-6; the features of a RoI are 7×7, which (4+3)×7
// covers at 4e-6. Nil where the map is smaller than every tile.
func tiles(h, w int) (rows, cols []int) {
	if h == 7 && w == 7 {
		return []int{4, 3}, []int{7}
	}
	side := func(n int) []int {
		if n < 3 {
			return nil
		}
		return []int{min(n, 5)}
	}
	rows, cols = side(h), side(w)
	if rows == nil || cols == nil {
		return nil, nil
	}
	return rows, cols
}
