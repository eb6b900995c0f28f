package engine

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/kernels"
)

// packed are the weights of a linear step in the layout of its kernel. A
// deconvolution is a 1×1 convolution for each pixel of its window.
type packed struct {
	windows []*kernels.Packed // of a deconvolution one per pixel, in row order; of a picked output one per channel; else one
	// winograd is the kernel again, transformed, for the maps that are large
	// enough; nil if it is always computed directly.
	winograd *kernels.PackedWinograd
	// Of the epilogue; nil where they are in the weights.
	scale, shift []float32
}

func (p *packed) bytes() int64 {
	n := int64(0)
	for _, w := range p.windows {
		n += int64(w.Bytes())
	}
	if p.winograd != nil {
		n += int64(p.winograd.Bytes())
	}
	return n
}

// pack lays the weights out for the kernels. Scale and shift go into kernel and
// bias; where several steps share the weights, the packed kernel is shared too
// and they stay with each step.
func pack(m *module) error {
	users := map[string]int{}
	for _, s := range m.steps {
		users[s.weights]++
	}
	shared := map[string]*packed{}
	for i := range m.steps {
		s := &m.steps[i]
		if !s.linear() {
			continue
		}
		if users[s.weights] == 1 {
			p, err := m.packStep(s, s.scale, s.shift)
			if err != nil {
				return err
			}
			s.packed = p
			continue
		}
		if shared[s.weights] == nil {
			p, err := m.packStep(s, nil, nil)
			if err != nil {
				return err
			}
			shared[s.weights] = p
		}
		p := *shared[s.weights]
		if s.scale != nil || s.shift != nil {
			n := m.values[s.out].channels
			p.scale, p.shift = rounded(s.scale, n, 1), rounded(s.shift, n, 0)
		}
		s.packed = &p
	}
	return nil
}

// packStep packs the weights of a step. Of several steps that share them, the
// first has the largest map and says which tiles Winograd uses.
func (m *module) packStep(s *step, scale, shift []float64) (*packed, error) {
	windows, err := m.packWindows(s, scale, shift)
	if err != nil || s.algorithm != winograd {
		return &packed{windows: windows}, err
	}
	c, n := m.values[s.in[0]].channels, m.values[s.out].channels
	w, err := m.tensor(s.weights+"/kernel", 9*c*n)
	if err != nil {
		return nil, err
	}
	rows, cols := tiles(m.values[s.out].usual.H, m.values[s.out].usual.W)
	return &packed{windows: windows, winograd: m.kernels.PackWinograd(scaled(w, scale), c, n, bias(shift, n), rows, cols)}, nil
}

// packWindows packs a kernel of [k][n] values, scaled per n.
func (m *module) packWindows(s *step, scale, shift []float64) ([]*kernels.Packed, error) {
	n, c := m.values[s.out].channels, m.values[s.in[0]].channels
	switch op := s.op.(type) {
	case graph.Conv:
		w, err := m.tensor(s.weights+"/kernel", op.Size*op.Size*c*n)
		if err != nil {
			return nil, err
		}
		w = scaled(w, scale)
		if s.algorithm == picked {
			return m.packChannels(w, c, n, bias(shift, n)), nil
		}
		return []*kernels.Packed{m.kernels.Pack(w, op.Size, op.Size, c, n, bias(shift, n))}, nil
	case graph.Dense:
		k := op.Height * op.Width * c
		w, err := m.tensor(s.weights+"/kernel", k*n)
		if err != nil {
			return nil, err
		}
		return []*kernels.Packed{m.kernels.Pack(scaled(w, scale), 1, 1, k, n, bias(shift, n))}, nil
	case graph.Deconv:
		w, err := m.tensor(s.weights+"/kernel", op.Size*op.Size*n*c)
		if err != nil {
			return nil, err
		}
		var windows []*kernels.Packed
		turned := make([]float32, c*n)
		for part := range slices.Chunk(w, n*c) { // [n][c] of one pixel of the window
			for i := range n {
				for j := range c {
					turned[j*n+i] = part[i*c+j]
				}
			}
			windows = append(windows, m.kernels.Pack(scaled(turned, scale), 1, 1, c, n, bias(shift, n)))
		}
		return windows, nil
	}
	return nil, fmt.Errorf("%s: %v has no weights", s.name, s.op)
}

// packChannels packs each output channel of a 1×1 kernel, [c][n], on its own.
func (m *module) packChannels(w []float32, c, n int, bias []float32) []*kernels.Packed {
	channels := make([]*kernels.Packed, n)
	column := make([]float32, c)
	for j := range channels {
		for i := range column {
			column[i] = w[i*n+j]
		}
		var b []float32
		if bias != nil {
			b = bias[j : j+1]
		}
		channels[j] = m.kernels.Pack(column, 1, 1, c, 1, b)
	}
	return channels
}

// bias is a shift as the kernels want it.
func bias(shift []float64, n int) []float32 {
	if shift == nil {
		return nil
	}
	return rounded(shift, n, 0)
}

// scaled multiplies w, [k][n], by a scale per n.
func scaled(w []float32, scale []float64) []float32 {
	if scale == nil {
		return w
	}
	out := make([]float32, len(w))
	for i := 0; i < len(w); i += len(scale) {
		for j, f := range scale {
			out[i+j] = float32(float64(w[i+j]) * f)
		}
	}
	return out
}

// rounded converts per-channel values; nil stands for n times the default.
func rounded(v []float64, n int, otherwise float32) []float32 {
	out := make([]float32, n)
	for i := range out {
		if v == nil {
			out[i] = otherwise
		} else {
			out[i] = float32(v[i])
		}
	}
	return out
}
