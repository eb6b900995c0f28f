package kernels

import "unsafe"

// Some processors multiply matrices of bfloat16, the upper half of a float32, many times faster than float32. For them
// a float32 is split into two parts: its bfloat16, and the bfloat16 of what that leaves. Products of parts are exact, and
// of the four products of two split numbers the three largest are added up in float32:
//
//	x*w ≈ low(x)*high(w) + high(x)*high(w) + high(x)*low(w)
//
// The result of a layer is within 5e-6 of the exact one (root mean square), where bfloat16 alone is within 3e-3. What
// depends on an infinity becomes NaN, as its low part is one. (Henry, Tang, Heinecke, "Leveraging the bfloat16
// artificial intelligence datatype for higher-precision computations", arXiv 1904.06376.)

const (
	splitRows  = 16                         // outputs in a tile
	splitWidth = 32                         // output channels in a panel, two tiles
	splitK     = 32                         // products in one step of a tile
	splitStep  = 4 * 16 * splitK            // values of a step's weights: high parts of two tiles, low parts of them
	splitSums  = 2 * splitRows * splitWidth // floats of the sums of a block: two tiles by a panel
	splitAhead = 128                        // values of weights that a step fetches for later
	maxWindow  = 16                         // rows of a window
)

// splitTiles computes blocks of up to two tiles of 16 outputs of one panel. Distances are in bytes:
//
//	for b := range blocks {
//		for r := range 16 {
//			sums[b][r] = 0, unless add is set
//			for tap := range taps {
//				for k := range steps*32 {
//					x  := in0[b*block + r*row + tap.in + 2*k] high, and low a plane further on
//					sums[b][r][0:32] += x * weights[tap.weights + …]
//				}
//			}
//		}
//	}
//
// and the same for in1, unless it is nil, into sums[b][16:32]. The 32 products of two parts in a step are added up
// before their sum is added to the others. in0, in1, sums and blocks move on.
type splitTiles struct {
	in0, in1   *uint16
	row, plane int
	taps       *splitTap
	nTaps      int
	steps      int // in each tap
	weights    *uint16
	sums       *float32 // [blocks][32][32]
	block      int
	add        int
	blocks     int
	ahead      *uint16 // weights of later blocks, of which each step of this brings 256 bytes into the second-level cache
}

// splitTap is a piece of the window: where its inputs and weights begin, in bytes.
type splitTap struct{ in, weights int }

// splitFinish is the end of a layer for some outputs of a panel:
//
//	y := sums[r][n]*scale[n] + shift[n]
//	if residual != nil { y += residual[r*resStep + n] }
//	out[r*outStep + n] = max(y, floor)
//
// A NaN passes. Steps are in bytes.
type splitFinish struct {
	sums         *float32 // [rows][32]
	out          *float32
	outStep      int
	rows, lanes  int
	scale, shift *float32
	residual     *float32
	resStep      int
	floor        float32
}

// HasSplit says whether the set multiplies split numbers on this machine.
func (s *Set) HasSplit() bool { return s.split != nil && s.split() }

// PackedSplit holds the split weights of one convolution, and its bias. Output channels are cut into panels of 32. A
// panel has for each row of the window and for each step of 32 products in it four tiles: the high parts of channels
// 0 … 15, of 16 … 31, and the low ones; a tile is [16][16][2]: pairs of products, channels, the two products of a pair.
type PackedSplit struct {
	N, C, KH, KW int // output channels, input channels, rows and columns of the window

	set    *Set
	pitch  int // values from pixel to pixel of the split input
	steps  int // in a row of the window
	panels int
	data   []uint16
	bias   []float32 // [panels*32]
}

// Panels tells into how many panels the output channels are cut: the unit in which work can be split besides rows.
func (w *PackedSplit) Panels() int { return w.panels }

// Bytes is the memory that the packed weights take.
func (w *PackedSplit) Bytes() int { return 2*len(w.data) + 4*len(w.bias) }

func (w *PackedSplit) panelValues() int { return w.KH * w.steps * splitStep }

// PackSplit splits weights, [kh][kw][c][n], and copies bias, [n] or nil for zeros.
func (s *Set) PackSplit(weights []float32, kh, kw, c, n int, bias []float32) *PackedSplit {
	return s.PackSplitInto(Alloc(s.SplitFloats(kh, kw, c, n)), weights, kh, kw, c, n, nil, bias)
}

// SplitFloats is the room that PackSplitInto needs, whole cache lines.
func (s *Set) SplitFloats(kh, kw, c, n int) int {
	w := s.splitLayout(kh, kw, c, n)
	return w.panels * w.panelValues() / 2
}

// splitLayout knows everything but the numbers.
func (s *Set) splitLayout(kh, kw, c, n int) *PackedSplit {
	if !s.HasSplit() {
		panic(noSplit)
	}
	if kh < 1 || kh > maxWindow || kw < 1 || c < 1 || n < 1 {
		panic(badShape)
	}
	w := &PackedSplit{N: n, C: c, KH: kh, KW: kw, set: s, panels: (n + splitWidth - 1) / splitWidth}
	// The pixels of a row of the window are one run of products. Few channels follow each other without a gap, so that
	// fewer products are with zeros.
	w.pitch = c
	if c > splitK {
		w.pitch = roundUp(c, splitK)
	}
	w.steps = (kw*w.pitch + splitK - 1) / splitK
	return w
}

// PackSplitInto does what PackSplit does in memory of the caller's that starts at a cache line. Each weight is
// multiplied by the scale, [n] or nil, of its output channel: in float64, rounded once.
func (s *Set) PackSplitInto(room, weights []float32, kh, kw, c, n int, scale []float64, bias []float32) *PackedSplit {
	w := s.splitLayout(kh, kw, c, n)
	if len(weights) < kh*kw*c*n || bias != nil && len(bias) < n || scale != nil && len(scale) < n {
		panic(shortWeights)
	}
	room = room[:w.panels*w.panelValues()/2]
	w.data = unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(room))), 2*len(room))
	w.bias = make([]float32, w.panels*splitWidth)
	copy(w.bias, bias)
	zeros := make([]float32, n)
	scaled := [2][]float32{make([]float32, n), make([]float32, n)}
	row := func(y, k int) []float32 { // of products k of row y of the window
		x, i := k/w.pitch, k%w.pitch
		if x >= kw || i >= c {
			return zeros
		}
		from := weights[((y*kw+x)*c+i)*n:][:n]
		if scale == nil {
			return from
		}
		to := scaled[k%2]
		for j, f := range scale[:n] {
			to[j] = float32(float64(from[j]) * f)
		}
		return to
	}
	for y := range kh {
		for k := 0; k < w.steps*splitK; k += 2 {
			at := (y*w.steps+k/splitK)*splitStep + k%splitK/2*splitK
			amxPack(&w.data[at], 2*w.panelValues(), &row(y, k)[0], &row(y, k+1)[0], n)
		}
	}
	return w
}
