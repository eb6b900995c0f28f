package kernels

import "math"

// Conv is one direct convolution. Its result, for item i, output row y, column x and output channel n:
//
//	acc := bias[n]
//	for kh := range W.KH {
//		for kw := range W.KW {
//			for c := range W.C {
//				acc += In[i*InItem + (y*StrideY+kh)*InRow + (x*StrideX+kw)*InPixel + c] * weights[kh][kw][c][n]
//			}
//		}
//	}
//	if Scale != nil {
//		acc = acc*Scale[n] + Shift[n]
//	}
//	if Residual != nil {
//		acc += Residual[i*ResItem + y*ResRow + x*ResPixel + n]
//	}
//	Out[i*OutItem + y*OutRow + x*OutPixel + n] = Act(acc)
//
// In starts at the first tap, the upper left of the window, of the first output; distances are in floats. The number
// of items is not stored: it follows from the rows that are asked for. A dense layer is a 1×1 window with its rows as
// Width, or as items; a 2×2 deconvolution with stride 2 is two 1×1 windows, of twice its channels and with every other
// output row.
//
// Out may be the same memory as Residual, but must not overlap In.
type Conv struct {
	W *Packed

	In                     []float32
	InItem, InRow, InPixel int
	StrideY, StrideX       int // in input rows and pixels
	Out                    []float32
	OutItem, OutRow        int
	OutPixel               int
	Height, Width          int       // of the output of an item
	Scale, Shift           []float32 // [N] or nil
	Residual               []float32 // or nil
	ResItem, ResRow        int
	ResPixel               int
	Act                    Activation

	// Inputs and outputs that the caller needs after this are fetched into the second-level cache meanwhile. Or nil.
	NextIn  []float32
	NextOut []float32
}

// A block of pixels stays in the second-level cache while all panels of weights pass over it, beside what is fetched
// for the next block: so many bytes of inputs, and of outputs.
const (
	inputBytes  = 400 << 10
	outputBytes = 200 << 10
	leastPixels = 56
)

// Conv computes the output rows row0 … row1-1, counted through all items (row g is row g%Height of item g/Height), of
// the panels panel0 … panel1-1.
func (s *Set) Conv(c *Conv, row0, row1, panel0, panel1 int) {
	w := c.W
	if w.set != s {
		panic(otherSet)
	}
	if panel0 < 0 || panel0 > panel1 || panel1 > len(w.panels) {
		panic(badPanels)
	}
	c.check(w.KH, w.KW, w.C, w.N, row0, row1)
	if row0 == row1 || panel0 == panel1 {
		return
	}
	raceConv(c, row0, row1, panel0, panel1)
	channels := w.C
	if w.KH*w.KW == 1 && c.Residual == nil { // unfinished sums wait in Out, which may be the residual's memory
		channels = s.blockOf(w.C)
	}
	stretch := c.stretch()
	first, last := &w.panels[panel0], &w.panels[panel1-1]
	width := last.first + last.width - first.first
	pixels := max(leastPixels, min(inputBytes/(4*channels*max(1, c.StrideY*c.StrideX)), outputBytes/(4*width)))
	for q0, end := row0*c.Width, row1*c.Width; q0 < end; q0 += pixels {
		q1 := min(q0+pixels, end)
		f := fetcher{set: s, conv: c, panel0: panel0, panel1: panel1, channels: channels, pixels: q1 - q0, stretch: stretch.pixels}
		f.next(q1, min(q1+pixels, end))
		for c0 := 0; c0 < w.C; c0 += channels {
			for p := panel0; p < panel1; p++ {
				r := run{Conv: c, panel: &w.panels[p], steps: stretch.steps, c0: c0, c1: min(c0+channels, w.C)}
				r.streams = f.streams(p, c0)
				s.pixels(&r, stretch.pixels, q0, q1)
			}
		}
		if c.Act > Relu {
			s.activatePixels(c, stretch, q0, q1, first.first, width)
		}
	}
}

// pixels computes the outputs q0 … q1-1, counted through rows and items, run by run.
func (s *Set) pixels(r *run, stretch, q0, q1 int) {
	for q := q0; q < q1; q += r.pixels {
		r.in, r.out, r.res = r.locate(q)
		r.out, r.res = r.out+r.panel.first, r.res+r.panel.first
		r.pixels = min(stretch-q%stretch, q1-q)
		s.run(r)
	}
}

