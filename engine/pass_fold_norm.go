package engine

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/graph"
)

// foldNorm turns every norm into a scale and a shift per channel of the linear or
// depthwise step in front of it, and puts biases there too:
//
//	%1 a = conv 1x1 same 8 +bias (%0)
//	%2 a/norm = norm 0.001 (%1)
//
// becomes
//
//	%2 a = conv 1x1 same 8 +bias (%0) +scale +shift
//
// The arithmetic is float64. pack multiplies the scale into the kernel, unless
// several steps with different norms share it.
//
// A norm of a value that others read as it is, as at the end of the Garden's
// pyramid, becomes a step of its own, with a window of one pixel for each channel.
func foldNorm(m *module) error {
	for i := range m.steps {
		if err := m.loadBias(&m.steps[i]); err != nil {
			return err
		}
	}
	for i := 0; i < len(m.steps); i++ {
		n := &m.steps[i]
		op, ok := n.op.(graph.Norm)
		if !ok {
			continue
		}
		p := m.onlyMaker(n.in[0])
		scale, shift, err := m.normalisation(n.weights, op.Epsilon)
		if err != nil {
			return err
		}
		if p < 0 || !m.steps[p].linear() && !m.steps[p].depthwise() || m.steps[p].act != "" {
			n.op, n.weights = graph.Depthwise{Size: 1, Stride: 1, Padding: graph.Valid}, ""
			n.scale, n.shift = scale, shift
			continue
		}
		conv := &m.steps[p]
		for c := range scale {
			if conv.shift != nil {
				shift[c] += float64(conv.shift[c] * scale[c])
			}
			if conv.scale != nil {
				scale[c] *= conv.scale[c]
			}
		}
		conv.scale, conv.shift, conv.out = scale, shift, n.out
		m.remove(i)
		i--
	}
	return nil
}

// loadBias puts the bias of a linear step into its shift.
func (m *module) loadBias(s *step) error {
	var bias bool
	switch op := s.op.(type) {
	case graph.Conv:
		bias = op.Bias
	case graph.Deconv:
		bias = op.Bias
	case graph.Dense:
		bias = op.Bias
	}
	if !bias {
		return nil
	}
	b, err := m.tensor(s.weights+"/bias", m.values[s.out].channels)
	if err != nil {
		return err
	}
	s.shift = make([]float64, len(b))
	for c, v := range b {
		s.shift[c] = float64(v)
	}
	return nil
}

// normalisation returns a norm as x·scale + shift.
func (m *module) normalisation(place string, epsilon float64) (scale, shift []float64, err error) {
	var parts [4][]float32
	for i, leaf := range []string{"gamma", "beta", "mean", "variance"} {
		if parts[i], err = m.weights.Float32(place + "/" + leaf); err != nil {
			return nil, nil, err
		}
		if len(parts[i]) != len(parts[0]) {
			return nil, nil, fmt.Errorf("%s/%s: %d values, want %d", place, leaf, len(parts[i]), len(parts[0]))
		}
	}
	gamma, beta, mean, variance := parts[0], parts[1], parts[2], parts[3]
	scale, shift = make([]float64, len(gamma)), make([]float64, len(gamma))
	for c := range scale {
		scale[c] = float64(gamma[c]) / math.Sqrt(float64(variance[c])+epsilon)
		shift[c] = float64(beta[c]) - float64(float64(mean[c])*scale[c])
	}
	return scale, shift, nil
}

// tensor returns a stored array of n values.
func (m *module) tensor(name string, n int) ([]float32, error) {
	t, err := m.weights.Float32(name)
	if err == nil && len(t) != n {
		err = fmt.Errorf("%s: %d values, want %d", name, len(t), n)
	}
	return t, err
}
