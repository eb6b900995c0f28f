package engine

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/kernels"
	"github.com/spinemask/spinemask/internal/parallel"
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
	var jobs []packing
	shared := map[string]int{} // weights → job
	for i := range m.steps {
		s := &m.steps[i]
		switch _, known := shared[s.weights]; {
		case !s.linear() || known:
		case users[s.weights] == 1:
			jobs = append(jobs, packing{step: s, scale: s.scale, shift: s.shift})
		default:
			shared[s.weights] = len(jobs)
			jobs = append(jobs, packing{step: s})
		}
	}
	// A step's weights are packed by one worker, in the same way whoever it is.
	team := parallel.NewTeam(max(m.threads, 1))
	scratch := make([][]float32, team.Workers())
	team.Do(len(jobs), parallel.Func(func(worker, part int) {
		j := &jobs[part]
		j.packed, j.err = m.packStep(j.step, j.scale, j.shift, &scratch[worker])
	}))
	for _, j := range jobs {
		if j.err != nil {
			return j.err
		}
		j.step.packed = j.packed
	}
	for i := range m.steps {
		s := &m.steps[i]
		job, ok := shared[s.weights]
		if !ok || !s.linear() {
			continue
		}
		p := *jobs[job].packed
		if s.scale != nil || s.shift != nil {
			n := m.values[s.out].channels
			p.scale, p.shift = rounded(s.scale, n, 1), rounded(s.shift, n, 0)
		}
		s.packed = &p
	}
	return nil
}

// packing is the work of packing the weights of a step.
type packing struct {
	step         *step
	scale, shift []float64
	packed       *packed
	err          error
}

// packStep packs the weights of a step. Of several steps that share them, the
// first has the largest map and says which tiles Winograd uses. scratch is room
// for scaled weights, which grows as needed.
func (m *module) packStep(s *step, scale, shift []float64, scratch *[]float32) (*packed, error) {
	n, c := m.values[s.out].channels, m.values[s.in[0]].channels
	kh, kw, k := 1, 1, c
	switch op := s.op.(type) {
	case graph.Conv:
		kh, kw = op.Size, op.Size
	case graph.Dense:
		k = op.Height * op.Width * c
	case graph.Deconv:
		return m.packDeconv(s, op.Size, scale, shift)
	default:
		return nil, fmt.Errorf("%s: %v has no weights", s.name, s.op)
	}
	w, err := m.tensor(s.weights+"/kernel", kh*kw*k*n) // [kh][kw][k][n]
	if err != nil {
		return nil, err
	}
	w = scaled(w, scale, scratch)
	b := bias(shift, n)
	if s.algorithm == picked {
		return &packed{windows: m.packChannels(w, c, n, b)}, nil
	}
	p := &packed{windows: []*kernels.Packed{m.kernels.Pack(w, kh, kw, k, n, b)}}
	if s.algorithm == winograd {
		rows, cols := tiles(m.values[s.out].usual.H, m.values[s.out].usual.W)
		p.winograd = m.kernels.PackWinograd(w, c, n, b, rows, cols)
	}
	return p, nil
}

// packDeconv packs a kernel of size×size pixels with [n][c] values each.
func (m *module) packDeconv(s *step, size int, scale, shift []float64) (*packed, error) {
	n, c := m.values[s.out].channels, m.values[s.in[0]].channels
	w, err := m.tensor(s.weights+"/kernel", size*size*n*c)
	if err != nil {
		return nil, err
	}
	p := &packed{}
	turned, scratch := make([]float32, c*n), make([]float32, c*n)
	for part := range slices.Chunk(w, n*c) {
		for i := range n {
			for j := range c {
				turned[j*n+i] = part[i*c+j]
			}
		}
		p.windows = append(p.windows, m.kernels.Pack(scaled(turned, scale, &scratch), 1, 1, c, n, bias(shift, n)))
	}
	return p, nil
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

// scaled multiplies w, [k][n], by a scale per n. The result is in scratch, which
// grows as needed; without a scale it is w.
func scaled(w []float32, scale []float64, scratch *[]float32) []float32 {
	if scale == nil {
		return w
	}
	*scratch = slices.Grow((*scratch)[:0], len(w))
	out := (*scratch)[:len(w)]
	for i := 0; i < len(w); i += len(scale) {
		from, to := w[i:i+len(scale)], out[i:i+len(scale)]
		for j, f := range scale {
			to[j] = float32(float64(from[j]) * f)
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
