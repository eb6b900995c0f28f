package backprop

import "github.com/spinemask/spinemask/graph"

// dense multiplies each item by a matrix [inputs][outputs]: a 1×1 convolution
// whose pixels are the items.
type dense struct {
	kernel, bias *Param
	forth, back  filter
	grad         gradPlan
}

func newDense(p *Program, place string, op graph.Dense, x *value) *dense {
	o := &dense{kernel: p.params.Get(place + "/kernel")}
	if op.Bias {
		o.bias = p.params.Get(place + "/bias")
	}
	c := x.h * x.w * x.c
	o.forth, o.back = filter{kh: 1, kw: 1, c: c, n: op.Out}, filter{kh: 1, kw: 1, c: op.Out, n: c}
	return o
}

// line is a map without a border as one row whose pixels are the items.
func line(m *Map) *Map {
	if m.border != (border{}) {
		panic("backprop: a dense layer reads a map with a border")
	}
	s := shape{1, 1, m.Items, m.ItemStride}
	l := s.in(m.whole, border{})
	return &l
}

func (o *dense) trains() bool                { return o.kernel.trained() || o.bias.trained() }
func (o *dense) reads() bool                 { return o.kernel.trained() }
func (o *dense) again(*Program, *step, *Map) { panic("backprop: dense layers are kept") }

func (o *dense) forward(p *Program, s *step) {
	x, y := line(&p.values[s.in[0]].map_), line(&p.values[s.out].map_)
	o.forth.pack(p, o.kernel.Value, biasOf(o.bias))
	o.forth.run(p, place{in: x, stride: 1, out: y, step: 1, height: 1, width: y.Width})
}

func (o *dense) backward(p *Program, s *step) {
	dy := line(&p.values[s.out].gradMap)
	if o.bias.trained() {
		p.addBiasGrad(o.bias, dy)
	}
	if o.kernel.trained() {
		p.weightGrad(&o.grad, o.kernel.Grad, line(p.kept(s.in[0])), 1, 1, 0, 0, dy)
	}
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	o.back.pack(p, p.transposed(o.kernel.Value, o.back.n, o.back.c), nil)
	to := line(dx)
	o.back.run(p, place{in: dy, stride: 1, out: to, step: 1, height: 1, width: to.Width, add: add})
}

// deconv is a transposed convolution whose windows lie side by side: forth a 1×1
// convolution for each tap, back a convolution with its own size as stride.
type deconv struct {
	kernel, bias *Param
	size         int
	forth        []filter // of each tap
	back         filter
	grad         gradPlan
}

func newDeconv(p *Program, place string, op graph.Deconv, x *value) *deconv {
	o := &deconv{kernel: p.params.Get(place + "/kernel"), size: op.Size}
	if op.Bias {
		o.bias = p.params.Get(place + "/bias")
	}
	for range op.Size * op.Size {
		o.forth = append(o.forth, filter{kh: 1, kw: 1, c: x.c, n: op.Out})
	}
	o.back = filter{kh: op.Size, kw: op.Size, c: op.Out, n: x.c}
	return o
}

func (o *deconv) trains() bool                { return o.kernel.trained() || o.bias.trained() }
func (o *deconv) reads() bool                 { return o.kernel.trained() }
func (o *deconv) again(*Program, *step, *Map) { panic("backprop: deconvolutions are kept") }

func (o *deconv) forward(p *Program, s *step) {
	x, y := &p.values[s.in[0]].map_, &p.values[s.out].map_
	for tap := range o.forth {
		f := &o.forth[tap]
		f.pack(p, p.transposed(o.kernel.Value[tap*f.c*f.n:], f.n, f.c), biasOf(o.bias))
		f.run(p, place{in: x, stride: 1, out: y, outY: tap / o.size, outX: tap % o.size, step: o.size, height: x.Height, width: x.Width})
	}
	p.clearBorders(y)
}

func (o *deconv) backward(p *Program, s *step) {
	dy := &p.values[s.out].gradMap
	if o.bias.trained() {
		p.addBiasGrad(o.bias, dy)
	}
	x := p.kept(s.in[0])
	if o.kernel.trained() { // with inputs and outputs changed over: [size][size][out][in]
		p.weightGrad(&o.grad, o.kernel.Grad, dy, o.size, o.size, 0, 0, x)
	}
	dx, add := p.gradOf(s.in[0])
	if dx == nil {
		return
	}
	o.back.pack(p, o.kernel.Value, nil)
	o.back.run(p, place{in: dy, stride: o.size, out: dx, step: 1, height: dx.Height, width: dx.Width, add: add})
}
