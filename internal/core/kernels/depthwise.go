package kernels

// Depthwise is a convolution of each channel with a window of its own. Its result, for item i, output row y, column x
// and channel c:
//
//	acc := Shift[c]
//	for kh := range Size {
//		for kw := range Size {
//			acc += In[i*InItem + (y*Stride+kh)*InRow + (x*Stride+kw)*C + c] * Kernel[(kh*Size+kw)*C + c]
//		}
//	}
//	Out[i*OutItem + y*OutRow + x*C + c] = Act(acc)
//	Sums[(i*Height+y)*C + c] += Out[i*OutItem + y*OutRow + x*C + c]
//
// Sums may be nil; else those of a row begin at zero. In starts at the first tap, the upper left of the window, of the first output; distances are in floats. The assembly
// sets fuse products and sums, and give the same bits. Out must not overlap In.
type Depthwise struct {
	Kernel, Shift []float32 // [Size][Size][C], [C]
	Size, C       int

	In            []float32
	InItem, InRow int
	Stride        int // in input rows and pixels
	Out           []float32
	OutItem       int
	OutRow        int
	Height, Width int // of the output of an item
	Act           Activation
	Sums          []float32 // [rows][C] or nil
}

// depthwiseSize is the largest window.
const depthwiseSize = 7

// depthwiseFunc makes so many output pixels in a row, of c channels each: in is the first tap of the first, taps are
// the distances from it, in bytes, to all n of them, step is the distance in floats between the first taps of
// neighbours, and pixel that between output pixels and between taps of the kernel.
type depthwiseFunc func(out, in, kernel, shift *float32, taps *int, n, step, pixel, c int)

// pairFunc makes so many output pixels of a row, and as many below them, of c channels each, of a window of 3×3: in is
// the first tap of the first, pixel the distance between pixels and between taps of the kernel. act is None, Relu or
// HardSwish.
type pairFunc func(out, in, kernel, shift *float32, inRow, outRow, pixel, c, act int)

// depthwisePixels, pairPixels: a function for so many pixels of a row.
type (
	depthwisePixels struct {
		pixels int
		run    depthwiseFunc
	}
	pairPixels struct {
		pixels int
		run    pairFunc
	}
)

// depthwiseSet are the functions of a set: convolutions of rising numbers of pixels from one on, those of two rows with
// stride 1 and 2, and the sum of pixels. Zero: plain Go.
type depthwiseSet struct {
	conv  []depthwisePixels
	pairs [2][]pairPixels
	sum   func(sum, x *float32, pixels, stride, c int)
}

// Depthwise computes the output rows row0 … row1-1, counted through all items, two at a time where that can be. (Blocks
// of channels whose rows stay in the first-level cache make it slower: memory is then read in short pieces.)
func (s *Set) Depthwise(d *Depthwise, row0, row1 int) {
	d.check(row0, row1)
	for g := row0; g < row1; g++ {
		if g+1 < row1 && (g+1)%d.Height != 0 && s.rowPair(d, g) {
			s.sumRow(d, g)
			g++
			s.sumRow(d, g)
			continue
		}
		out, in := d.rows(g)
		if s.depthwise.conv == nil {
			d.row(out, in)
		} else {
			s.rowOfPixels(d, out, in)
		}
		s.Activate(out, d.Act)
		s.sumRow(d, g)
	}
}

// sumRow sums the pixels of an output row while it is in the cache.
func (s *Set) sumRow(d *Depthwise, g int) {
	if d.Sums == nil {
		return
	}
	sums := d.Sums[g*d.C:][:d.C]
	clear(sums)
	s.Sum(sums, d.Out[g/d.Height*d.OutItem+g%d.Height*d.OutRow:], d.Width, d.C)
}

