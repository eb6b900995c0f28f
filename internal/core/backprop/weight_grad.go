package backprop

import (
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// blockPixels is about how many output pixels of a map are worked on at a time:
// their inputs, turned, and their gradients stay in the second-level cache.
const blockPixels = 1280

// A pixelBlock is some rows of some items of a map of outputs: several whole items,
// or rows of one.
type pixelBlock struct{ item, items, y, rows int }

func blocksOf(m *Map) (list []pixelBlock) {
	if each := m.Height * m.Width; each*2 <= blockPixels {
		items := min(max(1, blockPixels/each), m.Items)
		for i := 0; i < m.Items; i += items {
			list = append(list, pixelBlock{i, min(items, m.Items-i), 0, m.Height})
		}
		return list
	}
	rows := max(1, blockPixels/m.Width)
	parts := (m.Height + rows - 1) / rows
	for i := range m.Items {
		for k := range parts {
			y := k * m.Height / parts
			list = append(list, pixelBlock{i, 1, y, (k+1)*m.Height/parts - y})
		}
	}
	return list
}

// weightGrad adds the gradient of a kernel [size][size][c][n] to grad:
//
//	grad[ky][kx][c][n] += Σ over items, y, x of in[y·stride − top + ky][x·stride − left + kx][c] · dy[y][x][n]
//
// It is computed by the convolution kernel, with the parts changed: the gradients
// of a block of pixels are its weights, one row after the other, the block's
// inputs, turned so that the pixels of a channel lie side by side, are its input,
// and its outputs are the channels. The blocks follow each other in one order, so
// the sums do not depend on the number of threads; tap and panels of n are split.
func (p *Program) weightGrad(grad []float32, in *Map, size, stride, top, left int, dy *Map) {
	g := &p.turning
	n, c := dy.Channels, in.Channels
	for _, b := range blocksOf(dy) {
		g.layout(in, size, stride, b, dy.Width)
		g.room(p.set, b.items*b.rows*dy.Width, n)
		jobs := (c + turnChannels - 1) / turnChannels
		p.team.Do(jobs+1, parallel.Func(func(_, part int) {
			if part == 0 { // the longest
				g.gradients = p.set.PackRows(g.packRoom, b.items, b.rows, dy.Width, n, func(item, y int) []float32 { return dy.Row(b.item+item, b.y+y) })
				return
			}
			first := (part - 1) * turnChannels
			g.turn(in, b, top, left, first, min(first+turnChannels, c))
		}))
		panels := g.gradients.Panels()
		p.team.Do(size*size*panels, parallel.Func(func(_, part int) {
			tap, panel := part/panels, part%panels
			ky, kx := tap/size, tap%size
			out := grad[tap*c*n:][:c*n]
			p.set.Conv(&kernels.Conv{
				W:  g.gradients,
				In: g.inputs[ky*g.row+kx%stride*g.line+kx/stride:], InRow: g.item, InPixel: stride * g.row, StrideX: g.channel / (stride * g.row), StrideY: 1,
				Out: out, OutPixel: n, Height: 1, Width: c,
				Residual: out, ResPixel: n,
			}, 0, 1, panel, panel+1)
		}))
	}
}

// turning is the memory for a block: inputs are [channel][item][row][x modulo
// stride][x / stride].
type turning struct {
	size, stride             int
	rows                     int // of inputs of an item
	line, row, item, channel int // distances in floats
	inputs, packRoom         []float32
	gradients                *kernels.Packed
}

const turnChannels = 16 // channels that are turned together: a cache line

func (g *turning) layout(in *Map, size, stride int, b pixelBlock, width int) {
	g.size, g.stride = size, stride
	g.rows = (b.rows-1)*stride + size
	g.line = width + (size-1)/stride
	g.row = stride * g.line
	g.item = g.rows * g.row
	unit := stride * g.row // a channel is a whole number of the kernel's steps
	g.channel = (b.items*g.item + unit - 1) / unit * unit
	if need := in.Channels*g.channel + 64; len(g.inputs) < need {
		g.inputs = kernels.Alloc(need)
	}
}

// room is for the gradients, packed.
func (g *turning) room(set *kernels.Set, pixels, n int) {
	if need := set.PackedFloats(1, 1, pixels, n); len(g.packRoom) < need {
		g.packRoom = kernels.Alloc(need)
	}
}

// turn copies channels first … last−1 of the inputs that a block sees.
func (g *turning) turn(in *Map, b pixelBlock, top, left, first, last int) {
	for item := range b.items {
		for r := range g.rows {
			y := b.y*g.stride - top + r
			from := (b.item+item)*in.ItemStride + (in.border.top+y)*in.RowStride + (in.border.left-left)*in.Channels
			for phase := range g.stride {
				to := item*g.item + r*g.row + phase*g.line
				for x := range g.line {
					at := from + (x*g.stride+phase)*in.Channels
					if x*g.stride+phase >= in.border.right+in.Width+left {
						break // beyond what any window sees
					}
					for c, v := range in.whole[at+first : at+last] {
						g.inputs[(first+c)*g.channel+to+x] = v
					}
				}
			}
		}
	}
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
