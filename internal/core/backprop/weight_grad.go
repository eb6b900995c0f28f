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
// The sums run over blocks of pixels, or of Winograd's tiles, that follow each other
// in an order that does not depend on the number of threads; what is split is grad.
func (p *Program) weightGrad(plan *gradPlan, grad []float32, in *Map, size, stride, top, left int, dy *Map) {
	began := time.Now()
	defer func() { p.times.BackwardWeights += time.Since(began) }()
	start := (in.border.top-top)*in.RowStride + (in.border.left-left)*in.Channels
	if size == 3 && stride == 1 && p.winogradGrad(plan, grad, in, start, dy) {
		return
	}
	// The taps of a row of the window lie side by side, as their gradients do: they
	// are channels of one wider window.
	c, n := size*in.Channels, dy.Channels
	groups := p.set.OuterGroups(c)
	o := kernels.Outer{
		InRow: stride * in.RowStride, InPixel: stride * in.Channels, GradRow: dy.RowStride, GradPixel: n,
		C: c, N: n, Add: true,
	}
	if plan.blocks == nil {
		plan.blocks = blocksOf(dy, stride*stride*in.Channels+n)
	}
	var b pixelBlock
	task := parallel.Func(func(_, part int) {
		ky, group := part/groups, part%groups
		o := o
		o.Rows, o.Pixels = b.rows, b.pixels
		o.In = in.whole[start+b.item*in.ItemStride+(b.y*stride+ky)*in.RowStride+b.x*o.InPixel:]
		o.Grad = dy.Data[b.item*dy.ItemStride+b.y*dy.RowStride+b.x*n:]
		o.Out = grad[ky*c*n:][:c*n]
		p.set.Outer(&o, group, group+1)
	})
	for _, b = range plan.blocks {
		p.team.Do(size*groups, task)
	}
}

// A gradPlan is how the gradient of one operation's kernel is computed, found when it
// is first wanted.
type gradPlan struct {
	blocks   []pixelBlock
	winograd *kernels.WinogradGrad // nil if blocks of pixels are faster
	made     bool                  // winograd is known
}

// A pixelBlock is some rows of an item of a map of outputs, or some pixels of one row.
type pixelBlock struct{ item, y, rows, x, pixels int }

// blockFloats is about how many floats of inputs and gradients are worked on at a
// time: they stay in the second-level cache.
const blockFloats = 100 << 10

func blocksOf(m *Map, perPixel int) (list []pixelBlock) {
	pixels := max(64, blockFloats/perPixel)
	lines, rows := 1, max(1, pixels/m.Width)
	if m.Width > 2*pixels {
		lines = (m.Width + pixels - 1) / pixels
	}
	parts := (m.Height + rows - 1) / rows
	for i := range m.Items {
		for k := range parts {
			y := k * m.Height / parts
			for l := range lines {
				x := l * m.Width / lines
				list = append(list, pixelBlock{i, y, (k+1)*m.Height/parts - y, x, (l+1)*m.Width/lines - x})
			}
		}
	}
	return list
}

// winogradGradTiles is the least number of tiles for which the sums of all products
// cost less than they save.
const winogradGradTiles = 64

// winogradGrad is weightGrad for a 3×3 window by Winograd's method, if that is faster.
func (p *Program) winogradGrad(plan *gradPlan, grad []float32, in *Map, start int, dy *Map) bool {
	c, n := in.Channels, dy.Channels
	if !plan.made {
		plan.made = true
		if w := p.set.WinogradGrad(c, n, dy.Items, dy.Height, dy.Width, winogradSide); w != nil && min(c, n) >= winogradChannels && w.Tiles(0, dy.Items) >= winogradGradTiles {
			plan.winograd = w
		}
	}
	w := plan.winograd
	if w == nil {
		return false
	}
	blockFloats, sumFloats, workerFloats := w.Floats()
	room := p.shared(blockFloats + sumFloats)
	block, sums := room[:blockFloats], room[blockFloats:]
	tiles := kernels.GradTiles{
		In: in.whole[start:], InItem: in.ItemStride, InRow: in.RowStride,
		Grad: dy.Data, GradItem: dy.ItemStride, GradRow: dy.RowStride,
	}
	groups := p.set.OuterGroups(c)
	for kind := range w.Kinds() {
		all := w.Tiles(kind, dy.Items)
		blocks := (all + w.BlockTiles() - 1) / w.BlockTiles()
		for b := range blocks {
			first, last := b*all/blocks, (b+1)*all/blocks
			p.team.Do(last-first, parallel.Func(func(worker, i int) {
				w.Transform(&tiles, kind, first+i, i, block, p.floats(worker, workerFloats))
			}))
			p.team.Do(w.Products(kind), parallel.Func(func(_, product int) {
				w.Sum(product, last-first, 0, groups, block, sums, b > 0)
			}))
		}
		const pairs = 4096
		p.team.Do((c*n+pairs-1)/pairs, parallel.Func(func(_, part int) {
			w.Finish(kind, part*pairs, min((part+1)*pairs, c*n), sums, grad)
		}))
	}
	return true
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
