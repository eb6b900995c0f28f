package backprop

import (
	"time"

	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// weightGrad adds the gradient of a kernel [size][size][c][n] to grad:
//
//	grad[ky][kx][c][n] += Σ over items, y, x of in[y·stride − top + ky][x·stride − left + kx][c] · dy[y][x][n]
//
// The sums run over blocks of pixels, or of Winograd's tiles, that follow each other. Where there are many of
// them for a small kernel, runs of blocks have sums of their own, which are added up in their order; elsewhere
// what is split is grad. How, follows from the sizes and not from the number of threads.
func (p *Program) weightGrad(plan *gradPlan, grad []float32, in *Map, size, stride, top, left int, dy *Map) {
	began := time.Now()
	defer func() { p.times.BackwardWeights += time.Since(began) }()
	plan.make(p, size, stride, in.shape(), dy.shape())
	start := (in.border.top-top)*in.RowStride + (in.border.left-left)*in.Channels
	if plan.winograd != nil {
		p.winogradGrad(plan, grad, in, start, dy)
		return
	}
	p.directGrad(plan, grad, in, start, size, stride, dy, nil)
}

// directGrad is weightGrad by sums of products of inputs and output gradients. If making is not nil, it makes the
// gradients of a block, which lie as those of dy do; what dy holds is only fetched ahead.
func (p *Program) directGrad(plan *gradPlan, grad []float32, in *Map, start, size, stride int, dy *Map, making func(worker int, b, next *pixelBlock) []float32) {
	// The taps of a row of the window lie side by side, as their gradients do: they
	// are channels of one wider window.
	c, n := size*in.Channels, dy.Channels
	o := kernels.Outer{
		InRow: stride * in.RowStride, InPixel: stride * in.Channels, GradRow: dy.RowStride, GradPixel: n, C: c, N: n,
	}
	if plan.turned {
		o = kernels.Outer{InRow: o.GradRow, InPixel: o.GradPixel, GradRow: o.InRow, GradPixel: o.InPixel, C: n, N: c}
	}
	groups := p.set.OuterGroups(o.C)
	// of is what a block reads for a row of the window.
	of := func(b *pixelBlock, ky int) (x, g []float32) {
		x = in.whole[start+b.item*in.ItemStride+(b.y*stride+ky)*in.RowStride+b.x*stride*in.Channels:]
		g = dy.Data[b.item*dy.ItemStride+b.y*dy.RowStride+b.x*n:]
		return x[:((b.rows-1)*in.RowStride+(b.pixels-1)*in.Channels)*stride+c], g[:(b.rows-1)*dy.RowStride+b.pixels*n]
	}
	// add adds the sums of a block for a row of the window to some, and fetches what is next. made are the gradients,
	// unless they are those of dy.
	add := func(b, next *pixelBlock, made []float32, ky, group0, group1 int, sums []float32, add bool) {
		o := o
		o.Rows, o.Pixels, o.Add = b.rows, b.pixels, add
		o.In, o.Grad = of(b, ky)
		if made != nil {
			o.Grad = made
		}
		if next != nil {
			o.NextIn, o.NextGrad = of(next, ky)
		}
		if plan.turned {
			o.In, o.Grad = o.Grad, o.In
		}
		o.Out = sums[ky*c*n:][:c*n]
		p.set.Outer(&o, group0, group1)
	}
	if plan.parts == 1 {
		for i := range plan.blocks.count() {
			b := plan.blocks.at(i)
			p.team.Do(size*groups, parallel.Func(func(_, part int) {
				ky, group := part/groups, part%groups
				add(&b, nil, nil, ky, group, group+1, grad, true)
			}))
		}
		return
	}
	k := size * c * n
	sums := p.shared(plan.parts * k)
	p.team.Do(plan.parts, parallel.Func(func(worker, part int) {
		count := plan.blocks.count()
		first, last := part*count/plan.parts, (part+1)*count/plan.parts
		var b, after pixelBlock
		for i := first; i < last; i++ {
			b = plan.blocks.at(i)
			var next *pixelBlock
			if i+1 < count {
				after = plan.blocks.at(i + 1)
				next = &after
			}
			var made []float32
			if making != nil {
				made = making(worker, &b, next)
			}
			for ky := range size {
				add(&b, next, made, ky, 0, groups, sums[part*k:], i > first)
			}
		}
	}))
	p.addParts(sums, plan.parts, k)
	if !plan.turned {
		p.set.Add(grad[:k], grad[:k], sums[:k], kernels.None)
		return
	}
	for ky := range size {
		for i := range n {
			for j, v := range sums[(ky*n+i)*c:][:c] {
				grad[(ky*c+j)*n+i] += v
			}
		}
	}
}

// addParts adds to the first k sums those of the other parts.
func (p *Program) addParts(sums []float32, parts, k int) {
	const each = 4096
	p.team.Do((k+each-1)/each, parallel.Func(func(_, i int) {
		first, last := i*each, min((i+1)*each, k)
		for part := 1; part < parts; part++ {
			p.set.Add(sums[first:last], sums[first:last], sums[part*k+first:part*k+last], kernels.None)
		}
	}))
}

// A gradPlan is how the gradient of one operation's kernel is computed, found when it
// is first wanted.
type gradPlan struct {
	made     bool
	winograd *kernels.WinogradGrad // nil if blocks of pixels are faster
	blocks   pixelBlocks
	turned   bool // the sums are [size][n][size·c]
	parts    int  // runs of blocks or tiles with sums of their own
}

const (
	mostParts   = 16       // of which the last one to finish is not late
	partFloats  = 4 << 20  // sums of all parts
	partPixels  = 256      // least pixels of a part: its sums cost less than its products
	partTiles   = 16       // the same for tiles
	blockFloats = 12 << 10 // inputs and gradients that are worked on at a time: they stay in the second-level cache
	vector      = 16       // floats that a kernel computes at once, on machines with the widest
	// winogradGradTiles is the least number of tiles for which the sums of all products
	// cost less than they save.
	winogradGradTiles = 128
)

func (plan *gradPlan) make(p *Program, size, stride int, in, dy shape) {
	if plan.made {
		return
	}
	plan.made = true
	c, n := in.c, dy.c
	if size == 3 && stride == 1 && min(c, n) >= winogradChannels {
		own := p.set.WinogradGrad(c, n, dy.n, dy.h, dy.w, winogradSide, true)
		if own != nil && own.Tiles(0, dy.n) >= winogradGradTiles {
			_, sums, _ := own.Floats()
			plan.winograd, plan.parts = own, max(1, min(mostParts, partFloats/sums, own.Tiles(0, dy.n)/partTiles))
			if plan.parts == 1 {
				plan.winograd = p.set.WinogradGrad(c, n, dy.n, dy.h, dy.w, winogradSide, false)
			}
			return
		}
	}
	plan.blocks = blocksOf(dy, stride*stride*c+n)
	plan.parts = max(1, min(mostParts, partFloats/(size*size*c*n), dy.n*dy.h*dy.w/partPixels, plan.blocks.count()))
	vectors := func(rows, columns int) int { return rows * ((columns + vector - 1) / vector) }
	plan.turned = plan.parts > 1 && vectors(n, size*c) < vectors(size*c, n)
}

// A pixelBlock is some rows of an item of a map of outputs, or some pixels of one row.
type pixelBlock struct{ item, y, rows, x, pixels int }

// pixelBlocks are those of a map, item by item, from the top down and from left to right. There may be very many, so none is kept.
type pixelBlocks struct {
	of           shape
	parts, lines int // of an item's rows, and of a row
}

func blocksOf(m shape, perPixel int) pixelBlocks {
	pixels := max(64, blockFloats/perPixel)
	lines, rows := 1, max(1, pixels/m.w)
	if m.w > 2*pixels {
		lines = (m.w + pixels - 1) / pixels
	}
	return pixelBlocks{m, (m.h + rows - 1) / rows, lines}
}

func (b *pixelBlocks) count() int { return b.of.n * b.parts * b.lines }

func (b *pixelBlocks) at(i int) pixelBlock {
	k, l := i/b.lines%b.parts, i%b.lines
	y, x := k*b.of.h/b.parts, l*b.of.w/b.lines
	return pixelBlock{i / b.lines / b.parts, y, (k+1)*b.of.h/b.parts - y, x, (l+1)*b.of.w/b.lines - x}
}

// winogradGrad is weightGrad for a 3×3 window by Winograd's method.
func (p *Program) winogradGrad(plan *gradPlan, grad []float32, in *Map, start int, dy *Map) {
	w := plan.winograd
	tiles := kernels.GradTiles{
		In: in.whole[start:], InItem: in.ItemStride, InRow: in.RowStride,
		Grad: dy.Data, GradItem: dy.ItemStride, GradRow: dy.RowStride,
	}
	for kind := range w.Kinds() {
		sums := p.tileSums(plan, &tiles, kind, dy.Items)
		const pairs = 512
		p.team.Do((w.C*w.N+pairs-1)/pairs, parallel.Func(func(_, part int) {
			w.Finish(kind, part*pairs, min((part+1)*pairs, w.C*w.N), sums, grad)
		}))
	}
}

// tileSums are the sums of a kind's products over all tiles.
func (p *Program) tileSums(plan *gradPlan, tiles *kernels.GradTiles, kind, items int) []float32 {
	w, all, groups := plan.winograd, plan.winograd.Tiles(kind, items), p.set.OuterGroups(plan.winograd.C)
	blockFloats, sumFloats, workerFloats := w.Floats()
	if plan.parts == 1 {
		room := p.shared(blockFloats + sumFloats)
		block, sums := room[:blockFloats], room[blockFloats:]
		blocks := (all + w.BlockTiles() - 1) / w.BlockTiles()
		for b := range blocks {
			first, last := b*all/blocks, (b+1)*all/blocks
			p.team.Do(last-first, parallel.Func(func(worker, i int) {
				w.Transform(tiles, kind, first+i, i, block, p.floats(worker, workerFloats))
			}))
			p.team.Do(w.Products(kind), parallel.Func(func(_, product int) {
				w.Sum(product, last-first, 0, groups, block, sums, b > 0)
			}))
		}
		return sums
	}
	parts := min(plan.parts, all)
	sums := p.shared(parts * sumFloats)
	p.team.Do(parts, parallel.Func(func(worker, part int) {
		room := p.floats(worker, blockFloats+workerFloats)
		block, scratch, own := room[:blockFloats], room[blockFloats:], sums[part*sumFloats:]
		from, to := part*all/parts, (part+1)*all/parts
		blocks := (to - from + w.BlockTiles() - 1) / w.BlockTiles()
		for b := range blocks {
			first, last := from+b*(to-from)/blocks, from+(b+1)*(to-from)/blocks
			for t := first; t < last; t++ {
				w.Transform(tiles, kind, t, t-first, block, scratch)
			}
			for product := range w.Products(kind) {
				w.Sum(product, last-first, 0, groups, block, own, b > 0)
			}
		}
	}))
	p.addParts(sums, parts, sumFloats)
	return sums
}

// addBiasGrad adds the sums of a gradient over all pixels.
func (p *Program) addBiasGrad(bias *Param, dy *Map) {
	sums := p.channelSums(dy)
	for c, v := range sums {
		bias.Grad[c] += float32(v)
	}
}

// channelSums adds up every channel over all pixels: in float32 over a row, in
// float64 over rows and parts, whose number follows from the map alone.
func (p *Program) channelSums(m *Map) []float64 {
	c := m.Channels
	sums := make([]float64, c)
	rows := m.rows()
	per := max((rows+normParts-1)/normParts, (8<<10+m.Width*c-1)/(m.Width*c))
	parts := (rows + per - 1) / per
	partial := make([]float64, parts*c)
	p.team.Do(parts, parallel.Func(func(worker, part int) {
		line := p.floats(worker, c)
		for r := part * per; r < min((part+1)*per, rows); r++ {
			clear(line)
			row := m.row(r)
			for x := range m.Width {
				p.set.Add(line, line, row[x*c:(x+1)*c], kernels.None)
			}
			for i, v := range line {
				partial[part*c+i] += float64(v)
			}
		}
	}))
	for part := range parts {
		for i, v := range partial[part*c:][:c] {
			sums[i] += v
		}
	}
	return sums
}
