package backprop

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// conv is a convolution. On the way back, the gradient of its input is again a
// convolution, with the kernel turned (for a stride s: s² of them, each for the
// inputs of one row and column modulo s), and that of its kernel is a product of
// inputs and output gradients (weightGrad).
type conv struct {
	kernel, bias *Param
	size, stride int
	top, left    int
	reach        border // around the input
	forth        filter
	back         []*phase
	grad         gradPlan
	norm         *norm // not nil: see joinConv
}

// A phase is the inputs in rows and columns that are alike modulo the stride.
type phase struct {
	row, column axisPhase
	filter      filter
}

// axisPhase is a phase on one axis: the inputs stride·j + first see the outputs
// j + from … j + from + taps − 1, the last of them through tap, the one before
// through tap + stride, and so on.
type axisPhase struct{ first, from, taps, tap, count int }

func axisPhases(size, stride, before, n int) []axisPhase {
	var list []axisPhase
	for first := range min(stride, n) {
		tap := (first + before) % stride
		a := axisPhase{first: first, tap: tap, count: (n - first + stride - 1) / stride}
		if size > tap {
			a.taps = (size - tap + stride - 1) / stride
		}
		a.from = (first+before-tap)/stride - (a.taps - 1)
		list = append(list, a)
	}
	return list
}

func newConv(p *Program, place string, op graph.Conv, x, y *value) *conv {
	o := &conv{kernel: p.params.Get(place + "/kernel"), size: op.Size, stride: op.Stride}
	if op.Bias {
		o.bias = p.params.Get(place + "/bias")
	}
	_, o.reach.top, o.reach.bottom = op.Padding.Window(x.h, op.Size, op.Stride)
	_, o.reach.left, o.reach.right = op.Padding.Window(x.w, op.Size, op.Stride)
	o.top, o.left = o.reach.top, o.reach.left
	o.forth = filter{kh: op.Size, kw: op.Size, c: x.c, n: y.c}
	for _, r := range axisPhases(op.Size, op.Stride, o.top, x.h) {
		for _, c := range axisPhases(op.Size, op.Stride, o.left, x.w) {
			o.back = append(o.back, &phase{r, c, filter{kh: r.taps, kw: c.taps, c: y.c, n: x.c}})
		}
	}
	return o
}

// backReach is the border that the phases read around the gradient of the output.
func (o *conv) backReach(x, y *value) (b border) {
	for _, ph := range o.back {
		r, c := ph.row, ph.column
		b = b.grow(border{-r.from, -c.from, r.count - 1 + r.from + r.taps - 1 - (y.h - 1), c.count - 1 + c.from + c.taps - 1 - (y.w - 1)})
	}
	return b
}

func (o *conv) trains() bool                { return o.kernel.trained() || o.bias.trained() }
func (o *conv) reads() bool                 { return o.kernel.trained() }
func (o *conv) again(*Program, *step, *Map) { panic("backprop: convolutions are kept") }

func biasOf(b *Param) []float32 {
	if b == nil {
		return nil
	}
	return b.Value
}

func (o *conv) forward(p *Program, s *step) {
	x, y := &p.values[s.in[0]].map_, &p.values[s.out].map_
	o.forth.pack(p, o.kernel.Value, biasOf(o.bias))
	o.forth.run(p, place{in: x, y: -o.top, x: -o.left, stride: o.stride, out: y, step: 1, height: y.Height, width: y.Width})
	p.clearBorders(y)
}

func (o *conv) backward(p *Program, s *step) {
	dy := &p.values[s.out].gradMap
	if o.norm != nil {
		o.backwardJoined(p, s)
		return
	}
	if o.bias.trained() {
		p.addBiasGrad(o.bias, dy)
	}
	if o.kernel.trained() {
		p.weightGrad(&o.grad, o.kernel.Grad, p.kept(s.in[0]), o.size, o.stride, o.top, o.left, dy)
	}
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	for _, ph := range o.back {
		o.phase(p, ph, dy, dx, add)
	}
}

// phase computes the gradients of the inputs of a phase.
func (o *conv) phase(p *Program, ph *phase, dy, dx *Map, add bool) {
	r, c := ph.row, ph.column
	if r.taps*c.taps == 0 { // inputs that no window sees
		if add {
			return
		}
		for item := range dx.Items {
			for j := range r.count {
				for i := range c.count {
					clear(dx.Pixel(item, j*o.stride+r.first, i*o.stride+c.first))
				}
			}
		}
		return
	}
	f := &ph.filter
	f.pack(p, p.turned(o.kernel.Value, o, ph), nil)
	f.run(p, place{
		in: dy, y: r.from, x: c.from, stride: 1,
		out: dx, outY: r.first, outX: c.first, step: o.stride,
		height: r.count, width: c.count, add: add,
	})
}

// turned gives the taps of a phase in the order of the outputs that they come
// from, [taps][taps][n][c] of a kernel [size][size][c][n].
func (p *Program) turned(kernel []float32, o *conv, ph *phase) []float32 {
	f := &ph.filter
	n, c := f.c, f.n // of the convolution: outputs, inputs
	w := p.shared(f.kh * f.kw * n * c)
	p.team.Do(f.kh*f.kw, parallel.Func(func(_, part int) {
		u, v := part/f.kw, part%f.kw
		ky, kx := ph.row.tap+o.stride*(f.kh-1-u), ph.column.tap+o.stride*(f.kw-1-v)
		transpose(w[part*n*c:], kernel[(ky*o.size+kx)*c*n:], c, n)
	}))
	return w
}

// transpose sets dst[j][i] = src[i][j] for rows×columns values.
func transpose(dst, src []float32, rows, columns int) {
	transposePart(dst, src, rows, columns, 0, columns)
}

// transposePart does it for the columns first … last−1.
func transposePart(dst, src []float32, rows, columns, first, last int) {
	const block = 16 // rows and columns at a time: their lines stay in the cache
	for j0 := first; j0 < last; j0 += block {
		j1 := min(j0+block, last)
		for i0 := 0; i0 < rows; i0 += block {
			i1 := min(i0+block, rows)
			for j := j0; j < j1; j++ {
				to := dst[j*rows+i0 : j*rows+i1]
				from := src[i0*columns+j:]
				for i := range to {
					to[i] = from[i*columns]
				}
			}
		}
	}
}

// transposed is a large matrix transposed by the team, in shared memory.
func (p *Program) transposed(src []float32, rows, columns int) []float32 {
	dst := p.shared(rows * columns)
	const each = 64 // columns of a part
	p.team.Do((columns+each-1)/each, parallel.Func(func(_, part int) {
		transposePart(dst, src, rows, columns, part*each, min((part+1)*each, columns))
	}))
	return dst
}

// shared is scratch memory of all workers together.
func (p *Program) shared(n int) []float32 { return grow(&p.params.rooms.common, n) }
