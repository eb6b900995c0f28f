package backprop

import "github.com/spinemask/spinemask/internal/core/kernels"

// joinConv joins the 1×1 convolution that only a norm reads, on the way back, to the norm:
// the gradient between them is made from that of the norm's output, some rows at a time, and
// both gradients of the convolution are computed from the rows while they are in the cache.
// A map of that gradient would be written once and read twice.
func (p *Program) joinConv(s *step, o *norm, readers []int) {
	x := p.values[s.in[0]]
	if x.step < 0 || readers[s.in[0]] > 1 {
		return
	}
	before := p.steps[x.step]
	c, ok := before.op.(*conv)
	if !ok || c.size != 1 || c.stride != 1 || c.bias != nil || !c.kernel.trained() {
		return
	}
	c.grad.make(p, 1, 1, p.values[before.in[0]].shape, x.shape)
	if c.grad.parts == 1 || c.grad.blocks.at(0).pixels < x.w {
		return
	}
	c.norm, o.joined = o, true
	x.gradOn = p.values[s.out]
}

// backwardJoined is backward with the gradient of the output behind the norm.
func (o *conv) backwardJoined(p *Program, s *step) {
	x, y, dy := p.kept(s.in[0]), &p.values[s.out].map_, &p.values[s.out].gradMap
	dx, add := p.gradOf(s.in[0])
	f := &o.back[0].filter
	if dx != nil {
		f.pack(p, p.turned(o.kernel.Value, o, o.back[0]), nil)
	}
	width := y.Width * y.Channels
	p.directGrad(&o.grad, o.kernel.Grad, x, (x.border.top*x.RowStride + x.border.left*x.Channels), 1, 1, y, func(worker int, b, next *pixelBlock) []float32 {
		const line = 16 // floats
		slopes := (width + line - 1) / line * line
		g := p.floats(worker, slopes+b.rows*width)[slopes:] // before it are the slopes of a row
		for i := range b.rows {
			r := b.item*y.Height + b.y + i
			o.norm.grad(p, g[i*width:(i+1)*width], worker, r, dy, y, false, false)
		}
		if dx != nil {
			c := kernels.Conv{
				W: f.packed, In: g, InRow: width, InPixel: y.Channels, StrideY: 1, StrideX: 1,
				Out: dx.Data[b.item*dx.ItemStride+b.y*dx.RowStride:], OutRow: dx.RowStride, OutPixel: dx.Channels,
				Height: b.rows, Width: y.Width,
			}
			if next != nil {
				c.NextIn = dy.Data[next.item*dy.ItemStride+next.y*dy.RowStride:][:(next.rows-1)*dy.RowStride+width]
				c.NextOut = dx.Data[next.item*dx.ItemStride+next.y*dx.RowStride:][:(next.rows-1)*dx.RowStride+dx.Width*dx.Channels]
			}
			if add {
				c.Residual, c.ResRow, c.ResPixel = c.Out, c.OutRow, c.OutPixel
			}
			p.set.Conv(&c, 0, b.rows, 0, f.packed.Panels())
		}
		return g
	})
}
