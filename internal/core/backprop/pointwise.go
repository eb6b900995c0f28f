package backprop

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
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
	p.team.Do((rows+per-1)/per, parallel.Func(func(worker, part int) {
		for r := part * per; r < min((part+1)*per, rows); r++ {
			do(worker, r)
		}
	}))
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
type add struct{ relu bool }

func (*add) trains() bool                { return false }
func (*add) reads() bool                 { return false }
func (*add) again(*Program, *step, *Map) { panic("backprop: sums are kept") }

func (o *add) forward(p *Program, s *step) {
	dst := &p.values[s.out].map_
	p.eachRow(dst, func(_, r int) {
		y, sum := dst.row(r), p.values[s.in[0]].map_.row(r)
		for i, v := range s.in[1:] {
			act := kernels.None
			if o.relu && i == len(s.in)-2 {
				act = kernels.Relu
			}
			p.set.Add(y, sum, p.values[v].map_.row(r), act)
			sum = y
		}
		dst.clearBorder(r)
	})
}

func (o *add) backward(p *Program, s *step) {
	y, dy := &p.values[s.out].map_, &p.values[s.out].gradMap
	for _, v := range s.in {
		dx, add := p.gradOf(v)
		if dx == nil {
			continue
		}
		p.eachRow(dy, func(_, r int) {
			switch {
			case o.relu:
				p.set.SlopeTimes(dx.row(r), dy.row(r), y.row(r), kernels.Relu, add)
			case add:
				p.set.Add(dx.row(r), dx.row(r), dy.row(r), kernels.None)
			default:
				copy(dx.row(r), dy.row(r))
			}
		})
	}
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
