package kernels

// The element-wise operations of training. Rows are pixels of len(scale) channels each. The assembly sets fuse products
// and sums that the loops write as a·b + c; avx2 and avx512 give the same bits.

// trainSet are the operations of a set that plain Go does otherwise. Those of columns handle up to a vector of
// channels: lanes of pixels that are stride floats apart.
type trainSet struct {
	slope    [activations][2]func(dx, dy, x []float32) // [1] adds
	affine   func(y, x, scale, shift *float32, pixels, stride, lanes int)
	squares  func(sum, square, x *float32, pixels, stride, lanes int)
	sums     func(sum, product, g, x, unit, center *float32, pixels, stride, lanes int)
	normGrad [2]func(dx, g, x, unit, center, a, b, d *float32, pixels, stride, lanes int) // [1] adds
}

// columns calls do for every vector of c channels.
func (s *Set) columns(c int, do func(first, lanes int)) {
	for first := 0; first < c; first += s.lanes {
		do(first, min(s.lanes, c-first))
	}
}

// SlopeTimes sets, or with add adds to, dx[i]:
//
//	dx[i] = dy[i] · act'(x[i])
//
// dx may be dy or x.
func (s *Set) SlopeTimes(dx, dy, x []float32, act Activation, add bool) {
	if len(dy) != len(dx) || len(x) != len(dx) {
		panic(lengths)
	}
	raceRead(dy)
	raceRead(x)
	raceWrite(dx)
	if f := s.train.slope[act][index(add)]; f != nil {
		f(dx, dy, x)
		return
	}
	for i := range dx {
		g := dy[i] * slope(act, x[i])
		if add {
			g += dx[i]
		}
		dx[i] = g
	}
}

func index(add bool) int {
	if add {
		return 1
	}
	return 0
}

// Affine sets y[p·C + c] = x[p·C + c]·scale[c] + shift[c]. y may be x.
func (s *Set) Affine(y, x, scale, shift []float32) {
	c := len(scale)
	if len(x) != len(y) || len(shift) != c || len(y)%c != 0 {
		panic(lengths)
	}
	raceRead(x)
	raceWrite(y)
	if s.train.affine != nil && len(y) > 0 {
		s.columns(c, func(i, lanes int) { s.train.affine(&y[i], &x[i], &scale[i], &shift[i], len(y)/c, c, lanes) })
		return
	}
	for len(y) > 0 {
		to, from := y[:c], x[:c]
		for i := range to {
			to[i] = float32(from[i]*scale[i]) + shift[i]
		}
		y, x = y[c:], x[c:]
	}
}

// Scale multiplies every x[i] by f.
func (s *Set) Scale(x []float32, f float32) {
	raceWrite(x)
	for i := range x {
		x[i] *= f
	}
}

// SumSquares adds x[p·C + c] to sum[c] and its square to square[c], pixel by pixel.
func (s *Set) SumSquares(sum, square, x []float32) {
	c := len(sum)
	if len(square) != c || len(x)%c != 0 {
		panic(lengths)
	}
	raceRead(x)
	if s.train.squares != nil && len(x) > 0 {
		s.columns(c, func(i, lanes int) { s.train.squares(&sum[i], &square[i], &x[i], len(x)/c, c, lanes) })
		return
	}
	for len(x) > 0 {
		for i, v := range x[:c] {
			sum[i] += v
			square[i] += float32(v * v)
		}
		x = x[c:]
	}
}

// NormSums adds, pixel by pixel, g[p·C + c] to sum[c] and g·(x·unit[c] + center[c]) to product[c].
func (s *Set) NormSums(sum, product, g, x, unit, center []float32) {
	c := len(sum)
	if len(product) != c || len(unit) != c || len(center) != c || len(g) != len(x) || len(x)%c != 0 {
		panic(lengths)
	}
	raceRead(g)
	raceRead(x)
	if s.train.sums != nil && len(x) > 0 {
		s.columns(c, func(i, lanes int) {
			s.train.sums(&sum[i], &product[i], &g[i], &x[i], &unit[i], &center[i], len(x)/c, c, lanes)
		})
		return
	}
	for len(x) > 0 {
		for i, v := range x[:c] {
			sum[i] += g[i]
			product[i] += float32(g[i] * (float32(v*unit[i]) + center[i]))
		}
		x, g = x[c:], g[c:]
	}
}

// NormGrad sets, or with add adds to,
//
//	dx = g·a[c] + ((x·unit[c] + center[c])·b[c] + d[c])
func (s *Set) NormGrad(dx, g, x, unit, center, a, b, d []float32, add bool) {
	c := len(unit)
	if len(center) != c || len(a) != c || len(b) != c || len(d) != c || len(g) != len(x) || len(dx) != len(x) || len(x)%c != 0 {
		panic(lengths)
	}
	raceRead(g)
	raceRead(x)
	raceWrite(dx)
	if f := s.train.normGrad[index(add)]; f != nil && len(x) > 0 {
		s.columns(c, func(i, lanes int) {
			f(&dx[i], &g[i], &x[i], &unit[i], &center[i], &a[i], &b[i], &d[i], len(x)/c, c, lanes)
		})
		return
	}
	for len(x) > 0 {
		for i, v := range x[:c] {
			t := float32(g[i]*a[i]) + (float32((float32(v*unit[i])+center[i])*b[i]) + d[i])
			if add {
				t += dx[i]
			}
			dx[i] = t
		}
		x, g, dx = x[c:], g[c:], dx[c:]
	}
}

// slope is the derivative of an activation. That of relu at 0 is 0, as TensorFlow's.
func slope(act Activation, x float32) float32 {
	switch act {
	case Relu:
		if x > 0 {
			return 1
		}
		return 0
	case Swish:
		g := sigmoid(x)
		return g * (1 + float32(x*(1-g)))
	case Sigmoid:
		g := sigmoid(x)
		return g * (1 - g)
	case HardSwish:
		switch {
		case x <= -3:
			return 0
		case x < 3:
			return (2*x + 3) * (1. / 6)
		}
		return 1
	case HardSigmoid:
		if x > -3 && x < 3 {
			return 0.16667
		}
		return 0
	}
	return 1
}