// activatePixels applies an activation that the micro-kernels lack to width channels of the outputs q0 … q1-1, while
// they are in the cache.
func (s *Set) activatePixels(c *Conv, stretch stretch, q0, q1, first, width int) {
	for q := q0; q < q1; {
		_, out, _ := c.locate(q)
		out += first
		pixels := min(stretch.pixels-q%stretch.pixels, q1-q)
		q += pixels
		if stretch.outStep == width {
			s.Activate(c.Out[out:out+pixels*width], c.Act)
			continue
		}
		for i := range pixels {
			s.Activate(c.Out[out+i*stretch.outStep:][:width], c.Act)
		}
	}
}

// locate returns where the first tap, the first channel and the residual of output pixel q are.
func (c *Conv) locate(q int) (in, out, res int) {
	x, y, item := q%c.Width, q/c.Width%c.Height, q/c.Width/c.Height
	return item*c.InItem + y*c.StrideY*c.InRow + x*c.StrideX*c.InPixel,
		item*c.OutItem + y*c.OutRow + x*c.OutPixel,
		item*c.ResItem + y*c.ResRow + x*c.ResPixel
}

// run is a piece of a stretch: output pixels at constant distances, of one panel and one block of input channels.
type run struct {
	*Conv
	panel        *panel
	pixels       int
	in, out, res int // where the first pixel's first tap and its outputs are
	steps            // from pixel to pixel
	c0, c1       int // input channels; the bias comes with the first block, scale, residual and activation with the last

	streams
}

// steps are distances in floats between neighbours on one axis of the output.
type steps struct{ inStep, outStep, resStep int }

func (s steps) times(n int) steps { return steps{s.inStep * n, s.outStep * n, s.resStep * n} }

// stretch is how many output pixels follow each other at constant distances.
type stretch struct {
	pixels int
	steps
}

// stretch is a row, unless rows, or even items, follow each other without a gap: then small maps are one long row,
// which leaves fewer registers unused at its end.
func (c *Conv) stretch() stretch {
	s := stretch{c.Width, steps{c.StrideX * c.InPixel, c.OutPixel, c.ResPixel}}
	outer := []stretch{
		{c.Height, steps{c.StrideY * c.InRow, c.OutRow, c.ResRow}},
		{math.MaxInt, steps{c.InItem, c.OutItem, c.ResItem}},
	}
	if c.Residual == nil {
		s.resStep, outer[0].resStep, outer[1].resStep = 0, 0, 0
	}
	for _, o := range outer {
		switch {
		case o.pixels == 1: // no such axis
		case s.pixels == 1:
			s = o
		case s.times(s.pixels) != o.steps:
			return s
		case o.pixels == math.MaxInt:
			s.pixels = math.MaxInt
		default:
			s.pixels *= o.pixels
		}
	}
	return s
}

// blockOf cuts c input channels into equal blocks of at most s.blockK.
func (s *Set) blockOf(c int) int {
	if s.blockK == 0 {
		return c
	}
	blocks := (c + s.blockK - 1) / s.blockK
	return (c + blocks - 1) / blocks
}

// check panics unless the slices hold what rows row0 … row1-1 touch, for a window of kh × kw and so many channels.
func (c *Conv) check(kh, kw, channels, n, row0, row1 int) {
	if c.Height < 1 || c.Width < 1 {
		panic(badShape)
	}
	if row0 < 0 || row0 > row1 || min(c.InItem, c.InRow, c.InPixel, c.OutItem, c.OutRow, c.OutPixel, c.StrideY, c.StrideX, c.ResItem, c.ResRow, c.ResPixel) < 0 {
		panic(badStride)
	}
	if row0 == row1 {
		return
	}
	for _, g := range [2]int{row1 - 1, (row1-1)/c.Height*c.Height - 1} { // the last row, and that of the item before
		if g < row0 {
			break
		}
		item, y := g/c.Height, g%c.Height
		if len(c.In) < item*c.InItem+(y*c.StrideY+kh-1)*c.InRow+((c.Width-1)*c.StrideX+kw-1)*c.InPixel+channels {
			panic(shortIn)
		}
		if len(c.Out) < item*c.OutItem+y*c.OutRow+(c.Width-1)*c.OutPixel+n {
			panic(shortOut)
		}
		if c.Residual != nil && len(c.Residual) < item*c.ResItem+y*c.ResRow+(c.Width-1)*c.ResPixel+n {
			panic(shortResidual)
		}
	}
	if c.Scale != nil && (len(c.Scale) < n || len(c.Shift) < n) {
		panic(shortScale)
	}
}
