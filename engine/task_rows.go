package engine

import (
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// rowTask runs a step that makes each output row on its own.
type rowTask struct {
	rowMaker
	border      borderZeroer
	height      int // rows of an item
	rowFloats   int
	rows        int
	rowsPerPart int
}

// A rowMaker computes row y of an item of the output.
type rowMaker interface{ row(item, y int) }

const rowPart = 32 << 10 // least floats of output in a part

func (t *rowTask) prepare(rows, workers int) int {
	t.rows = rows * t.height
	t.rowsPerPart = max((t.rows+partsEach*workers-1)/(partsEach*workers), (rowPart+t.rowFloats-1)/t.rowFloats)
	return (t.rows + t.rowsPerPart - 1) / t.rowsPerPart
}

func (t *rowTask) Part(_, part int) {
	row0 := part * t.rowsPerPart
	row1 := min(row0+t.rowsPerPart, t.rows)
	for r := row0; r < row1; r++ {
		t.row(r/t.height, r%t.height)
	}
	t.border.zero(row0, row1, t.height)
}

// bind makes the task of a step.
func (ws *Workspace) bind(s *step) task {
	switch s.op.(type) {
	case graph.Mean:
		return ws.bindMean(s)
	case graph.Depthwise:
		return ws.bindEachChannel(s)
	}
	if s.linear() {
		return ws.bindLinear(s)
	}
	set := ws.plan.module.kernels
	out := ws.view(s.out)
	var in []Map
	for _, v := range s.in {
		in = append(in, ws.view(v))
	}
	t := &rowTask{border: ws.borderOf(s.out), height: out.Height, rowFloats: out.Width * out.Channels}
	switch op := s.op.(type) {
	case graph.Add:
		factors := s.factors
		if factors == nil {
			factors = make([]int, len(in))
			for i := range factors {
				factors[i] = 1
			}
		}
		t.rowMaker = &sum{set, in, factors, out, activation(s.act)}
	case graph.MaxPool:
		_, top, _ := op.Padding.Window(in[0].Height, op.Size, op.Stride)
		_, left, _ := op.Padding.Window(in[0].Width, op.Size, op.Stride)
		t.rowMaker = &pool{set, in[0], out, op.Size, op.Stride, top, left}
	case graph.Upsample:
		t.rowMaker = &upsample{in[0], out, op.Factor}
	case graph.Nearest:
		t.rowMaker = &nearest{in[0], out, op}
	case graph.Gate:
		t.rowMaker = &gate{set, in[0], in[1], out, make([]float32, out.Channels)}
	case graph.Activate:
		t.rowMaker = &activate{set, in[0], out, activation(op.Func)}
	default:
		panic("engine: no task for " + s.String())
	}
	return t
}

// sum adds maps, each read as if upsampled by its factor, and applies act.
type sum struct {
	set     *kernels.Set
	in      []Map
	factors []int
	out     Map
	act     kernels.Activation
}

func (t *sum) row(item, y int) {
	n := t.out.Width * t.out.Channels
	dst := t.out.Data[item*t.out.ItemStride+y*t.out.RowStride:][:n]
	a := &t.in[0]
	if t.factors[0] == 1 && t.factors[1] == 1 {
		b := &t.in[1]
		t.set.Add(dst, a.Data[item*a.ItemStride+y*a.RowStride:][:n], b.Data[item*b.ItemStride+y*b.RowStride:][:n], kernels.None)
	} else {
		a.stretch(dst, item, y, t.factors[0], func(d, s []float32) { copy(d, s) })
		t.accumulate(dst, item, y, 1)
	}
	for i := 2; i < len(t.in); i++ {
		t.accumulate(dst, item, y, i)
	}
	t.set.Activate(dst, t.act)
}

func (t *sum) accumulate(dst []float32, item, y, i int) {
	t.in[i].stretch(dst, item, y, t.factors[i], func(d, s []float32) { t.set.Add(d, d, s, kernels.None) })
}

// stretch combines row y of a map as if it were upsampled by factor with dst.
func (m *Map) stretch(dst []float32, item, y, factor int, combine func(dst, src []float32)) {
	src := m.Data[item*m.ItemStride+y/factor*m.RowStride:]
	if factor == 1 {
		combine(dst, src[:len(dst)])
		return
	}
	c := m.Channels
	for x := 0; x*c < len(dst); x++ {
		combine(dst[x*c:(x+1)*c], src[x/factor*c:][:c])
	}
}

// pool takes the largest value of a window; pixels outside the map do not take
// part.
type pool struct {
	set          *kernels.Set
	in, out      Map
	size, stride int
	top, left    int // padding
}

func (t *pool) row(item, y int) {
	c := t.out.Channels
	y0, y1 := max(0, y*t.stride-t.top), min(t.in.Height, y*t.stride-t.top+t.size)
	for x := range t.out.Width {
		dst := t.out.Pixel(item, y, x)
		x0, x1 := max(0, x*t.stride-t.left), min(t.in.Width, x*t.stride-t.left+t.size)
		copy(dst, t.in.Pixel(item, y0, x0))
		for iy := y0; iy < y1; iy++ {
			row := t.in.Data[item*t.in.ItemStride+iy*t.in.RowStride:]
			for ix := x0; ix < x1; ix++ {
				t.set.Max(dst, row[ix*c:][:c])
			}
		}
	}
}

// upsample repeats pixels.
type upsample struct {
	in, out Map
	factor  int
}

func (t *upsample) row(item, y int) {
	dst := t.out.Data[item*t.out.ItemStride+y*t.out.RowStride:][:t.out.Width*t.out.Channels]
	t.in.stretch(dst, item, y, t.factor, func(d, s []float32) { copy(d, s) })
}

// nearest copies the nearest pixels.
type nearest struct {
	in, out Map
	op      graph.Nearest
}

func (t *nearest) row(item, y int) {
	from := t.op.Source(y, t.out.Height, t.in.Height)
	for x := range t.out.Width {
		copy(t.out.Pixel(item, y, x), t.in.Pixel(item, from, t.op.Source(x, t.out.Width, t.in.Width)))
	}
}

// activate applies a function.
type activate struct {
	set     *kernels.Set
	in, out Map
	act     kernels.Activation
}

func (t *activate) row(item, y int) {
	n := t.out.Width * t.out.Channels
	dst := t.out.Data[item*t.out.ItemStride+y*t.out.RowStride:][:n]
	copy(dst, t.in.Data[item*t.in.ItemStride+y*t.in.RowStride:][:n])
	t.set.Activate(dst, t.act)
}
