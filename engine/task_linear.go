package engine

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// linearTask runs a convolution, deconvolution or dense layer by the direct
// kernel. Its work is a grid of output rows × panels of output channels, once
// per window (a deconvolution has several).
type linearTask struct {
	set    *kernels.Set
	convs  []kernels.Conv // one per window
	dense  bool           // items are pixels of one long row, not rows
	border borderZeroer
	unit   int // multiply-adds per row (per item of a dense layer) and window

	rows, panels               int // to do, per window
	rowsPerPart, panelsPerPart int
	rowParts, panelParts       int
	scratch                    []kernels.Conv // of each worker, for parts of a dense layer
}

const (
	smallPart  = 2 << 20 // multiply-adds: less than this is not worth a fork
	partsEach  = 6       // parts per worker, so that the last one to finish is not late
	fewPixels  = 128     // a map that is split over panels only
	densePart  = 48      // least items of a part of a dense layer: several register tiles
	denseParts = 2       // most parts per worker of a dense layer along its outputs: each reads all inputs
)

func (ws *Workspace) bindLinear(s *step) task {
	m := ws.plan.module
	in, out := ws.view(s.in[0]), ws.view(s.out)
	inLayout := &ws.plan.layouts[s.in[0]]
	t := &linearTask{set: m.kernels, border: ws.borderOf(s.out), scratch: make([]kernels.Conv, ws.team.Workers())}
	conv := kernels.Conv{
		In: in.Data, InItem: in.ItemStride, InRow: in.RowStride, InPixel: in.pixel(),
		StrideY: 1, StrideX: 1,
		Out: out.Data, OutItem: out.ItemStride, OutRow: out.RowStride, OutPixel: out.pixel(),
		Height: out.Height, Width: out.Width,
		Scale: s.packed.scale, Shift: s.packed.shift,
		Act: activation(s.act),
	}
	if s.residual {
		r := ws.view(s.in[1])
		conv.Residual, conv.ResItem, conv.ResRow, conv.ResPixel = r.Data, r.ItemStride, r.RowStride, r.pixel()
	}
	switch op := s.op.(type) {
	case graph.Conv:
		b := windowBorder(s, inLayout.shape)
		conv.In = ws.arena[inLayout.offset+inLayout.at(-b.top, -b.left) : inLayout.offset+inLayout.size(ws.plan.rows)]
		conv.StrideY, conv.StrideX = op.Stride, op.Stride
		if s.algorithm == winograd {
			return ws.bindWinograd(s, conv)
		}
		if s.algorithm == picked {
			return ws.bindPicked(s, conv)
		}
		if s.algorithm == split {
			return ws.bindSplit(s, []kernels.Conv{conv}, false)
		}
		conv.W = s.packed.windows[0]
		if s.pool != nil {
			return ws.bindPooled(s, conv)
		}
		t.convs = []kernels.Conv{conv}
		t.unit = out.Width * out.Channels * op.Size * op.Size * in.Channels
	case graph.Dense:
		if inLayout.border != (border{}) {
			panic("engine: a dense layer reads a map with a border")
		}
		conv.Height, conv.Width = 1, 0 // the number of rows of the run
		conv.InPixel, conv.OutPixel, conv.ResPixel = in.ItemStride, out.ItemStride, conv.ResItem
		if s.algorithm == split {
			return ws.bindSplit(s, []kernels.Conv{conv}, true)
		}
		conv.W = s.packed.windows[0]
		t.convs = []kernels.Conv{conv}
		t.dense = true
		t.unit = inLayout.shape.Size() * out.Channels
	case graph.Deconv:
		conv.Height, conv.Width = in.Height, in.Width
		conv.OutRow, conv.OutPixel = op.Size*out.RowStride, op.Size*out.Channels
		conv.ResRow, conv.ResPixel = op.Size*conv.ResRow, op.Size*conv.ResPixel
		for y := range op.Size {
			c := conv
			c.Out = out.Data[y*out.RowStride:]
			if s.residual {
				c.Residual = c.Residual[y*c.ResRow/op.Size:]
			}
			if s.algorithm == direct {
				c.W = s.packed.windows[y]
			}
			t.convs = append(t.convs, c)
		}
		if s.algorithm == split {
			return ws.bindSplit(s, t.convs, false)
		}
		t.unit = in.Width * in.Channels * op.Size * out.Channels
	}
	t.panels = t.convs[0].W.Panels()
	return t
}

// prepare splits the grid: over rows first, because the kernel fetches what the next
// rows of a part need, and over panels where rows are too few.
func (t *linearTask) prepare(rows, workers int) int {
	t.rows = rows * t.convs[0].Height
	if t.dense {
		t.rows = rows
		for i := range t.convs {
			t.convs[i].Width = rows
		}
	}
	total := t.rows * t.unit * len(t.convs)
	want := max(1, min(partsEach*workers, total/smallPart))
	least := 1
	if t.dense {
		least = min(densePart, t.rows)
	}
	perWindow := (want + len(t.convs) - 1) / len(t.convs)
	t.rowsPerPart = max(least, (t.rows+perWindow-1)/perWindow)
	if few := !t.dense && t.rows*t.convs[0].Width <= fewPixels; few || t.dense && t.panels >= want {
		t.rowsPerPart = t.rows // every pass over the weights is dear
	}
	t.rowParts = (t.rows + t.rowsPerPart - 1) / t.rowsPerPart
	t.panelParts = max(1, min(t.panels, perWindow/t.rowParts))
	if t.dense {
		t.panelParts = min(t.panelParts, denseParts*workers)
	}
	t.panelsPerPart = (t.panels + t.panelParts - 1) / t.panelParts
	t.panelParts = (t.panels + t.panelsPerPart - 1) / t.panelsPerPart
	return t.rowParts * t.panelParts * len(t.convs)
}

// Part computes one rectangle of the grid.
func (t *linearTask) Part(worker, part int) {
	window := part % len(t.convs)
	part /= len(t.convs)
	panel := part % t.panelParts * t.panelsPerPart
	row := part / t.panelParts * t.rowsPerPart
	rows := min(t.rowsPerPart, t.rows-row)
	panels := min(t.panelsPerPart, t.panels-panel)
	c := &t.convs[window]
	if t.dense {
		d := &t.scratch[worker]
		*d = *c
		d.In, d.Out, d.Width = c.In[row*c.InPixel:], c.Out[row*c.OutPixel:], rows
		if c.Residual != nil {
			d.Residual = c.Residual[row*c.ResPixel:]
		}
		t.set.Conv(d, 0, 1, panel, panel+panels)
		return
	}
	t.set.Conv(c, row, row+rows, panel, panel+panels)
	if window == 0 && panel == 0 {
		t.border.zero(row, row+rows, c.Height)
	}
}

func activation(f graph.Activation) kernels.Activation {
	switch f {
	case graph.Relu:
		return kernels.Relu
	case graph.Swish:
		return kernels.Swish
	case graph.HardSwish:
		return kernels.HardSwish
	case graph.Sigmoid:
		return kernels.Sigmoid
	case graph.HardSigmoid:
		return kernels.HardSigmoid
	}
	return kernels.None
}
