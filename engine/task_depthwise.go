package engine

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// eachChannel are the weights of a depthwise convolution: scale and shift are in
// them.
type eachChannel struct{ kernel, shift []float32 }

func (w *eachChannel) bytes() int64 { return 4 * int64(len(w.kernel)+len(w.shift)) }

// packEachChannel makes the weights of a depthwise step. One without weights is a
// norm on its own, and has ones.
func (m *module) packEachChannel(s *step) error {
	op, c := s.op.(graph.Depthwise), m.values[s.out].channels
	w := &eachChannel{kernel: make([]float32, op.Size*op.Size*c), shift: rounded(s.shift, c, 0)}
	if s.weights == "" {
		for i := range w.kernel {
			w.kernel[i] = 1
		}
	} else {
		stored, err := m.tensor(s.weights+"/kernel", len(w.kernel))
		if err != nil {
			return err
		}
		copy(w.kernel, stored)
	}
	if s.scale != nil {
		for i := range w.kernel {
			w.kernel[i] = float32(float64(w.kernel[i]) * s.scale[i%c])
		}
	}
	s.each = w
	return nil
}

// depthwiseTask runs a depthwise convolution, some rows at a time.
type depthwiseTask struct {
	set    *kernels.Set
	conv   kernels.Depthwise
	border borderZeroer

	rows, rowsPerPart int
}

func (ws *Workspace) bindEachChannel(s *step) task {
	op := s.op.(graph.Depthwise)
	in, out, l := ws.view(s.in[0]), ws.view(s.out), &ws.plan.layouts[s.in[0]]
	b := windowBorder(s, l.shape)
	t := &depthwiseTask{
		set: ws.plan.module.kernels, border: ws.borderOf(s.out),
		conv: kernels.Depthwise{
			Kernel: s.each.kernel, Shift: s.each.shift, Size: op.Size, C: in.Channels,
			In:     ws.arena[l.offset+l.at(-b.top, -b.left) : l.offset+l.size(ws.plan.rows)],
			InItem: in.ItemStride, InRow: in.RowStride, Stride: op.Stride,
			Out: out.Data, OutItem: out.ItemStride, OutRow: out.RowStride,
			Height: out.Height, Width: out.Width, Act: activation(s.act),
		},
	}
	if s.summed {
		t.conv.Sums = ws.sums(s)
	}
	return t
}

// sums are those of a step's rows.
func (ws *Workspace) sums(s *step) []float32 {
	shape := ws.plan.layouts[s.out].shape
	return ws.arena[s.sums:][:shape.H*shape.C*ws.plan.rows]
}

// prepare gives every worker a few parts, of rows that read about as much as they
// write.
func (t *depthwiseTask) prepare(rows, workers int) int {
	t.rows = rows * t.conv.Height
	t.rowsPerPart = max((t.rows+partsEach*workers-1)/(partsEach*workers), (rowPart+t.conv.OutRow-1)/t.conv.OutRow)
	return (t.rows + t.rowsPerPart - 1) / t.rowsPerPart
}

func (t *depthwiseTask) Part(_, part int) {
	row0 := part * t.rowsPerPart
	row1 := min(row0+t.rowsPerPart, t.rows)
	t.set.Depthwise(&t.conv, row0, row1)
	t.border.zero(row0, row1, t.conv.Height)
}