// rowPair makes the output rows g and g+1 of an item, if the set has a function for that.
func (s *Set) rowPair(d *Depthwise, g int) bool {
	if d.Size != 3 || d.Stride < 1 || d.Stride > len(s.depthwise.pairs) {
		return false
	}
	functions := s.depthwise.pairs[d.Stride-1]
	if len(functions) == 0 || d.Width < functions[0].pixels {
		return false
	}
	out, in := d.rows(g)
	below, _ := d.rows(g + 1)
	act := d.Act
	if act != Relu && act != HardSwish {
		act = None
	}
	for x := 0; x < d.Width; {
		f := functions[0]
		for _, g := range functions[1:] {
			if g.pixels <= d.Width && f.pixels < d.Width-x {
				f = g
			}
		}
		x = min(x, d.Width-f.pixels) // some once more, to the same values
		f.run(&out[x*d.C], &in[x*d.Stride*d.C], &d.Kernel[0], &d.Shift[0], d.InRow, d.OutRow, d.C, d.C, int(act))
		x += f.pixels
	}
	if act != d.Act {
		s.Activate(out, d.Act)
		s.Activate(below, d.Act)
	}
	return true
}

// rowOfPixels makes a row of outputs, without the activation.
func (s *Set) rowOfPixels(d *Depthwise, out, in []float32) {
	var taps [depthwiseSize * depthwiseSize]int
	for kh := range d.Size {
		for kw := range d.Size {
			taps[kh*d.Size+kw] = 4 * (kh*d.InRow + kw*d.C)
		}
	}
	for x := 0; x < d.Width; {
		f := s.depthwise.fit(d.Width, d.Width-x)
		x = min(x, d.Width-f.pixels)
		f.run(&out[x*d.C], &in[x*d.Stride*d.C], &d.Kernel[0], &d.Shift[0], &taps[0], d.Size*d.Size, d.Stride*d.C, d.C, d.C)
		x += f.pixels
	}
}

// fit is the function for what is left of a row: the smallest that does it at once, of those that the row has room for,
// else the largest.
func (s *depthwiseSet) fit(width, left int) depthwisePixels {
	best := s.conv[0]
	for _, f := range s.conv[1:] {
		if f.pixels <= width && best.pixels < left {
			best = f
		}
	}
	return best
}

// rows are the output row g, and the input from its first tap to its last.
func (d *Depthwise) rows(g int) (out, in []float32) {
	item, y := g/d.Height, g%d.Height
	out = d.Out[item*d.OutItem+y*d.OutRow:][:d.Width*d.C]
	in = d.In[item*d.InItem+y*d.Stride*d.InRow:][:(d.Size-1)*d.InRow+((d.Width-1)*d.Stride+d.Size)*d.C]
	raceRead(in)
	raceWrite(out)
	return out, in
}

// row is the loop in the comment of Depthwise for a row, without the activation.
func (d *Depthwise) row(out, in []float32) {
	for x := range d.Width {
		acc := out[x*d.C:][:d.C]
		copy(acc, d.Shift)
		for kh := range d.Size {
			for kw := range d.Size {
				taps := in[kh*d.InRow+(x*d.Stride+kw)*d.C:][:d.C]
				for c, k := range d.Kernel[(kh*d.Size+kw)*d.C:][:d.C] {
					acc[c] += float32(taps[c] * k)
				}
			}
		}
	}
}

// check panics unless the slices hold what rows row0 … row1-1 touch.
func (d *Depthwise) check(row0, row1 int) {
	if d.Height < 1 || d.Width < 1 || d.C < 1 || d.Size < 1 || d.Size > depthwiseSize {
		panic(badShape)
	}
	if row0 < 0 || row0 > row1 || min(d.InItem, d.InRow, d.OutItem, d.OutRow, d.Stride) < 0 {
		panic(badStride)
	}
	if len(d.Kernel) < d.Size*d.Size*d.C || len(d.Shift) < d.C {
		panic(lengths)
	}
}

// Sum adds x[p·stride + c] to sum[c] for so many pixels p, one after another.
func (s *Set) Sum(sum, x []float32, pixels, stride int) {
	c := len(sum)
	if c == 0 || pixels == 0 {
		return
	}
	x = x[:(pixels-1)*stride+c]
	raceRead(x)
	raceWrite(sum)
	if s.depthwise.sum != nil {
		s.depthwise.sum(&sum[0], &x[0], pixels, stride, c)
		return
	}
	for p := range pixels {
		for i, v := range x[p*stride:][:c] {
			sum[i] += v
		}
	}
}
