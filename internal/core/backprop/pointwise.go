package backprop

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

func activation(f graph.Activation) kernels.Activation {
	switch f {
	case graph.Relu:
		return kernels.Relu
	case graph.Swish:
		return kernels.Swish
	case graph.HardSwish:
		return kernels.HardSwish
	case graph.Sigmoid:
		return kernels.Sigmoid
	case graph.HardSigmoid:
		return kernels.HardSigmoid
	}
	panic("backprop: unknown activation " + string(f))
}

// eachRow runs do for every row of a map's items, several at a time.
func (p *Program) eachRow(m *Map, do func(worker, r int)) {
	rows := m.rows()
	per := max(1, 16<<10/(m.Width*m.Channels)) // enough to be worth a fork
	p.rows = rowTask{rows, per, do}
	p.team.Do((rows+per-1)/per, &p.rows)
}

// rowTask is eachRow's, in memory that stays.
type rowTask struct {
	rows, per int
	do        func(worker, r int)
}

func (t *rowTask) Part(worker, part int) {
	for r := part * t.per; r < min((part+1)*t.per, t.rows); r++ {
		t.do(worker, r)
	}
}

// clearBorders writes the zeros around all items of a map.
func (p *Program) clearBorders(m *Map) {
	if m.border != (border{}) {
		p.eachRow(m, func(_, r int) { m.clearBorder(r) })
	}
}

// activate applies a function to every element.
type activate struct{ act kernels.Activation }

func (o *activate) trains() bool { return false }
func (o *activate) reads() bool  { return true }

func (o *activate) forward(p *Program, s *step) {
	o.run(p, &p.values[s.in[0]].map_, &p.values[s.out].map_)
}
func (o *activate) again(p *Program, s *step, dst *Map) {
	o.run(p, p.kept(s.in[0]), dst)
}

func (o *activate) run(p *Program, x, dst *Map) {
	p.eachRow(dst, func(_, r int) {
		y := dst.row(r)
		copy(y, x.row(r))
		p.set.Activate(y, o.act)
		dst.clearBorder(r)
	})
}

func (o *activate) backward(p *Program, s *step) {
	x := p.kept(s.in[0])
	dy := &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	p.eachRow(dy, func(_, r int) {
		p.set.SlopeTimes(dx.row(r), dy.row(r), x.row(r), o.act, add)
	})
}

// add sums its inputs. The relu that alone reads the sum is part of it: its slope
// follows from its output, so that the sum need not be kept.
type add struct {
	relu bool
	// terms are the inputs in the order that they are added. The first two may have changed
	// over, so that a norm among them is added to the other in one pass.
	terms []*term
}

type term struct {
	in   int   // value
	norm *norm // nil, or the norm that the sum computes (norm.into)
	x    int   // its input

	dx  *Map // on the way back: nil if nobody wants it
	add bool // to what it holds
}

// newAdd takes the norms that only the sum reads into it.
func newAdd(p *Program, s *step, out *value, readers []int) *add {
	o := &add{}
	for _, v := range s.in {
		t := &term{in: v}
		if step := p.values[v].step; step >= 0 && readers[v] == 1 && len(s.in) > 1 {
			if n, ok := p.steps[step].op.(*norm); ok && n.act == kernels.None {
				t.norm, t.x = n, p.steps[step].in[0]
			}
		}
		o.terms = append(o.terms, t)
	}
	if len(o.terms) > 1 && o.terms[0].norm != nil && o.terms[1].norm == nil {
		o.terms[0], o.terms[1] = o.terms[1], o.terms[0]
	}
	o.into(p, out)
	return o
}

// into tells the norms where their sum is.
func (o *add) into(p *Program, sum *value) {
	for _, t := range o.terms {
		if t.norm != nil {
			t.norm.into = sum
			p.values[t.in].gradOn = sum
		}
	}
}

func (*add) trains() bool                { return false }
func (*add) reads() bool                 { return false }
func (*add) again(*Program, *step, *Map) { panic("backprop: sums are kept") }

// reads is the value that the term is computed from.
func (t *term) reads() int {
	if t.norm != nil {
		return t.x
	}
	return t.in
}

func (o *add) forward(p *Program, s *step) {
	dst := &p.values[s.out].map_
	p.eachRow(dst, func(worker, r int) {
		y := dst.row(r)
		var sum []float32
		for i, t := range o.terms {
			x, act := p.values[t.reads()].map_.row(r), kernels.None
			if o.relu && i == len(o.terms)-1 {
				act = kernels.Relu
			}
			if t.norm != nil && (i == 0 || t.norm.keep != nil) {
				normed := y
				if i > 0 {
					normed = p.floats(worker, len(y))
				}
				p.set.Affine(normed, x, t.norm.scale, t.norm.shift, kernels.None, false)
				if t.norm.keep != nil {
					p.set.Scale(normed, t.norm.keep[r/dst.Height])
				}
				x = normed
			}
			switch {
			case i == 0:
				sum = x
				continue
			case t.norm != nil && t.norm.keep == nil:
				p.set.AffineAdd(y, sum, x, t.norm.scale, t.norm.shift, act, dst.pastCache())
			default:
				p.set.Add(y, sum, x, act)
			}
			sum = y
		}
		dst.clearBorder(r)
	})
}

func (o *add) backward(p *Program, s *step) {
	y, dy := &p.values[s.out].map_, &p.values[s.out].gradMap
	for _, t := range o.terms {
		if t.norm != nil { // reads dy itself
			p.values[t.in].hasGrad, t.dx = true, nil
			continue
		}
		t.dx, t.add = p.gradOf(t.in)
	}
	p.eachRow(dy, func(_, r int) {
		g := dy.row(r)
		if o.relu {
			p.set.SlopeTimes(g, g, y.row(r), kernels.Relu, false)
		}
		for _, t := range o.terms {
			switch {
			case t.dx == nil:
			case t.add:
				dx := t.dx.row(r)
				p.set.Add(dx, dx, g, kernels.None)
			default:
				copy(t.dx.row(r), g)
			}
		}
	})
}

// upsample repeats every pixel factor×factor times.
type upsample struct{ factor int }

func (o upsample) trains() bool { return false }
func (o upsample) reads() bool  { return false }

func (o upsample) forward(p *Program, s *step) {
	o.run(p, &p.values[s.in[0]].map_, &p.values[s.out].map_)
}
func (o upsample) again(p *Program, s *step, dst *Map) {
	o.run(p, p.kept(s.in[0]), dst)
}

func (o upsample) run(p *Program, x, dst *Map) {
	p.eachRow(dst, func(_, r int) {
		item, y := r/dst.Height, r%dst.Height
		to, from, c := dst.row(r), x.Row(item, y/o.factor), dst.Channels
		for i := range dst.Width {
			copy(to[i*c:(i+1)*c], from[i/o.factor*c:][:c])
		}
		dst.clearBorder(r)
	})
}

// backward sums the pixels that were one.
func (o upsample) backward(p *Program, s *step) {
	dy := &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	p.eachRow(dx, func(_, r int) {
		item, y := r/dx.Height, r%dx.Height
		to, c := dx.row(r), dx.Channels
		if !add {
			clear(to)
		}
		for i := range o.factor {
			from := dy.Row(item, y*o.factor+i)
			for x := range dy.Width {
				d := to[x/o.factor*c:][:c]
				p.set.Add(d, d, from[x*c:][:c], kernels.None)
			}
		}
	})
}
