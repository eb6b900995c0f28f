package engine

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// packed are the weights of a linear step in the layout of its kernel. A
// deconvolution is a 1×1 convolution for each row of its window, whose outputs
// are the row's pixels, which lie side by side.
type packed struct {
	windows []*kernels.Packed // of a deconvolution one per row; of a picked output one per channel; else one
	// winograd is the kernel again, transformed, for the maps that are large
	// enough; nil if it is always computed directly. The first workspace of a
	// plan that wants it makes it.
	winograd *kernels.PackedWinograd
	// split are the windows of a step that computes with split numbers.
	split []*kernels.PackedSplit
	// Of the epilogue; nil where they are in the weights.
	scale, shift []float32
}

// kernel is what several steps share that have the same weights.
func (p *packed) kernel() any {
	if len(p.split) > 0 {
		return p.split[0]
	}
	return p.windows[0]
}

// bytes is the memory that the packed weights take, without Winograd's.
func (p *packed) bytes() int64 {
	n := 0
	for _, w := range p.windows {
		n += w.Bytes()
	}
	for _, w := range p.split {
		n += w.Bytes()
	}
	return int64(n)
}

// pack lays the weights out for the kernels, all in one block of memory. Scale
// and shift go into kernel and bias; where several steps share the weights, the
// packed kernel is shared too and they stay with each step.
func pack(m *module) error {
	users := map[string]int{}
	for _, s := range m.steps {
		users[s.weights]++
	}
	var jobs []*packing
	shared := map[string]*packing{}
	for i := range m.steps {
		if s := &m.steps[i]; s.depthwise() {
			if err := m.packEachChannel(s); err != nil {
				return err
			}
		}
	}
	for i := range m.steps {
		s := &m.steps[i]
		if !s.linear() || shared[s.weights] != nil {
			continue
		}
		j, err := m.packing(s)
		if err != nil {
			return err
		}
		jobs = append(jobs, j)
		if users[s.weights] > 1 {
			shared[s.weights] = j
			j.scale, j.shift = nil, nil
		}
	}
	if err := m.packAll(jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		j.step.packed = &j.packed
	}
	for i := range m.steps {
		s := &m.steps[i]
		j := shared[s.weights]
		if j == nil || !s.linear() {
			continue
		}
		p := j.packed
		if s.scale != nil || s.shift != nil {
			n := m.values[s.out].channels
			p.scale, p.shift = rounded(s.scale, n, 1), rounded(s.shift, n, 0)
		}
		s.packed = &p
	}
	return nil
}

// packing is the work of packing the weights of a step: so many windows of
// kh×kw pixels with c inputs and n outputs.
type packing struct {
	step         *step
	windows      int
	kh, kw, c, n int
	scale, shift []float64
	floats       int       // that a window takes
	room         []float32 // for all windows
	packed       packed
	err          error
}

func (m *module) packing(s *step) (*packing, error) {
	c, n := m.values[s.in[0]].channels, m.values[s.out].channels
	j := &packing{step: s, windows: 1, kh: 1, kw: 1, c: c, n: n, scale: s.scale, shift: s.shift}
	switch op := s.op.(type) {
	case graph.Conv:
		j.kh, j.kw = op.Size, op.Size
	case graph.Dense:
		j.c = op.Height * op.Width * c
	case graph.Deconv:
		j.windows, j.n = op.Size, op.Size*n
		j.scale = repeated(s.scale, op.Size)
	default:
		return nil, fmt.Errorf("%s: %v has no weights", s.name, s.op)
	}
	if s.algorithm == picked {
		j.windows, j.n = n, 1
	}
	if s.algorithm == split {
		j.floats = m.kernels.SplitFloats(j.kh, j.kw, j.c, j.n)
	} else {
		j.floats = m.kernels.PackedFloats(j.kh, j.kw, j.c, j.n)
	}
	return j, nil
}

