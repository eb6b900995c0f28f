package backprop

import (
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// A filter is the weights of a convolution laid out for the kernels. They change
// with every batch, and are laid out again before it, in memory that all filters of
// a program share: they are used at once.
type filter struct {
	kh, kw, c, n int // window, input and output channels
	packed       *kernels.Packed
	room         *float32 // where packed lies

	// Of a 3×3 window that moves by single pixels over maps that are large enough.
	winograd     *kernels.PackedWinograd
	winogradRoom *float32
	plan         *kernels.WinogradPlan
}

const (
	winogradSide     = 5  // most outputs of a tile on an axis, as for inference
	winogradChannels = 16 // least input and output channels, for which the transforms cost less than they save
	winogradTiles    = 32 // least tiles of a batch
)

// useWinograd says whether the filter computes items maps of h×w outputs by
// Winograd's method (arXiv 1509.09308).
func (f *filter) useWinograd(items, h, w, stride int) bool {
	if f.kh != 3 || f.kw != 3 || stride != 1 || min(f.c, f.n) < winogradChannels {
		return false
	}
	rows, cols := kernels.Tiles(h, w, winogradSide)
	if rows == nil || h < rows[0] || w < cols[0] {
		return false
	}
	return items*((h+rows[0]-1)/rows[0])*((w+cols[0]-1)/cols[0]) >= winogradTiles
}

func (f *filter) pack(p *Program, weights, bias []float32) {
	room := grow(&p.params.rooms.packed, p.set.PackedFloats(f.kh, f.kw, f.c, f.n))
	if f.room != &room[0] {
		f.packed, f.room, f.winograd = p.set.Layout(room, f.kh, f.kw, f.c, f.n), &room[0], nil
	}
	p.team.Do(f.packed.Panels(), parallel.Func(func(_, panel int) { f.packed.Fill(panel, weights, bias) }))
}

// transform makes Winograd's weights of the packed ones.
func (f *filter) transform(p *Program, h, w int) {
	if f.winograd == nil {
		f.winograd, f.winogradRoom = f.packed.Winograd(kernels.Tiles(h, w, winogradSide)), nil
	}
	if room := grow(&p.params.rooms.winograd, f.winograd.Floats()); f.winogradRoom != &room[0] {
		f.winograd.Place(room)
		f.plan, f.winogradRoom = f.winograd.Plan(h, w, p.team.Workers()), &room[0]
	}
	p.team.Do(f.packed.Panels(), parallel.Func(func(_, panel int) { f.winograd.TransformPanel(panel) }))
}

// grow is scratch memory of all workers together.
func grow(room *[]float32, n int) []float32 {
	if len(*room) < n {
		*room = nil // the smaller one may go
		*room = kernels.Alloc(n)
	}
	return (*room)[:n]
}

// A place is where a filter is applied: its first tap for the first output, and
// the outputs, in every stepth pixel of every stepth row.
type place struct {
	in            *Map
	y, x          int // of the first tap; may lie in the border
	stride        int
	out           *Map
	outY, outX    int
	step          int
	height, width int  // of the outputs of an item
	add           bool // to what the output holds
}

// run applies the filter, several rows or panels of output channels at a time.
func (f *filter) run(p *Program, at place) {
	in, out := at.in, at.out
	start := (in.border.top+at.y)*in.RowStride + (in.border.left+at.x)*in.Channels
	c := kernels.Conv{
		W:  f.packed,
		In: in.whole[start:], InItem: in.ItemStride, InRow: in.RowStride, InPixel: in.Channels,
		StrideY: at.stride, StrideX: at.stride,
		Out: out.Data[at.outY*out.RowStride+at.outX*out.Channels:], OutItem: out.ItemStride, OutRow: at.step * out.RowStride, OutPixel: at.step * out.Channels,
		Height: at.height, Width: at.width,
	}
	if at.add {
		c.Residual, c.ResItem, c.ResRow, c.ResPixel = c.Out, c.OutItem, c.OutRow, c.OutPixel
	}
	if f.useWinograd(in.Items, at.height, at.width, at.stride) {
		f.transform(p, at.height, at.width)
		p.team.Do(f.plan.Blocks(in.Items), parallel.Func(func(worker, block int) {
			p.set.Winograd(&c, f.plan, in.Items, block, block+1, p.floats(worker, f.plan.Scratch()))
		}))
		return
	}
	p.convolve(&c, in.Items*at.height)
}

const (
	smallPart = 2 << 20 // multiply-adds: less than this is not worth a fork
	partsEach = 6       // parts per worker, so that the last one to finish is not late
)

// convolve splits rows first, in parts of many blocks of pixels, each of which fetches
// the next, and panels where rows are too few.
func (p *Program) convolve(c *kernels.Conv, rows int) {
	w := c.W
	unit := c.Width * w.KH * w.KW * w.C * w.N
	want := max(1, min(partsEach*p.team.Workers(), rows*unit/smallPart))
	perPart := max(1, (rows+want-1)/want)
	rowParts := (rows + perPart - 1) / perPart
	panelParts := max(1, min(w.Panels(), want/rowParts))
	panelsPerPart := (w.Panels() + panelParts - 1) / panelParts
	panelParts = (w.Panels() + panelsPerPart - 1) / panelsPerPart
	p.team.Do(rowParts*panelParts, parallel.Func(func(_, part int) {
		row, panel := part/panelParts*perPart, part%panelParts*panelsPerPart
		p.set.Conv(c, row, min(row+perPart, rows), panel, min(panel+panelsPerPart, w.Panels()))
	}))
}
