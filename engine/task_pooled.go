package engine

import (
	"slices"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// pooling is the max pool of what a step makes.
type pooling struct {
	op    graph.MaxPool
	whole int // the value that is pooled, of which there are never more than some rows
}

// bandFloats is about the size of a map of which some rows at a time are made and
// pooled: they stay in the second-level cache, where the whole map, if it has no
// fewer than wholeFloats, would leave it.
const (
	bandFloats  = 80 << 10
	wholeFloats = 256 << 10

	acrossFloats = 4 << 10 // of a row, in the first-level cache
)

// poolInBands lets a direct convolution with a large map pool it, where a max pool
// alone reads the map. That of the stem, 320×320×64, takes 26 MB otherwise.
func (pl *Plan) poolInBands() {
	for i := 0; i < len(pl.steps); i++ {
		op, ok := pl.steps[i].op.(graph.MaxPool)
		if !ok {
			continue
		}
		whole := pl.steps[i].in[0]
		p := slices.IndexFunc(pl.steps, func(s step) bool { return s.out == whole })
		if p < 0 || pl.module.uses(whole) > 1 || pl.layouts[whole].shape.Size() < wholeFloats {
			continue
		}
		conv := &pl.steps[p]
		if _, ok := conv.op.(graph.Conv); !ok || conv.algorithm != direct || conv.residual {
			continue
		}
		conv.pool, conv.out = &pooling{op, whole}, pl.steps[i].out
		pl.steps = slices.Delete(pl.steps, i, i+1)
		i--
	}
}

// made is the value that the step's operation makes.
func (s *step) made() int {
	if s.pool != nil {
		return s.pool.whole
	}
	return s.out
}

// A band is rows of a map that is pooled, and what the windows of a row make of
// them one by one.
type band struct {
	op        graph.MaxPool
	in, out   graph.Shape
	top, left int // padding
	first     int // output column, and end, of those whose windows are whole
	end       int
	rows      int // of the map that are made at a time
	held      int // of them that are kept as the windows of a row made them
}

func (pl *Plan) bandOf(s *step) band {
	b := band{op: s.pool.op, in: pl.layouts[s.pool.whole].shape, out: pl.layouts[s.out].shape}
	_, b.top, _ = b.op.Padding.Window(b.in.H, b.op.Size, b.op.Stride)
	_, b.left, _ = b.op.Padding.Window(b.in.W, b.op.Size, b.op.Stride)
	for x := range b.out.W {
		if from, to := b.window(x, b.left, b.in.W); to-from == b.op.Size {
			if b.end == 0 {
				b.first = x
			}
			b.end = x + 1
		}
	}
	b.rows = max(1, bandFloats/(b.in.W*b.in.C))
	b.held = b.rows + b.op.Size
	return b
}

func (b band) wide() int    { return b.in.W * b.in.C }
func (b band) narrow() int  { return b.out.W * b.out.C }
func (b band) scratch() int { return b.rows*b.wide() + b.held*b.narrow() + alignment }

// window is the range of the rows, or columns, that output i of an axis of n reads.
func (b band) window(i, padding, n int) (from, to int) {
	return max(0, i*b.op.Stride-padding), min(n, i*b.op.Stride-padding+b.op.Size)
}

// across sets dst to the largest values of a row's windows. It changes the row. Of
// equal values the last counts, as where a window is gone through pixel by pixel:
// zeros have signs.
func (b band) across(set *kernels.Set, dst, row []float32) {
	c, size, stride := b.in.C, b.op.Size, b.op.Stride
	b.cut(set, dst, row, 0, b.first)
	b.cut(set, dst, row, b.end, b.out.W)
	each := b.end - b.first
	if size <= stride+1 { // what windows share with the next ones is not changed
		each = max(1, acrossFloats/(stride*c))
	}
	for first := b.first; first < b.end; first += each {
		out := dst[first*c : min(first+each, b.end)*c]
		part := row[(first*stride-b.left)*c:][:(len(out)/c-1)*stride*c+size*c]
		for n := 1; n < size; n++ {
			m := len(part) - n*c
			set.Max(part[:m], part[c:][:m]) // the largest of one pixel more
		}
		for len(out) > 0 {
			copy(out[:c], part)
			out, part = out[c:], part[min(stride*c, len(part)):]
		}
	}
}

// cut does this for the outputs x … end−1, whose windows the row's ends cut.
func (b band) cut(set *kernels.Set, dst, row []float32, x, end int) {
	c := b.in.C
	for ; x < end; x++ {
		d := dst[x*c:][:c]
		from, to := b.window(x, b.left, b.in.W)
		copy(d, row[from*c:])
		for i := from + 1; i < to; i++ {
			set.Max(d, row[i*c:][:c])
		}
	}
}

// pooledTask runs a convolution and the max pool that reads it, a band at a time.
// Parts are rows of the output of an item.
type pooledTask struct {
	band
	set    *kernels.Set
	conv   kernels.Conv // without an output
	output Map
	border borderZeroer
	ws     *Workspace
	convs  []kernels.Conv // of each worker

	each, parts int // rows of a part, parts of an item
}

func (ws *Workspace) bindPooled(s *step, conv kernels.Conv) task {
	t := &pooledTask{
		band: ws.plan.bandOf(s), set: ws.plan.module.kernels, conv: conv, output: ws.view(s.out),
		border: ws.borderOf(s.out), ws: ws, convs: make([]kernels.Conv, ws.team.Workers()),
	}
	t.conv.OutPixel, t.conv.OutRow, t.conv.Width = t.in.C, t.wide(), t.in.W
	return t
}

const pooledParts = 3 // parts per worker: each makes some rows that another part makes, too

func (t *pooledTask) prepare(rows, workers int) int {
	want := 1
	if workers > 1 {
		want = min(t.out.H, pooledParts*workers)
	}
	t.each = (t.out.H + want - 1) / want
	t.parts = (t.out.H + t.each - 1) / t.each
	return rows * t.parts
}

func (t *pooledTask) Part(worker, part int) {
	item, first := part/t.parts, part%t.parts*t.each
	last := min(first+t.each, t.out.H)
	scratch := t.ws.scratch.workers[worker]
	wide, narrow := scratch[:t.rows*t.wide()], scratch[t.rows*t.wide():]
	held := func(row int) []float32 { return narrow[row%t.held*t.narrow():][:t.narrow()] }
	_, end := t.window(last-1, t.top, t.in.H)
	have := 0 // rows up to this one are held
	for y := first; y < last; y++ {
		from, to := t.window(y, t.top, t.in.H)
		for have = max(have, from); have < to; {
			n := min(t.rows, end-have)
			t.make(worker, item, have, n, wide)
			for i := range n {
				t.across(t.set, held(have+i), wide[i*t.wide():][:t.wide()])
			}
			have += n
		}
		dst := t.output.Data[item*t.output.ItemStride+y*t.output.RowStride:][:t.narrow()]
		copy(dst, held(from))
		for row := from + 1; row < to; row++ {
			t.set.Max(dst, held(row))
		}
	}
	t.border.zero(item*t.out.H+first, item*t.out.H+last, t.out.H)
}

// make computes n rows of the map, from row first of an item on.
func (t *pooledTask) make(worker, item, first, n int, wide []float32) {
	c := &t.convs[worker]
	*c = t.conv
	c.In = t.conv.In[item*t.conv.InItem+first*t.conv.StrideY*t.conv.InRow:]
	c.Out, c.Height = wide, n
	t.set.Conv(c, 0, n, 0, c.W.Panels())
}
