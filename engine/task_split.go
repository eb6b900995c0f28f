package engine

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// splitTask runs a convolution, deconvolution or dense layer with split
// numbers. Its parts are bands of rows of a group of items where maps are small
// and many, else a grid of output rows × panels of output channels, once per
// window.
type splitTask struct {
	set     *kernels.Set
	convs   []kernels.Conv // one per window
	weights []*kernels.PackedSplit
	items   *kernels.ItemsPlan // nil if maps are not small and many
	dense   bool               // items are pixels of one long row, not rows
	ws      *Workspace
	border  borderZeroer

	rows                       int // to do, per window
	bands                      int // of groups of items, computed first
	first                      int // row, after those of the groups
	rowsPerPart, panelsPerPart int
	rowParts, panelParts       int
	scratch                    []kernels.Conv // of each worker, for parts of a dense layer
}

const (
	splitUnit  = 8 << 20 // multiply-adds: less than this is not worth a fork
	splitDense = 256     // items in a part of a dense layer: their sums and a block of inputs stay in the second-level cache
	smallMap   = 16 * 16 // pixels of the largest map whose items are computed together
)

func (ws *Workspace) bindSplit(s *step, convs []kernels.Conv, dense bool) task {
	return &splitTask{
		set: ws.plan.module.kernels, convs: convs, weights: s.packed.split, dense: dense,
		items: ws.plan.splitItems(s), ws: ws, border: ws.borderOf(s.out), scratch: make([]kernels.Conv, ws.team.Workers()),
	}
}

// prepare splits the grid over rows first, as every part of them reads all
// weights of its panels, and over panels where rows are too few.
func (t *splitTask) prepare(rows, workers int) int {
	c, w := &t.convs[0], t.weights[0]
	t.rows = rows * c.Height
	t.bands, t.first = 0, 0
	if t.items != nil {
		groups := rows / kernels.ItemsEach
		t.bands, t.first = groups*t.items.Bands(), groups*kernels.ItemsEach*c.Height
	}
	unit := c.Width * w.C * w.N * w.KH * w.KW // multiply-adds of a row
	if t.dense {
		t.rows, unit = rows, w.C*w.N
	}
	left := t.rows - t.first
	if left == 0 {
		return t.bands
	}
	want := max(1, min(partsEach*workers, left*unit*len(t.convs)/splitUnit))
	if want > 1 {
		want = (want + workers - 1) / workers * workers
	}
	want = (want + len(t.convs) - 1) / len(t.convs)
	t.rowsPerPart = max((left+want-1)/want, t.least())
	if t.dense {
		t.rowsPerPart = min(t.rowsPerPart, splitDense)
	}
	t.rowParts = (left + t.rowsPerPart - 1) / t.rowsPerPart
	t.panelParts = max(1, min(w.Panels(), want/t.rowParts))
	t.panelsPerPart = (w.Panels() + t.panelParts - 1) / t.panelParts
	t.panelParts = (w.Panels() + t.panelsPerPart - 1) / t.panelsPerPart
	return t.bands + t.rowParts*t.panelParts*len(t.convs)
}

// least is the number of rows that make it worth while to read the weights.
func (t *splitTask) least() int {
	if t.dense {
		return splitDense
	}
	return (splitDense + t.convs[0].Width - 1) / t.convs[0].Width
}

func (t *splitTask) Part(worker, part int) {
	scratch := t.ws.scratch.workers[worker]
	if part < t.bands {
		c := &t.convs[0]
		item, band := part/t.items.Bands()*kernels.ItemsEach, part%t.items.Bands()
		t.set.SplitItems(c, t.items, item, band, 0, t.weights[0].Panels(), scratch)
		row0, row1 := t.items.Rows(band)
		for i := item; i < item+kernels.ItemsEach; i++ {
			t.border.zero(i*c.Height+row0, i*c.Height+row1, c.Height)
		}
		return
	}
	part -= t.bands
	window := part % len(t.convs)
	part /= len(t.convs)
	panel := part % t.panelParts * t.panelsPerPart
	row := t.first + part/t.panelParts*t.rowsPerPart
	end := min(row+t.rowsPerPart, t.rows)
	c, w := &t.convs[window], t.weights[window]
	panels := min(panel+t.panelsPerPart, w.Panels())
	if t.dense {
		d := &t.scratch[worker]
		*d = *c
		d.In, d.Out, d.Width = c.In[row*c.InPixel:], c.Out[row*c.OutPixel:], end-row
		if c.Residual != nil {
			d.Residual = c.Residual[row*c.ResPixel:]
		}
		t.set.Split(d, w, 0, 1, panel, panels, scratch)
		return
	}
	t.set.Split(c, w, row, end, panel, panels, scratch)
	if window == 0 && panel == 0 {
		t.border.zero(row, end, c.Height)
	}
}

// splitScratch is how many floats a part of a step needs for itself.
func (pl *Plan) splitScratch(s *step) int {
	in, out := pl.layouts[s.in[0]].shape, pl.layouts[s.out].shape
	c := kernels.Conv{Height: out.H, Width: out.W, StrideY: 1, StrideX: 1}
	switch op := s.op.(type) {
	case graph.Conv:
		c.StrideY, c.StrideX = op.Stride, op.Stride
	case graph.Dense:
		c.Height, c.Width = 1, splitDense
	case graph.Deconv:
		c.Height, c.Width = in.H, in.W
	}
	n := s.packed.split[0].SplitScratch(&c)
	if items := pl.splitItems(s); items != nil {
		n = max(n, items.Scratch())
	}
	return n
}

// splitItems is how a step's maps are computed if they are small and many, else
// nil.
func (pl *Plan) splitItems(s *step) *kernels.ItemsPlan {
	in, out := pl.layouts[s.in[0]].shape, pl.layouts[s.out].shape
	op, ok := s.op.(graph.Conv)
	if !ok || op.Size == 1 || op.Stride > 1 || in.H*in.W > smallMap || pl.rows < kernels.ItemsEach {
		return nil
	}
	b := windowBorder(s, in)
	return s.packed.split[0].Items(in.H, in.W, b.top, b.left, out.H, out.W)
}
