package engine

import "github.com/spinemask/spinemask/internal/core/kernels"

// meanTask makes the mean over all pixels, some channels of an item at a time. A
// row is summed in float32, the rows in float64.
type meanTask struct {
	set     *kernels.Set
	in, out Map
	border  borderZeroer
	blocks  int // of channels of an item
}

const meanBlock = 64 // channels of a part: a few cache lines of every pixel

func (ws *Workspace) bindMean(s *step) task {
	t := &meanTask{set: ws.plan.module.kernels, in: ws.view(s.in[0]), out: ws.view(s.out), border: ws.borderOf(s.out)}
	t.blocks = (t.in.Channels + meanBlock - 1) / meanBlock
	return t
}

func (t *meanTask) prepare(rows, _ int) int { return rows * t.blocks }

func (t *meanTask) Part(_, part int) {
	item, first := part/t.blocks, part%t.blocks*meanBlock
	n := min(meanBlock, t.in.Channels-first)
	var row [meanBlock]float32
	var sum [meanBlock]float64
	for y := range t.in.Height {
		clear(row[:])
		t.set.Sum(row[:n], t.in.Data[item*t.in.ItemStride+y*t.in.RowStride+first:], t.in.Width, t.in.Channels)
		for i, v := range row[:n] {
			sum[i] += float64(v)
		}
	}
	out := t.out.Pixel(item, 0, 0)[first : first+n]
	for i := range out {
		out[i] = float32(sum[i] / float64(t.in.Height*t.in.Width))
	}
	if first == 0 {
		t.border.zero(item, item+1, 1)
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
	t.set.Affine(dst, t.in.Data[item*t.in.ItemStride+y*t.in.RowStride:][:n], t.by.Pixel(item, 0, 0), t.zeros, kernels.None)
}
