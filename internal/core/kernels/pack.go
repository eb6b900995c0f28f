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
	return s.PackInto(Alloc(s.PackedFloats(kh, kw, c, n)), weights, kh, kw, c, n, nil, bias)
}

// PackedFloats is the room that PackInto needs, whole cache lines.
func (s *Set) PackedFloats(kh, kw, c, n int) int {
	if kh < 1 || kw < 1 || c < 1 || n < 1 {
		panic(badShape)
	}
	return roundUp((1+kh*kw*c)*roundUp(n, s.lanes), cacheLine)
}

// PackInto does what Pack does in memory of the caller's, zeros that start at a cache line. Each weight is multiplied
// by the scale, [n] or nil, of its output channel: in float64, rounded once.
func (s *Set) PackInto(room, weights []float32, kh, kw, c, n int, scale []float64, bias []float32) *Packed {
	room = room[:s.PackedFloats(kh, kw, c, n)]
	if len(weights) < kh*kw*c*n || bias != nil && len(bias) < n || scale != nil && len(scale) < n {
		panic(shortWeights)
	}
	w := s.layout(room, kh, kw, c, n)
	const block = 32 // rows: what is read for one panel is still in the cache for the next
	for first, k := 0, kh*kw*c; first < k; first += block {
		rows := weights[first*n : min(first+block, k)*n]
		for i := range w.panels {
			w.panels[i].fill(first, rows, n, scale)
		}
	}
	if bias != nil {
		for _, p := range w.panels {
			copy(p.bias, bias[p.first:p.first+p.width])
		}
	}
	return w
}

// Layout cuts room, of PackedFloats, into the panels of a window's weights, which Fill then fills.
func (s *Set) Layout(room []float32, kh, kw, c, n int) *Packed {
	return s.layout(room[:s.PackedFloats(kh, kw, c, n)], kh, kw, c, n)
}

// Fill copies a panel's part of weights, [kh][kw][c][n], and bias, [n] or nil for zeros. Whatever the memory held is
// written over.
func (w *Packed) Fill(panel int, weights, bias []float32) {
	if len(weights) < w.KH*w.KW*w.C*w.N || bias != nil && len(bias) < w.N {
		panic(shortWeights)
	}
	p := &w.panels[panel]
	if p.width < len(p.bias) {
		clear(p.weights)
	}
	clear(p.bias)
	p.fill(0, weights[:w.KH*w.KW*w.C*w.N], w.N, nil)
	if bias != nil {
		copy(p.bias, bias[p.first:p.first+p.width])
	}
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// layout cuts room into panels.
func (s *Set) layout(room []float32, kh, kw, c, n int) *Packed {
	w := &Packed{N: n, C: c, KH: kh, KW: kw, set: s, data: room}
	k, first := kh*kw*c, 0
	for _, vectors := range splitVectors(roundUp(n, s.lanes)/s.lanes, s.panel) {
		lanes := vectors * s.lanes
		w.panels = append(w.panels, panel{
			first: first, width: min(lanes, n-first), vectors: vectors,
			bias: room[:lanes], weights: room[lanes : (1+k)*lanes],
		})
		room = room[(1+k)*lanes:]
		first += lanes
	}
	return w
}

// weightsAt is where the weights of a panel begin in data, after its bias.
func (w *Packed) weightsAt(panel int) int {
	p := &w.panels[panel]
	return p.first*(1+w.KH*w.KW*w.C) + len(p.bias)
}

// fill stores the panel's part of rows of n weights, the first of which is row first of the window.
func (p *panel) fill(first int, rows []float32, n int, scale []float64) {
	lanes := len(p.bias)
	to := p.weights[first*lanes:]
	if scale != nil {
		scale = scale[p.first : p.first+p.width]
	}
	for len(rows) > 0 {
		from, dst := rows[p.first:p.first+p.width], to[:p.width]
		if scale == nil {
			copy(dst, from)
		} else {
			for i, f := range scale[:len(dst)] {
				dst[i] = float32(float64(from[i]) * f)
			}
		}
		rows, to = rows[n:], to[lanes:]
	}
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
