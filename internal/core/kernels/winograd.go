package kernels

// chunkFloats channels at a time go through both passes of a transform: the lines in between stay in the first-level
// cache.
const chunkFloats = 128

// lineFunc transforms lines of pixels with the matrix of one tile size. Distances are in floats:
//
//	for l := range lines {
//		for c := range channels {
//			for j := range x { x[j] = src[l*srcLine + j*srcStep + c] }
//			y = matrix * x
//			for o := range y { dst[l*dstLine + o*dstStep + c] = y[o] }
//		}
//	}
//
// Those of Bᵀ and Aᵀ but the Past ones fetch what is ahead of src into the cache.
type lineFunc func(constants, src []float32, srcStep, srcLine, ahead int, dst []float32, dstStep, dstLine, lines, channels int)

// finishFunc is a lineFunc that ends with the epilogue of a layer:
//
//	y[o] = y[o]*scale[c] + shift[c]
//	if residual != nil { y[o] += residual[l*resLine + o*resStep + c] }
//	if floor > y[o] { y[o] = floor }
type finishFunc func(constants, src []float32, srcStep, srcLine, ahead int, dst []float32, dstStep, dstLine, lines, channels int, scale, shift, residual []float32, resStep, resLine int, floor float32)

// winogradSet are the transforms of a set by the number of outputs of a tile: Bᵀ, Aᵀ, A, and Aᵀ with the epilogue.
// Those that store past the cache want vectors at multiples of their size; nil if the set has none.
type winogradSet struct {
	input, inputPast, output, gradient [8]lineFunc
	finish, finishPast                 [8]finishFunc
	fence                              func() // after stores past the cache, before others read them
}

// Winograd computes what [Set.Conv] computes for a 3×3 window with stride 1, for the blocks block0 … block1-1 of the
// plan, with fewer multiplications and larger rounding errors (winogradPairs). c.W is not used. Any split into calls
// gives the same bits, and so do avx2, avx512 and neon. scratch must hold [WinogradPlan.Scratch] floats, and only one call
// at a time may use it.
func (s *Set) Winograd(c *Conv, p *WinogradPlan, items, block0, block1 int, scratch []float32) {
	p.check(s, c, items, block0, block1, scratch)
	b := tileBlock{Set: s, conv: c, plan: p}
	b.place(aligned(scratch, 4*cacheLine))
	first := 0
	for i := range p.kinds {
		k := &p.kinds[i]
		blocks, tiles := p.blocksOf(k, items), k.tiles(items)
		for j := max(block0-first, 0); j < min(block1-first, blocks); j++ {
			b.kind = k
			b.run(j*tiles/blocks, (j+1)*tiles/blocks)
		}
		first += blocks
	}
	if b.pastOut {
		s.winograd.fence()
	}
}

func (p *WinogradPlan) check(s *Set, c *Conv, items, block0, block1 int, scratch []float32) {
	if p.w.set != s {
		panic(otherSet)
	}
	if !p.w.made {
		panic(notMade)
	}
	if c.Height != p.height || c.Width != p.width || c.StrideY != 1 || c.StrideX != 1 {
		panic(otherPlan)
	}
	if block0 < 0 || block0 > block1 || block1 > p.Blocks(items) {
		panic(badBlocks)
	}
	if len(scratch) < p.Scratch() {
		panic(shortScratch)
	}
	c.check(3, 3, p.w.C, p.w.N, 0, items*c.Height)
}

// tileBlock is some tiles of one kind on their way through the three steps.
type tileBlock struct {
	*Set
	conv *Conv
	plan *WinogradPlan
	kind *tileKind

	tmp, edge    []float32
	scale, shift []float32
	floor        float32
	pastOut      bool
	slabs        []float32 // [product]: transformed inputs and outputs, each [tile][channel]
}

// place cuts the scratch memory and writes the epilogue's constants into it.
func (b *tileBlock) place(scratch []float32) {
	take := func(n int) []float32 {
		n = (n + cacheLine - 1) / cacheLine * cacheLine
		part := scratch[:n]
		scratch = scratch[n:]
		return part
	}
	p, c := b.plan, b.conv
	w := p.w
	b.slabs = take(p.slabs)
	b.tmp, b.edge = take(p.tmp), take(p.edge)
	b.scale, b.shift = take(w.N)[:w.N], take(w.N)[:w.N]
	for n, bias := range w.bias {
		b.scale[n], b.shift[n] = 1, bias
		if c.Scale != nil {
			b.scale[n], b.shift[n] = c.Scale[n], float32(c.Scale[n]*bias)+c.Shift[n]
		}
	}
	b.floor = negativeInfinity
	if c.Act == Relu {
		b.floor = 0
	}
	b.pastOut = p.past && c.Act <= Relu && (c.OutItem|c.OutRow)%b.lanes == 0 && b.Set.past(c.Out, c.OutPixel, true)
}

