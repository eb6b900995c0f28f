package kernels

import "unsafe"

// The element-wise operations of training. Rows are pixels of len(scale) channels each. The assembly sets fuse products
// and sums that the loops write as a·b + c; avx2, avx512 and neon give the same bits.

// trainSet are the operations of a set that plain Go does otherwise. Behind the second of two stands a relu; the
// second of those stores past the cache.
type trainSet struct {
	slope     [activations][2]func(dx, dy, x []float32) // [1] adds
	affine    [2][2]func(y, x, scale, shift *float32, pixels, channels int)
	affineAdd [2][2]func(y, r, x, scale, shift *float32, pixels, channels int)
	squares   func(sum, square, x *float32, pixels, channels int)
	sums      func(sum, product, g, x, unit, center *float32, pixels, channels int)
	sumsRelu  func(sum, product, g, x, unit, center, scale, shift *float32, pixels, channels int)
	normGrad  [3]func(dx, g, x, a, b, d *float32, pixels, channels int) // [1] adds, [2] stores past the cache
	gradRelu  [3]func(dx, g, x, a, b, d, scale, shift *float32, pixels, channels int)
	poolGrad  func(dx, x *float32, dxRow, xRow, pixel, rows, columns int, y, dy *float32, lanes int)
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
		g := float32(dy[i] * slope(act, x[i]))
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

// past says whether y, pixels of c channels, can be stored past the cache if the caller wants it: a map that is larger
// than the cache is not read before it is written then.
func (s *Set) past(y []float32, c int, wanted bool) bool {
	return wanted && c%s.lanes == 0 && uintptr(unsafe.Pointer(&y[0]))%uintptr(4*s.lanes) == 0
}

// Affine sets y[p·C + c] = act(x[p·C + c]·scale[c] + shift[c]). y may be x. It is stored past the cache, where that is
// possible, if past is set and act is None or Relu.
func (s *Set) Affine(y, x, scale, shift []float32, act Activation, past bool) {
	c := len(scale)
	if len(x) != len(y) || len(shift) != c || len(y)%c != 0 {
		panic(lengths)
	}
	raceRead(x)
	raceWrite(y)
	if len(y) == 0 {
		return
	}
	if f := s.train.affine[index(act == Relu)][index(act <= Relu && s.past(y, c, past))]; f != nil {
		f(&y[0], &x[0], &scale[0], &shift[0], len(y)/c, c)
		if act != Relu {
			s.Activate(y, act)
		}
		return
	}
	for to := y; len(to) > 0; to, x = to[c:], x[c:] {
		for i, v := range x[:c] {
			to[i] = float32(v*scale[i]) + shift[i]
		}
	}
	s.Activate(y, act)
}

// AffineAdd sets y[i] = act(r[i] + (x[i]·scale[c] + shift[c])), i = p·C + c. y may be r or x. act is None or Relu. past is
// that of Affine.
func (s *Set) AffineAdd(y, r, x, scale, shift []float32, act Activation, past bool) {
	c := len(scale)
	if len(x) != len(y) || len(r) != len(y) || len(shift) != c || len(y)%c != 0 {
		panic(lengths)
	}
	raceRead(x)
	raceRead(r)
	raceWrite(y)
	if len(y) == 0 {
		return
	}
	if f := s.train.affineAdd[index(act == Relu)][index(s.past(y, c, past))]; f != nil {
		f(&y[0], &r[0], &x[0], &scale[0], &shift[0], len(y)/c, c)
		return
	}
	for to := y; len(to) > 0; to, x, r = to[c:], x[c:], r[c:] {
		for i, v := range x[:c] {
			to[i] = r[i] + (float32(v*scale[i]) + shift[i])
		}
	}
	s.Activate(y, act)
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
		s.train.squares(&sum[0], &square[0], &x[0], len(x)/c, c)
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

// BehindRelu, if not nil, says that a relu stands behind a norm: gradients count where x·scale[c] + shift[c] is above zero.
type BehindRelu struct{ Scale, Shift []float32 }

func (r *BehindRelu) check(c int) {
	if r != nil && (len(r.Scale) != c || len(r.Shift) != c) {
		panic(lengths)
	}
}

func (r *BehindRelu) cuts(x float32, c int) bool {
	return r != nil && !(float32(x*r.Scale[c])+r.Shift[c] > 0)
}

// NormSums adds, pixel by pixel, g[p·C + c] to sum[c] and g·(x·unit[c] + center[c]) to product[c].
func (s *Set) NormSums(sum, product, g, x, unit, center []float32, r *BehindRelu) {
	c := len(sum)
	if len(product) != c || len(unit) != c || len(center) != c || len(g) != len(x) || len(x)%c != 0 {
		panic(lengths)
	}
	r.check(c)
	raceRead(g)
	raceRead(x)
	if len(x) == 0 {
		return
	}
	if s.train.sums != nil {
		if r == nil {
			s.train.sums(&sum[0], &product[0], &g[0], &x[0], &unit[0], &center[0], len(x)/c, c)
		} else {
			s.train.sumsRelu(&sum[0], &product[0], &g[0], &x[0], &unit[0], &center[0], &r.Scale[0], &r.Shift[0], len(x)/c, c)
		}
		return
	}
	for len(x) > 0 {
		for i, v := range x[:c] {
			if r.cuts(v, i) {
				continue
			}
			sum[i] += g[i]
			product[i] += float32(g[i] * (float32(v*unit[i]) + center[i]))
		}
		x, g = x[c:], g[c:]
	}
}

// NormGrad sets, or with add adds to,
//
//	dx = g·a[c] + (x·b[c] + d[c])
//
// What is set and not added to is stored past the cache with past, as by Affine.
func (s *Set) NormGrad(dx, g, x, a, b, d []float32, r *BehindRelu, add, past bool) {
	c := len(a)
	if len(b) != c || len(d) != c || len(g) != len(x) || len(dx) != len(x) || len(x)%c != 0 {
		panic(lengths)
	}
	r.check(c)
	raceRead(g)
	raceRead(x)
	raceWrite(dx)
	if len(x) == 0 {
		return
	}
	way := index(add)
	if !add && s.past(dx, c, past) {
		way = 2
	}
	if f := s.train.normGrad[way]; f != nil {
		if r == nil {
			f(&dx[0], &g[0], &x[0], &a[0], &b[0], &d[0], len(x)/c, c)
		} else {
			s.train.gradRelu[way](&dx[0], &g[0], &x[0], &a[0], &b[0], &d[0], &r.Scale[0], &r.Shift[0], len(x)/c, c)
		}
		return
	}
	for len(x) > 0 {
		for i, v := range x[:c] {
			t := float32(v*b[i]) + d[i]
			if !r.cuts(v, i) {
				t = float32(g[i]*a[i]) + t
			}
			if add {
				t += dx[i]
			}
			dx[i] = t
		}
		x, g, dx = x[c:], g[c:], dx[c:]
	}
}

// PoolGrad adds dy, the gradient of a window's largest values y, to dx at the first pixel of the window, row by row,
// that holds them. x and dx start at the window's first pixel; rows are xRow and dxRow floats apart.
func (s *Set) PoolGrad(dx, x []float32, dxRow, xRow, rows, columns int, y, dy []float32) {
	c := len(y)
	if rows < 1 || columns < 1 || len(dy) != c || min(dxRow, xRow) < 0 {
		panic(badShape)
	}
	if len(x) < (rows-1)*xRow+columns*c || len(dx) < (rows-1)*dxRow+columns*c {
		panic(shortIn)
	}
	raceTile(x, xRow, rows, columns*c)
	raceRead(y)
	raceRead(dy)
	if s.train.poolGrad != nil {
		for i := 0; i < c; i += s.lanes {
			s.train.poolGrad(&dx[i], &x[i], 4*dxRow, 4*xRow, 4*c, rows, columns, &y[i], &dy[i], min(s.lanes, c-i))
		}
		return
	}
	for i, v := range y {
	window:
		for row := range rows {
			for column := range columns {
				if x[row*xRow+column*c+i] == v {
					dx[row*dxRow+column*c+i] += dy[i]
					break window
				}
			}
		}
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
