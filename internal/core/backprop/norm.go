package backprop

import (
	"math"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// norm is a batch normalisation with the statistics of the batch, or with the
// moving ones if those are frozen, and the activation behind it:
//
//	y = act(gamma·(x − mean)/√(variance + epsilon) + beta)
//
// The statistics are taken over the pixels of all items (arXiv 1502.03167).
type norm struct {
	gamma, beta, mean, variance *Param
	epsilon                     float64
	act                         kernels.Activation

	// keep, if not nil, multiplies the output of each item: stochastic depth.
	keep []float32
	// into, if not nil, is the sum that alone reads the output, and has no activation before
	// it: the sum computes it from x where it adds it, and its gradient is that of the sum.
	into *value
	// joined says that the convolution before it computes the gradient of its input (joinConv).
	joined bool

	// Constants of the channels, repeated for so many pixels of a row that they are whole vectors.
	channels     int
	scale, shift []float32          // of x, to the value before the activation
	unit, center []float32          // of x, to (x − mean)/√(variance + epsilon)
	relu         kernels.BehindRelu // scale and shift
	moved        [2][]float32       // mean and variance, for Commit
	lines        []float32          // sums of a row, of each part
	partial      []float64          // sums of parts, before they are added up
	sums         [2][]float64
	dx           [3][]float32 // factors of the gradient and of x, and what is added
}

func newNorm(p *Program, place string, op graph.Norm, x *value) *norm {
	get := func(leaf string) *Param { return p.params.Get(place + "/" + leaf) }
	o := &norm{gamma: get("gamma"), beta: get("beta"), mean: get("mean"), variance: get("variance"), epsilon: op.Epsilon}
	o.channels = x.c
	pixels := 1
	for pixels*x.c%vector > 0 && x.w%(2*pixels) == 0 {
		pixels *= 2
	}
	for _, s := range []*[]float32{&o.scale, &o.shift, &o.unit, &o.center, &o.dx[0], &o.dx[1], &o.dx[2]} {
		*s = make([]float32, pixels*x.c)
	}
	for i := range o.sums {
		o.sums[i], o.moved[i] = make([]float64, x.c), make([]float32, x.c)
	}
	o.relu = kernels.BehindRelu{Scale: o.scale, Shift: o.shift}
	return o
}

func (o *norm) trains() bool { return o.gamma.trained() || o.beta.trained() }
func (o *norm) reads() bool  { return true }

// fixed says that the norm keeps its statistics and normalises with them.
func (o *norm) fixed(p *Program) bool { return p.options.FrozenNorms || o.mean.Frozen }

func (o *norm) forward(p *Program, s *step) {
	x := &p.values[s.in[0]].map_
	n := float64(x.rows() * x.Width)
	if !o.fixed(p) {
		o.sum(p, x, func(_ int, sum, square []float32, r int) { p.set.SumSquares(sum, square, x.row(r)) })
	}
	for c := range o.channels {
		mean, variance := float64(o.mean.Value[c]), float64(o.variance.Value[c])
		if !o.fixed(p) {
			mean = o.sums[0][c] / n
			variance = max(o.sums[1][c]/n-float64(mean*mean), 0)
			o.move(p, c, mean, variance, n)
		}
		unit := 1 / math.Sqrt(variance+o.epsilon)
		scale := float64(o.gamma.Value[c]) * unit
		o.unit[c], o.center[c] = float32(unit), float32(-mean*unit)
		o.scale[c], o.shift[c] = float32(scale), float32(float64(o.beta.Value[c])-float64(mean*scale))
	}
	o.repeat(o.unit, o.center, o.scale, o.shift)
	if o.into == nil {
		o.run(p, x, &p.values[s.out].map_)
	}
}

// repeat copies the constants of the first pixel to the others.
func (o *norm) repeat(constants ...[]float32) {
	for _, c := range constants {
		for i := o.channels; i < len(c); i += o.channels {
			copy(c[i:], c[:o.channels])
		}
	}
}

// move computes the moving statistics after the batch.
func (o *norm) move(p *Program, c int, mean, variance, n float64) {
	if p.options.Unbiased && n > 1 {
		variance *= n / (n - 1)
	}
	m := p.options.Momentum
	o.moved[0][c] = float32(float64(m*float64(o.mean.Value[c])) + float64((1-m)*mean))
	o.moved[1][c] = float32(float64(m*float64(o.variance.Value[c])) + float64((1-m)*variance))
}

func (o *norm) again(p *Program, s *step, dst *Map) { o.run(p, p.kept(s.in[0]), dst) }

func (o *norm) run(p *Program, x, dst *Map) {
	p.eachRow(dst, func(_, r int) {
		y := dst.row(r)
		p.set.Affine(y, x.row(r), o.scale, o.shift, o.act, dst.pastCache())
		if o.keep != nil {
			p.set.Scale(y, o.keep[r/dst.Height])
		}
		dst.clearBorder(r)
	})
}

// slope gives row r of the gradient before the activation, in the worker's scratch
// memory unless it is that of the output itself, which the kernels cut behind a relu.
func (o *norm) slope(p *Program, worker, r int, dy, x *Map) []float32 {
	g := dy.row(r)
	if o.behindRelu() != nil || o.act == kernels.None && o.keep == nil {
		return g
	}
	t := p.floats(worker, x.Width*x.Channels)
	if o.act == kernels.None {
		copy(t, g)
	} else {
		p.set.Affine(t, x.row(r), o.scale, o.shift, kernels.None, false)
		p.set.SlopeTimes(t, g, t, o.act, false)
	}
	if o.keep != nil {
		p.set.Scale(t, o.keep[r/x.Height])
	}
	return t
}

func (o *norm) behindRelu() *kernels.BehindRelu {
	if o.act != kernels.Relu || o.keep != nil {
		return nil
	}
	return &o.relu
}

func (o *norm) backward(p *Program, s *step) {
	x, dy := p.kept(s.in[0]), &p.values[s.out].gradMap
	n := float64(x.rows() * x.Width)
	relu := o.behindRelu()
	// Sums of g, the gradient before the activation, and of g·(normalised x).
	if o.trains() || !o.fixed(p) {
		o.sum(p, x, func(worker int, sum, product []float32, r int) {
			p.set.NormSums(sum, product, o.slope(p, worker, r, dy, x), x.row(r), o.unit, o.center, relu)
		})
	}
	for c := range o.channels {
		if o.beta.trained() {
			o.beta.Grad[c] += float32(o.sums[0][c])
		}
		if o.gamma.trained() {
			o.gamma.Grad[c] += float32(o.sums[1][c])
		}
		f := float64(o.gamma.Value[c]) * float64(o.unit[c])
		o.dx[0][c] = float32(f)
		if !o.fixed(p) {
			b := -f * o.sums[1][c] / n // of the normalised x
			o.dx[1][c] = float32(b * float64(o.unit[c]))
			o.dx[2][c] = float32(float64(b*float64(o.center[c])) - float64(f*o.sums[0][c])/n)
		}
	}
	dx, add := p.gradOf(s.in[0])
	o.repeat(o.dx[:]...)
	if dx == nil || o.joined {
		return
	}
	p.eachRow(dx, func(worker, r int) { o.grad(p, dx.row(r), worker, r, dy, x, add, dx.pastCache()) })
}

// grad computes row r of the gradient of the input x.
func (o *norm) grad(p *Program, dx []float32, worker, r int, dy, x *Map, add, past bool) {
	p.set.NormGrad(dx, o.slope(p, worker, r, dy, x), x.row(r), o.dx[0], o.dx[1], o.dx[2], o.behindRelu(), add, past)
}

// normParts is the most parts that the sums of a norm are split into; how many
// there are follows from the map alone, so that the sums are the same for any
// number of threads.
const normParts = 32

// sum adds up two values of every channel over all rows of x: in float32 over a
// row, in float64 over rows and parts.
func (o *norm) sum(p *Program, x *Map, row func(worker int, first, second []float32, r int)) {
	rows, c, wide := x.rows(), x.Channels, len(o.scale)
	per := max((rows+normParts-1)/normParts, (8<<10+x.Width*c-1)/(x.Width*c))
	parts := (rows + per - 1) / per
	if len(o.partial) < parts*2*c {
		o.partial, o.lines = make([]float64, parts*2*c), make([]float32, parts*2*wide)
	}
	p.team.Do(parts, parallel.Func(func(worker, part int) {
		line, total := o.lines[part*2*wide:][:2*wide], o.partial[part*2*c:][:2*c]
		clear(total)
		for r := part * per; r < min((part+1)*per, rows); r++ {
			clear(line)
			row(worker, line[:wide], line[wide:], r)
			for i := 0; i < wide; i += c {
				for j := range c {
					total[j] += float64(line[i+j])
					total[c+j] += float64(line[wide+i+j])
				}
			}
		}
	}))
	for i := range o.sums {
		clear(o.sums[i])
		for part := range parts {
			for j, v := range o.partial[part*2*c+i*c:][:c] {
				o.sums[i][j] += v
			}
		}
	}
}

// floats is scratch memory of a worker.
func (p *Program) floats(worker, n int) []float32 {
	if len(p.scratch[worker]) < n {
		p.scratch[worker] = kernels.Alloc(n)
	}
	return p.scratch[worker][:n]
}
