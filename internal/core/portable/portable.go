// Package portable has elementary functions that give the same bits on every processor. Those of package math are
// assembly of its own on some, and elsewhere Go whose products and sums the compiler may fuse: a result that is to be the
// same everywhere cannot come from them. The functions here give what package math gives on amd64 with fused multiply-adds.
package portable

import "math"

// expSeries are 1/n!, n from 8 down to 0, without those of 1 and 2, which are 1 and 1/2.
var expSeries = [...]float64{1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 0.5, 1}

// Exp is e to the power of x, as exp_amd64.s of Go computes it: exp(x) = 2^n · exp(r)^16, where r = (x - n·ln 2)/16 and
// exp(r) - 1 is its Taylor series (Shibata, "Efficient evaluation methods of elementary functions suitable for SIMD
// computation", 2010). From 709.44 on, where n is 1024, it is infinite, as there.
func Exp(x float64) float64 {
	const (
		largest = 7.09782712893384e+02
		least   = -746 // of which the result is not 0
		ln2High = 0.69314718055966295651160180968695068359375
		ln2Low  = 0.28235290563031577122588448175013436025525412068e-12
	)
	switch {
	case x != x:
		return x
	case x > largest:
		return math.Inf(1)
	case x < least:
		return 0
	}
	n := math.RoundToEven(x * math.Log2E)
	r := math.FMA(-n, ln2High, x)
	r = math.FMA(-n, ln2Low, r) * (1. / 16)
	p := expSeries[0]
	for _, c := range expSeries[1:] {
		p = math.FMA(p, r, c)
	}
	r *= p // exp(r) - 1, and exp(2r) - 1 = (exp(r) - 1)·(exp(r) - 1 + 2)
	for range 3 {
		r *= r + 2
	}
	return scale(math.FMA(r+2, r, 1), int(n))
}

// scale is y times 2^n: in two steps where the result may be subnormal.
func scale(y float64, n int) float64 {
	const bias = 1023
	switch n += bias; {
	case n >= 2*bias+1:
		return math.Inf(1)
	case n > 0:
		return y * math.Float64frombits(uint64(n)<<52)
	case n < -52:
		return 0
	}
	return y * math.Float64frombits(uint64(n+bias-1)<<52) * 0x1p-1022
}

// Log is the natural logarithm, as package math computes it (FreeBSD, e_log.c): log(x) = k·ln 2 + log(1+f),
// √½ ≤ 1+f < √2.
func Log(x float64) float64 {
	const (
		ln2High = 6.93147180369123816490e-01
		ln2Low  = 1.90821492927058770002e-10
		l1      = 6.666666666666735130e-01
		l2      = 3.999999999940941908e-01
		l3      = 2.857142874366239149e-01
		l4      = 2.222219843214978396e-01
		l5      = 1.818357216161805012e-01
		l6      = 1.531383769920937332e-01
		l7      = 1.479819860511658591e-01
	)
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	f, exponent := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		exponent--
	}
	f--
	k := float64(exponent)
	s := f / (2 + f)
	s2 := s * s
	s4 := s2 * s2
	t1 := s2 * horner(s4, l7, l5, l3, l1)
	t2 := s4 * horner(s4, l6, l4, l2)
	half := float64(0.5 * f * f)
	return float64(k*ln2High) - ((half - (float64(s*(half+(float64(t1)+float64(t2)))) + float64(k*ln2Low))) - f)
}

// horner is the polynomial with the given coefficients, highest power first.
func horner(x float64, coefficients ...float64) float64 {
	sum := 0.
	for _, c := range coefficients {
		sum = float64(sum*x) + c
	}
	return sum
}

// Log1p is log(1+x), also for small x, whose lost digits the quotient gives back (Kahan; HP-15C Advanced Functions
// Handbook, appendix).
func Log1p(x float64) float64 {
	u := 1 + x
	if u == 1 || u > math.MaxFloat64 {
		return x
	}
	return Log(u) * (x / (u - 1))
}

// Cos is the cosine of 0 ≤ x < 1e6, as package math computes it (Cephes, sin.c): polynomials for what is left of x beside
// multiples of π/4, of which three parts are subtracted one by one.
func Cos(x float64) float64 {
	octant := int(x * (4 / math.Pi))
	octant += octant & 1
	y := float64(octant)
	z := ((x - float64(y*7.85398125648498535156e-1)) - float64(y*3.77489470793079817668e-8)) - float64(y*2.69515142907905952645e-15)
	zz := z * z
	octant &= 7
	negative := octant > 3
	if octant &= 3; octant > 1 {
		negative = !negative
	}
	var cos float64
	if octant == 2 {
		cos = z + float64(z*zz*horner(zz, 1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
			-1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1))
	} else {
		cos = 1.0 - float64(0.5*zz) + float64(zz*zz*horner(zz, -1.13585365213876817300e-11, 2.08757008419747316778e-9,
			-2.75573141792967388112e-7, 2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2))
	}
	if negative {
		return -cos
	}
	return cos
}

// Log2 is the binary logarithm, exact for powers of two.
func Log2(x float64) float64 {
	f, exponent := math.Frexp(x)
	if f == 0.5 {
		return float64(exponent - 1)
	}
	return float64(Log(f)*(1/math.Ln2)) + float64(exponent)
}

// Pow is x to the power of y, for finite x ≥ 0 and |y| < 1e6.
func Pow(x, y float64) float64 {
	switch {
	case y == 0.5 || x == 0 && y > 0:
		return math.Sqrt(x)
	case y == -0.5 || x == 0 && y < 0:
		return 1 / math.Sqrt(x)
	}
	whole, part := math.Modf(math.Abs(y))
	if part > 0.5 {
		part--
		whole++
	}
	product, exponent := 1., 0
	if part != 0 {
		product = Exp(part * Log(x))
	}
	square, e := math.Frexp(x)
	for i := int64(whole); i != 0; i >>= 1 {
		if i&1 == 1 {
			product *= square
			exponent += e
		}
		square *= square
		e <<= 1
		if square < 0.5 {
			square += square
			e--
		}
	}
	if y < 0 {
		product, exponent = 1/product, -exponent
	}
	return math.Ldexp(product, exponent)
}
