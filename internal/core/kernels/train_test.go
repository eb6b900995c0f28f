package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The operations of training against their loops, with slices at the edges of memory
// that may not be touched: fused products round once where the loops round twice.
func TestTrainingAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(21)
		const most = 40 * 70
		make := guardedTraining(t, rng, 10, most)
		plain := &generic
		for range *rounds {
			c, pixels := 1+rng.IntN(70), 1+rng.IntN(40)
			n := c * pixels
			scale, shift, a, b, d := make(0, c), make(1, c), make(2, c), make(3, c), make(4, c)
			x, g, dx := make(5, n), make(6, n), make(7, n)
			past := rng.IntN(2) == 0
			act, add := []Activation{Relu, Swish, Sigmoid, HardSwish, HardSigmoid, None}[rng.IntN(6)], rng.IntN(2) == 0

			want, got := clone(dx), clone(dx)
			plain.SlopeTimes(want, g, x, act, add)
			s.SlopeTimes(got, g, x, act, add)
			requireRounded(t, want, got, 1e-6, 1)
			copy(dx, want)
			s.SlopeTimes(dx, g, x, act, false)

			plain.Affine(want, x, scale, shift, act, past)
			s.Affine(dx, x, scale, shift, act, past)
			requireRounded(t, want, dx, 2e-6, 1)

			plain.AffineAdd(want, g, x, scale, shift, Relu, past)
			s.AffineAdd(dx, g, x, scale, shift, Relu, past)
			requireRounded(t, want, dx, 2e-6, 1)
			plain.AffineAdd(want, want, x, scale, shift, None, past)
			s.AffineAdd(dx, dx, x, scale, shift, None, past)
			requireRounded(t, want, dx, 4e-6, 1)

			sum, square := make(8, c), make(9, c)
			w0, w1 := clone(sum), clone(square)
			plain.SumSquares(w0, w1, x)
			s.SumSquares(sum, square, x)
			requireRounded(t, w0, sum, 1e-6, pixels)
			requireRounded(t, w1, square, 1e-6, pixels)

			sum, square = make(8, c), make(9, c)
			w0, w1 = clone(sum), clone(square)
			var behind *BehindRelu
			if rng.IntN(2) == 0 {
				behind = &BehindRelu{scale, shift}
			}
			plain.NormSums(w0, w1, g, x, a, b, behind)
			s.NormSums(sum, square, g, x, a, b, behind)
			requireRounded(t, w0, sum, 1e-6, pixels)
			requireRounded(t, w1, square, 1e-6, pixels)

			want = clone(dx)
			plain.NormGrad(want, g, x, a, b, d, behind, add, past)
			s.NormGrad(dx, g, x, a, b, d, behind, add, past)
			requireRounded(t, want, dx, 4e-6, 1)
		}
	})
}

// avx2 and avx512 do the same operations in the same order.
func TestTrainingIsTheSameForAllAssembly(t *testing.T) {
	sets := Sets()[1:]
	if len(sets) < 2 {
		t.Skip("this machine runs one set of assembly")
	}
	rng := newRand(22)
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	for range *rounds {
		c, pixels := 1+rng.IntN(70), 1+rng.IntN(40)
		p := [5][]float32{random(c), random(c), random(c), random(c), random(c)}
		x, g, start := random(c*pixels), random(c*pixels), random(c*pixels)
		var first [][]float32
		for _, s := range sets {
			y, sum, square, dx, slope := make([]float32, c*pixels), clone(p[0]), clone(p[1]), clone(start), clone(start)
			behind := &BehindRelu{p[2], p[3]}
			s.Affine(y, x, p[0], p[1], Relu, true)
			s.NormSums(sum, square, g, x, p[2], p[3], behind)
			s.NormSums(sum, square, g, x, p[2], p[3], nil)
			s.SumSquares(sum, square, x)
			s.AffineAdd(y, y, x, p[3], p[4], Relu, true)
			s.NormGrad(dx, g, x, p[0], p[1], p[2], behind, true, false)
			s.NormGrad(dx, g, x, p[2], p[3], p[4], nil, false, true)
			s.SlopeTimes(slope, g, x, Swish, true)
			all := [][]float32{y, sum, square, dx, slope}
			if first == nil {
				first = all
			}
			require.Equal(t, first, all, s.Name)
		}
	}
}

// guardedTraining makes slices as guardedRandom does, of ordinary numbers.
func guardedTraining(t *testing.T, rng *rand.Rand, slices, most int) func(i, n int) []float32 {
	guards := make([]*guard, slices)
	for i := range guards {
		guards[i] = newGuard(t, most)
	}
	return func(i, n int) []float32 {
		x := guards[i].floats(n, rng.IntN(2) == 0)
		for k := range x {
			x[k] = float32(rng.NormFloat64())
		}
		return x
	}
}

// requireRounded wants values that differ by roundings of so many terms of about 1.
func requireRounded(t *testing.T, want, got []float32, tolerance float64, terms int) {
	t.Helper()
	for i := range want {
		require.InDelta(t, want[i], got[i], tolerance*(math.Abs(float64(want[i]))+4*float64(terms)), "element %d of %d", i, len(want))
	}
}
