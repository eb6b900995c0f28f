package kernels

// Packed holds the weights of one convolution in the layout that one set wants, bias included.
//
// Output channels are cut into panels of a few vectors. A panel is its bias, then for each row, column and channel of
// the window one weight per output channel; channels beyond N are zero.
type Packed struct {
	N, C, KH, KW int // output channels, input channels, rows and columns of the window

	set    *Set
	panels []panel
	data   []float32
}

// panel is a stretch of output channels that one micro-kernel computes together.
type panel struct {
	first, width int       // channels first … first+width-1 of the output
	vectors      int       // vectors that hold them
	bias         []float32 // [vectors*lanes]
	weights      []float32 // [KH*KW*C][vectors*lanes]
}

// Panels tells into how many panels the output channels are cut: the unit in which work can be split besides rows.
func (w *Packed) Panels() int { return len(w.panels) }

// Bytes is the memory that the packed weights take.
func (w *Packed) Bytes() int { return 4 * len(w.data) }

// Pack copies weights, [kh][kw][c][n], and bias, [n] or nil for zeros.
func (s *Set) Pack(weights []float32, kh, kw, c, n int, bias []float32) *Packed {
	if kh < 1 || kw < 1 || c < 1 || n < 1 {
		panic(badShape)
	}
	if len(weights) < kh*kw*c*n || bias != nil && len(bias) < n {
		panic(shortWeights)
	}
	return s.packInto(Alloc(s.packedFloats(kh*kw*c, n)), weights, kh, kw, c, n, bias)
}

// packedFloats is the room for k weights and a bias for each of n output channels.
func (s *Set) packedFloats(k, n int) int { return (1 + k) * roundUp(n, s.lanes) }

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

func (s *Set) packInto(data, weights []float32, kh, kw, c, n int, bias []float32) *Packed {
	w := &Packed{N: n, C: c, KH: kh, KW: kw, set: s, data: data}
	k, rest, first := kh*kw*c, data, 0
	for _, vectors := range splitVectors(roundUp(n, s.lanes)/s.lanes, s.panel) {
		lanes := vectors * s.lanes
		p := panel{first: first, width: min(lanes, n-first), vectors: vectors}
		p.bias, p.weights, rest = rest[:lanes], rest[lanes:(1+k)*lanes], rest[(1+k)*lanes:]
		if bias != nil {
			copy(p.bias, bias[first:first+p.width])
		}
		for i := range k {
			copy(p.weights[i*lanes:], weights[i*n+first:i*n+first+p.width])
		}
		w.panels = append(w.panels, p)
		first += p.width
	}
	return w
}

// splitVectors cuts n vectors into panels of prefer vectors, and into twos and threes where that leaves a rest: a
// panel of one vector keeps the multipliers waiting for loads, so it appears only when n is 1 (or prefer is).
func splitVectors(n, prefer int) []int {
	if prefer == 1 || n == 1 {
		return repeat(1, n)
	}
	other := 5 - prefer // 2 ↔ 3
	for others := 0; ; others++ {
		if rest := n - others*other; rest%prefer == 0 {
			return append(repeat(prefer, rest/prefer), repeat(other, others)...)
		}
	}
}

func repeat(v, n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}