// packAll does the jobs on all threads, the long ones first so that all end at
// about the same time. A job is one worker's, who does the same whoever it is.
func (m *module) packAll(jobs []*packing) error {
	total := 0
	for _, j := range jobs {
		total += j.windows * j.floats
	}
	room := kernels.Alloc(total)
	for _, j := range jobs {
		j.room, room = room[:j.windows*j.floats], room[j.windows*j.floats:]
	}
	order := slices.Clone(jobs)
	slices.SortStableFunc(order, func(a, b *packing) int { return len(b.room) - len(a.room) })
	parallel.NewTeam(max(m.threads, 1)).Do(len(order), parallel.Func(func(_, part int) {
		j := order[part]
		j.err = m.packStep(j)
	}))
	for _, j := range jobs {
		if j.err != nil {
			return j.err
		}
	}
	return nil
}

// packStep packs the weights of a step. Of several steps that share them, the
// first has the largest map and says which tiles Winograd uses.
func (m *module) packStep(j *packing) error {
	s, name := j.step, j.step.weights+"/kernel"
	w, err := m.tensor(name, j.windows*j.kh*j.kw*j.c*j.n)
	if err != nil {
		return err
	}
	b := j.eachPixel(bias(j.shift, m.values[s.out].channels))
	switch _, deconv := s.op.(graph.Deconv); {
	case deconv:
		m.packDeconv(j, w, b)
	case s.algorithm == picked:
		m.packChannels(j, w, b)
	default:
		m.packWindow(j, w, j.scale, b)
	}
	if s.algorithm == winograd {
		rows, cols := kernels.Tiles(m.values[s.out].usual.H, m.values[s.out].usual.W, s.side)
		j.packed.winograd = j.packed.windows[0].Winograd(rows, cols)
	}
	if r, ok := m.weights.(Releaser); ok {
		r.Release(name)
	}
	return nil
}

// packWindow packs one more window of a job.
func (m *module) packWindow(j *packing, w []float32, scale []float64, bias []float32) {
	if j.step.algorithm == split {
		room := j.room[len(j.packed.split)*j.floats:]
		j.packed.split = append(j.packed.split, m.kernels.PackSplitInto(room, w, j.kh, j.kw, j.c, j.n, scale, bias))
		return
	}
	room := j.room[len(j.packed.windows)*j.floats:]
	j.packed.windows = append(j.packed.windows, m.kernels.PackInto(room, w, j.kh, j.kw, j.c, j.n, scale, bias))
}

// eachPixel repeats an output pixel's values for all pixels that a window makes.
func (j *packing) eachPixel(v []float32) []float32 {
	if op, ok := j.step.op.(graph.Deconv); ok {
		return repeated(v, op.Size)
	}
	return v
}

// repeated is v so many times, nil if v is.
func repeated[T any](v []T, times int) []T {
	if v == nil {
		return nil
	}
	return slices.Repeat(v, times)
}

// packDeconv packs a kernel of pixels with [n][c] values each.
func (m *module) packDeconv(j *packing, w, bias []float32) {
	turned := make([]float32, j.c*j.n)
	for row := range slices.Chunk(w, j.n*j.c) {
		for o := range j.n {
			for i := range j.c {
				turned[i*j.n+o] = row[o*j.c+i]
			}
		}
		m.packWindow(j, turned, j.scale, bias)
	}
}

// packChannels packs each output channel of a 1×1 kernel, [c][windows], on its
// own.
func (m *module) packChannels(j *packing, w, bias []float32) {
	column := make([]float32, j.c)
	for o := range j.windows {
		for i := range column {
			column[i] = w[i*j.windows+o]
		}
		var scale []float64
		if j.scale != nil {
			scale = j.scale[o : o+1]
		}
		var b []float32
		if bias != nil {
			b = bias[o : o+1]
		}
		m.packWindow(j, column, scale, b)
	}
}

// bias is a shift as the kernels want it.
func bias(shift []float64, n int) []float32 {
	if shift == nil {
		return nil
	}
	return rounded(shift, n, 0)
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
