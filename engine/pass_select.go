package engine

import (
	"fmt"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// algorithm is the way in which a linear step is computed.
type algorithm string

const (
	// direct sums over the window, straight from the input's pixels.
	direct algorithm = "direct"
	// winograd computes tiles of outputs with fewer multiplications and a
	// larger rounding error (arXiv 1509.09308).
	winograd algorithm = "winograd"
	// split computes with two bfloat16 for every float32 where the machine
	// multiplies tiles of those, with a larger rounding error than winograd.
	split algorithm = "split"
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
	// sharedTiles is the same for weights that a step with larger maps has
	// transformed, as those of a head over several levels: a 3×3 layer of 256
	// channels on 20×20 pixels, 16 tiles, takes 1.6 ms instead of 2.6.
	sharedTiles = 16
	// tileSide is the most outputs of a tile on an axis. Five divide the maps of
	// the usual input sizes and keep the error of a layer below 2e-6.
	tileSide = 5
	// Later layers amplify the rounding errors of the early ones. The earlyLayers
	// after the input, if lateLayers or more follow, have tiles of earlySide
	// outputs, which round no worse than the direct sum: without them the errors
	// of P3…P7 in a SpineNet-49S with random weights are 1.6 times TensorFlow's,
	// with them they are TensorFlow's (TestRoundingErrorsAreTheOriginals).
	earlySide   = 3
	earlyLayers = 12
	lateLayers  = 20
)

// selectAlgorithms chooses the algorithm of every linear step at the usual size
// of input. A plan turns winograd back into direct where its maps are too small.
func selectAlgorithms(m *module) error {
	before, behind := m.layers()
	for i := range m.steps {
		s := &m.steps[i]
		if !s.linear() {
			continue
		}
		s.algorithm = direct
		if m.split {
			s.algorithm = split
		}
		op, ok := s.op.(graph.Conv)
		if ok && m.winograd && !m.split && op.Size == 3 && op.Stride == 1 &&
			min(m.values[s.in[0]].channels, op.Out) >= winogradChannels {
			s.side = tileSide
			if before[s.out] <= earlyLayers && behind[s.out] >= lateLayers {
				s.side = earlySide
			}
			if rows, _ := kernels.Tiles(m.values[s.out].usual.H, m.values[s.out].usual.W, s.side); rows != nil {
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

// layers counts, for every value, the linear steps on the longest way to it from
// an input, and from it to an output.
func (m *module) layers() (before, behind []int) {
	before, behind = make([]int, len(m.values)), make([]int, len(m.values))
	for i := range m.steps {
		s := &m.steps[i]
		for _, v := range s.in {
			before[s.out] = max(before[s.out], before[v]+s.layer())
		}
	}
	for i := len(m.steps) - 1; i >= 0; i-- {
		s := &m.steps[i]
		for _, v := range s.in {
			behind[v] = max(behind[v], behind[s.out]+s.layer())
		}
	}
	return before, behind
}

// layer is 1 for a linear step.
func (s *step) layer() int {
	if s.linear() {
		return 1
	}
	return 0
}