// run computes tiles first … last-1 of the kind.
func (b *tileBlock) run(first, last int) {
	w := b.plan.w
	inputs, slab := b.plan.slab(last - first)
	v, m := b.slabs, b.slabs[inputs:]
	for t := first; t < last; t++ {
		b.race(t)
		b.input(t, min(t+1, last-1), v[(t-first)*roundUp(w.C, b.lanes):], slab)
	}
	for i := range w.groups {
		g := &w.groups[i]
		b.multiply(g, last-first, v, m, slab)
		for t := first; t < last; t++ {
			b.output(t, g, m[(t-first)*roundUp(g.width, b.lanes):], slab)
		}
	}
}

// at returns the item, the rows and the columns of tile t.
func (k *tileKind) at(t int) (item int, row, col piece) {
	cols, rows := len(k.cols), len(k.rows)
	return t / cols / rows, k.rows[t/cols%rows], k.cols[t%cols]
}

// input transforms the inputs of tile t, after which the next comes, into v, products slab apart.
func (b *tileBlock) input(t, next int, v []float32, slab int) {
	c, down, across := b.conv, b.kind.down, b.kind.across
	item, row, col := b.kind.at(t)
	in := c.In[item*c.InItem+row.start*c.InRow+col.start*c.InPixel:]
	nextItem, nextRow, nextCol := b.kind.at(next)
	ahead := (nextItem-item)*c.InItem + (nextRow.start-row.start)*c.InRow + (nextCol.start-col.start)*c.InPixel
	second := b.winograd.input[across.m]
	if b.plan.past {
		second = b.winograd.inputPast[across.m]
	}
	for ch := 0; ch < b.plan.w.C; ch += chunkFloats {
		channels := min(chunkFloats, b.plan.w.C-ch)
		b.winograd.input[down.m](down.in, in[ch:], c.InRow, c.InPixel, ahead, b.tmp, across.n*chunkFloats, chunkFloats, across.n, channels)
		second(across.in, b.tmp, chunkFloats, across.n*chunkFloats, 0, v[ch:], slab, across.n*slab, down.n, channels)
	}
}

// outputAxis is one axis of a tile's outputs.
type outputAxis struct {
	*transform
	piece
	slab     int // distance of its products
	out, res int // distance of its outputs and of the residual's
}

// output transforms m, products slab apart, into the outputs of a group of tile t. The second pass may leave out its first lines,
// which belong to a neighbour, but no outputs of a line: it goes along the axis that shares nothing. A tile that shares
// on both axes goes by way of the edge buffer.
func (b *tileBlock) output(t int, g *panelGroup, m []float32, slab int) {
	c, n := b.conv, g.width
	item, row, col := b.kind.at(t)
	first := outputAxis{b.kind.down, row, slab * b.kind.across.n, c.OutRow, c.ResRow}
	second := outputAxis{b.kind.across, col, slab, c.OutPixel, c.ResPixel}
	shared := row.skip > 0 && col.skip > 0
	if col.skip > 0 && !shared {
		first, second = second, first
	}
	corner := c.Out[item*c.OutItem+row.start*c.OutRow+col.start*c.OutPixel+g.first:]
	scale, shift := b.scale[g.first:], b.shift[g.first:]
	out, skip := corner, first.skip
	if shared {
		out, skip, first.out, second.out = b.edge, 0, second.m*n, n
	}
	out = out[skip*first.out:]
	var residual []float32
	if c.Residual != nil {
		residual = c.Residual[item*c.ResItem+row.start*c.ResRow+col.start*c.ResPixel+skip*first.res+g.first:]
	}
	finish := b.winograd.finish[second.m]
	if b.pastOut && !shared {
		finish = b.winograd.finishPast[second.m]
	}
	for ch := 0; ch < n; ch += chunkFloats {
		channels, line := min(chunkFloats, n-ch), second.n*chunkFloats
		b.winograd.output[first.m](first.transform.out, m[ch:], first.slab, second.slab, roundUp(n, b.lanes), b.tmp, line, chunkFloats, second.n, channels)
		finish(second.transform.out, b.tmp[skip*line:], chunkFloats, line, 0, out[ch:], second.out, first.out, first.m-skip, channels,
			scale[ch:], shift[ch:], residual, second.res, first.res, b.floor)
		if residual != nil {
			residual = residual[channels:]
		}
	}
	if shared {
		for y := row.skip; y < row.size; y++ {
			for x := col.skip; x < col.size; x++ {
				copy(corner[y*c.OutRow+x*c.OutPixel:], b.edge[(y*col.size+x)*n:][:n])
			}
		}
	}
	if c.Act > Relu {
		for y := row.skip; y < row.size; y++ {
			for x := col.skip; x < col.size; x++ {
				b.Activate(corner[y*c.OutRow+x*c.OutPixel:][:n], c.Act)
			}
		}
	}
}
