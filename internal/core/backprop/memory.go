package backprop

import (
	"slices"
	"time"

	"github.com/spinemask/spinemask/internal/core/kernels"
)

// A slot is a place in the arena from one moment to another. Moments are counted
// through both ways: step i runs at i, the losses at the number of steps F, and
// the way back of step i at 2F − i.
type slot struct {
	size        int // floats; 0: not used
	first, last int // moments, both included
	offset      int
}

func (s *slot) use(moment int) {
	if s.size == 0 {
		return
	}
	s.first, s.last = min(s.first, moment), max(s.last, moment)
}

const never = 1 << 30

// start makes room for a map.
func (s *slot) start(sh shape, b border) {
	if s.size == 0 {
		const line = 16 // floats
		*s = slot{size: (sh.floats(b) + line - 1) / line * line, first: never, last: -1}
	}
}

// lifetimes walks both ways as Forward and Backward do, and notes who uses what.
func (p *Program) lifetimes() {
	f := len(p.steps)
	for _, v := range p.inputs {
		p.values[v].first.start(p.values[v].shape, p.values[v].border)
		p.values[v].first.use(-1)
		p.values[v].first.use(f) // the caller may look
	}
	for i, s := range p.steps {
		if out := p.values[s.out]; s.sum() == nil {
			out.first.start(out.shape, out.border)
			out.first.use(i)
		}
		for _, v := range s.in {
			p.values[v].first.use(i)
		}
		if o, ok := s.op.(*add); ok {
			for _, t := range o.terms {
				p.values[t.reads()].first.use(i)
			}
		}
	}
	for _, v := range p.outputs {
		p.values[v].first.use(f)
	}
	for _, name := range p.options.InputGrads {
		p.useGrad(p.values[p.inputs[name]], 2*f+1)
	}
	for _, v := range p.outputs {
		if out := p.values[v]; out.wantsGrad {
			p.useGrad(out, f)
		}
	}
	for i, s := range slices.Backward(p.steps) {
		moment := 2*f - i
		out := p.values[s.out]
		if !out.wantsGrad {
			continue
		}
		p.useGrad(out, moment)
		switch o := s.op.(type) {
		case *pool, *add: // look at their output
			out.first.use(moment)
		case *conv:
			if o.norm != nil { // looks for it
				out.first.use(moment)
			}
		}
		for _, v := range s.in {
			if in := p.values[v]; in.wantsGrad {
				p.useGrad(in, moment)
			}
			if s.op.reads() {
				p.need(v, moment)
			}
		}
	}
}

// useGrad notes that a gradient is used at a moment, in whose place it may be.
func (p *Program) useGrad(v *value, moment int) {
	v = v.gradPlace()
	v.gradRoom.start(v.shape, v.gradFrame)
	v.gradRoom.use(moment)
}

// sum is the sum that computes a norm, nil if none does.
func (s *step) sum() *value {
	if n, ok := s.op.(*norm); ok {
		return n.into
	}
	return nil
}

// need keeps a value, or lets it be computed again, for a moment on the way back.
func (p *Program) need(v, moment int) {
	x := p.values[v]
	if !x.cheap {
		x.first.use(moment)
		return
	}
	x.second.start(x.shape, x.border)
	if moment >= x.second.first && moment <= x.second.last {
		return
	}
	x.second.use(moment)
	for _, in := range p.steps[x.step].in {
		p.need(in, moment)
	}
}

// ensure computes a cheap value again, if it is not there.
func (p *Program) ensure(v int) {
	x := p.values[v]
	if !x.cheap || x.present {
		return
	}
	s := p.steps[x.step]
	for _, in := range s.in {
		p.ensure(in)
	}
	start := time.Now()
	s.op.again(p, s, &x.again)
	*p.spent(s.op, true) += time.Since(start)
	x.present = true
}

// kept is the map of a value on the way back.
func (p *Program) kept(v int) *Map {
	if x := p.values[v]; x.cheap {
		return &x.again
	}
	return &p.values[v].map_
}

// gradOf is the map of the gradient of a value, and whether it holds a sum that
// is to be added to. It is nil if nobody wants the gradient.
func (p *Program) gradOf(v int) (m *Map, add bool) {
	x := p.values[v]
	if !x.wantsGrad {
		return nil, false
	}
	add, x.hasGrad = x.hasGrad, true
	return &x.gradMap, add
}

// place gives every slot an offset such that no two that are in use at the same
// moment overlap: larger ones choose first, each the lowest place that is free
// during its life.
func (p *Program) place() error {
	p.lifetimes()
	var slots []*slot
	for _, v := range p.values {
		for _, s := range []*slot{&v.first, &v.second, &v.gradRoom} {
			if s.size > 0 {
				slots = append(slots, s)
			}
		}
	}
	slices.SortStableFunc(slots, func(a, b *slot) int { return b.size - a.size })
	size := 0
	var placed []*slot // by offset
	for _, s := range slots {
		s.offset = 0
		for _, o := range placed {
			if s.first <= o.last && o.first <= s.last && s.offset < o.offset+o.size && o.offset < s.offset+s.size {
				s.offset = o.offset + o.size
			}
		}
		size = max(size, s.offset+s.size)
		at, _ := slices.BinarySearchFunc(placed, s, func(o, s *slot) int { return o.offset - s.offset })
		placed = slices.Insert(placed, at, s)
	}
	if limit := p.options.MemoryLimit; limit > 0 && 4*int64(size) > limit {
		return &MemoryError{Need: 4 * int64(size), Limit: limit}
	}
	p.arena = kernels.Alloc(size)
	view := func(s *slot, sh shape, b border) Map {
		if s.size == 0 {
			return Map{}
		}
		return sh.in(p.arena[s.offset:], b)
	}
	for _, v := range p.values {
		v.map_ = view(&v.first, v.shape, v.border)
		v.again = view(&v.second, v.shape, v.border)
		v.gradMap = view(&v.gradRoom, v.shape, v.gradFrame)
	}
	for _, v := range p.values {
		v.gradMap = v.gradPlace().gradMap
	}
	for range p.team.Workers() {
		p.scratch = append(p.scratch, nil)
	}
	return nil
}

// Bytes is the memory of the values of a batch.
func (p *Program) Bytes() int64 {
	masks := 0
	for _, b := range p.DropBlocks() {
		masks += p.values[0].n * b.Height * b.Width * b.Depth / 8
	}
	return 4*int64(len(p.arena)) + int64(masks)
}
