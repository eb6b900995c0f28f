package backprop

import "github.com/spinemask/spinemask/graph"

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
// TensorFlow does. A row of inputs looks at all outputs that see it, in their
// order, so that rows can be computed side by side.
func (o *pool) backward(p *Program, s *step) {
	x, dy := p.kept(s.in[0]), &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	best := make([][]float32, p.team.Workers())
	places := make([][]int, p.team.Workers())
	for i := range best {
		best[i], places[i] = make([]float32, x.Channels), make([]int, x.Channels)
	}
	p.eachRow(dx, func(worker, r int) {
		item, row := r/dx.Height, r%dx.Height
		to := dx.row(r)
		if !add {
			clear(to)
		}
		// Outputs y with y·stride − top ≤ row < y·stride − top + size.
		first := max(0, (row+o.top-o.size)/o.stride)
		for y := first; y < dy.Height && y*o.stride-o.top <= row; y++ {
			y0, y1 := o.window(y, o.top, x.Height)
			if row < y0 || row >= y1 {
				continue
			}
			for i := range dy.Width {
				x0, x1 := o.window(i, o.left, x.Width)
				o.firstMaxima(x, item, y0, y1, x0, x1, best[worker], places[worker])
				from := dy.Pixel(item, y, i)
				for c, at := range places[worker] {
					if at/x.Width == row {
						to[at%x.Width*x.Channels+c] += from[c]
					}
				}
			}
		}
	})
}

// firstMaxima finds, for each channel, the place row·Width + column of the first
// largest value of a window.
func (o *pool) firstMaxima(x *Map, item, y0, y1, x0, x1 int, best []float32, places []int) {
	copy(best, x.Pixel(item, y0, x0))
	for c := range places {
		places[c] = y0*x.Width + x0
	}
	for y := y0; y < y1; y++ {
		for i := x0; i < x1; i++ {
			for c, v := range x.Pixel(item, y, i) {
				if v > best[c] {
					best[c], places[c] = v, y*x.Width+i
				}
			}
		}
	}
}
