package engine

import "github.com/spinemask/spinemask/internal/core/kernels"

// meanTask makes the mean over all pixels, some channels of an item at a time. A
// row is summed in float32, the rows in float64.
type meanTask struct {
	set     *kernels.Set
	in, out Map
	sums    []float32 // of the rows, where the step before has left them
	border  borderZeroer
	each    int // channels of a part
	blocks  int // of channels of an item
}

const meanBlock = 64 // channels at once: a few cache lines of every pixel

func (ws *Workspace) bindMean(s *step) task {
	t := &meanTask{set: ws.plan.module.kernels, in: ws.view(s.in[0]), out: ws.view(s.out), border: ws.borderOf(s.out), each: meanBlock}
	if p := ws.plan.summed(s); p != nil {
		t.sums, t.each = ws.sums(p), t.in.Channels // little is left to do
	}
	t.blocks = (t.in.Channels + t.each - 1) / t.each
	return t
}

func (t *meanTask) prepare(rows, _ int) int { return rows * t.blocks }

func (t *meanTask) Part(_, part int) {
	item, begin := part/t.blocks, part%t.blocks*t.each
	end := min(begin+t.each, t.in.Channels)
	for first := begin; first < end; first += meanBlock {
		t.mean(item, first, min(meanBlock, end-first))
	}
	if begin == 0 {
		t.border.zero(item, item+1, 1)
	}
}

// mean makes n channels of an item.
func (t *meanTask) mean(item, first, n int) {
	var memory [meanBlock]float32
	var sum [meanBlock]float64
	for y := range t.in.Height {
		row := memory[:n]
		if t.sums != nil {
			row = t.sums[(item*t.in.Height+y)*t.in.Channels+first:][:n]
		} else {
			clear(row)
			t.set.Sum(row, t.in.Data[item*t.in.ItemStride+y*t.in.RowStride+first:], t.in.Width, t.in.Channels)
		}
		for i, v := range row {
			sum[i] += float64(v)
		}
	}
	out := t.out.Pixel(item, 0, 0)[first : first+n]
	for i := range out {
		out[i] = float32(sum[i] / float64(t.in.Height*t.in.Width))
	}
}

// gate multiplies pixels by one.
type gate struct {
	set         *kernels.Set
	in, by, out Map
	zeros       []float32
}

func (t *gate) row(item, y int) {
	n := t.out.Width * t.out.Channels
	dst := t.out.Data[item*t.out.ItemStride+y*t.out.RowStride:][:n]
	t.set.Affine(dst, t.in.Data[item*t.in.ItemStride+y*t.in.RowStride:][:n], t.by.Pixel(item, 0, 0), t.zeros, kernels.None, false)
}
