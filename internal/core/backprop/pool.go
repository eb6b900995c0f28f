package backprop

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// pool takes the largest value of a window; pixels outside the map do not take
// part.
type pool struct {
	size, stride int
	top, left    int // padding
}

func newPool(op graph.MaxPool, x *value) *pool {
	_, top, _ := op.Padding.Window(x.h, op.Size, op.Stride)
	_, left, _ := op.Padding.Window(x.w, op.Size, op.Stride)
	return &pool{op.Size, op.Stride, top, left}
}

func (o *pool) trains() bool                { return false }
func (o *pool) reads() bool                 { return true }
func (o *pool) again(*Program, *step, *Map) { panic("backprop: pools are kept") }

// window is what output i of an axis of n inputs sees.
func (o *pool) window(i, before, n int) (first, last int) {
	return max(0, i*o.stride-before), min(n, i*o.stride-before+o.size)
}

func (o *pool) forward(p *Program, s *step) {
	x, dst := &p.values[s.in[0]].map_, &p.values[s.out].map_
	p.eachRow(dst, func(_, r int) {
		item, y := r/dst.Height, r%dst.Height
		y0, y1 := o.window(y, o.top, x.Height)
		for i := range dst.Width {
			to := dst.Pixel(item, y, i)
			x0, x1 := o.window(i, o.left, x.Width)
			copy(to, x.Pixel(item, y0, x0))
			for iy := y0; iy < y1; iy++ {
				for ix := x0; ix < x1; ix++ {
					p.set.Max(to, x.Pixel(item, iy, ix))
				}
			}
		}
		dst.clearBorder(r)
	})
}

// backward gives the gradient to the first of the largest values, row by row, as
// TensorFlow does. Windows overlap, so the items are what is split.
func (o *pool) backward(p *Program, s *step) {
	x, y, dy := p.kept(s.in[0]), &p.values[s.out].map_, &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	p.team.Do(dx.Items, parallel.Func(func(_, item int) {
		for row := range dx.Height {
			if !add {
				clear(dx.Row(item, row))
			}
		}
		for row := range dy.Height {
			y0, y1 := o.window(row, o.top, x.Height)
			for i := range dy.Width {
				x0, x1 := o.window(i, o.left, x.Width)
				to, from := dx.Data[item*dx.ItemStride+y0*dx.RowStride+x0*dx.Channels:], x.Data[item*x.ItemStride+y0*x.RowStride+x0*x.Channels:]
				p.set.PoolGrad(to, from, dx.RowStride, x.RowStride, y1-y0, x1-x0, y.Pixel(item, row, i), dy.Pixel(item, row, i))
			}
		}
	}))
}
