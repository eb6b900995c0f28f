package kernels

import "math"

// The element-wise operations of training. Rows are pixels of len(scale) channels
// each.

// SlopeTimes sets, or with add adds to, dx[i] = dy[i] · act'(x[i]).
func (s *Set) SlopeTimes(dx, dy, x []float32, act Activation, add bool) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i := range dx {
		g := dy[i] * slope(act, x[i])
		if add {
			g += dx[i]
		}
		dx[i] = g
	}
}

// Affine sets y[p·C + c] = x[p·C + c]·scale[c] + shift[c].
func (s *Set) Affine(y, x, scale, shift []float32) {
	c := len(scale)
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
	for i := range x {
		x[i] *= f
	}
}

// SumSquares adds x[p·C + c] to sum[c] and its square to square[c], pixel by
// pixel.
func (s *Set) SumSquares(sum, square, x []float32) {
	c := len(sum)
	for len(x) > 0 {
		for i, v := range x[:c] {
			sum[i] += v
			square[i] += float32(v * v)
		}
		x = x[c:]
	}
}

// NormSums adds, pixel by pixel, g to sum[c] and g·(x·unit[c] + center[c]) to
// product[c], where
//
//	g = keep · dy · act'(x·scale[c] + shift[c])
//
// is the gradient before the activation.
func (s *Set) NormSums(sum, product, dy, x, scale, shift, unit, center []float32, act Activation, keep float32) {
	c := len(sum)
	for len(x) > 0 {
		for i, v := range x[:c] {
			g := keep * dy[i] * slope(act, float32(v*scale[i])+shift[i])
			sum[i] += g
			product[i] += float32(g * (float32(v*unit[i]) + center[i]))
		}
		x, dy = x[c:], dy[c:]
	}
}

// NormGrad sets, or with add adds to,
//
//	dx = g·a[c] + (x·unit[c] + center[c])·b[c] + d[c]
//
// with g as in NormSums.
func (s *Set) NormGrad(dx, dy, x, scale, shift, unit, center []float32, act Activation, keep float32, a, b, d []float32, add bool) {
	c := len(scale)
	for len(x) > 0 {
		for i, v := range x[:c] {
			g := keep * dy[i] * slope(act, float32(v*scale[i])+shift[i])
			t := float32(g*a[i]) + (float32((float32(v*unit[i])+center[i])*b[i]) + d[i])
			if add {
				t += dx[i]
			}
			dx[i] = t
		}
		x, dy, dx = x[c:], dy[c:], dx[c:]
	}
}

// slope is the derivative of an activation. That of relu at 0 is 0, as
// TensorFlow's.
func slope(act Activation, x float32) float32 {
	switch act {
	case Relu:
		if x > 0 {
			return 1
		}
		return 0
	case Swish:
		g := logistic(x)
		return g * (1 + x*(1-g))
	case Sigmoid:
		g := logistic(x)
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

func logistic(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }
