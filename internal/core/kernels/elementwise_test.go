package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// guardedRandom returns a function that makes slices of n random floats, special ones included, at the edges of
// memory that may not be touched. Each of the slices that are alive together needs a number of its own.
func guardedRandom(t *testing.T, rng *rand.Rand, slices, most int) func(i, n int) []float32 {
	guards := make([]*guard, slices)
	for i := range guards {
		guards[i] = newGuard(t, most)
	}
	return func(i, n int) []float32 {
		x := guards[i].floats(n, rng.IntN(2) == 0)
		fill(rng, x, true)
		return x
	}
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

func TestAddAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(1)
		make := guardedRandom(t, rng, 3, 9000)
		for range *rounds {
			n, act := rng.IntN(200), Activation(rng.IntN(2))
			if rng.IntN(100) == 0 {
				n = rng.IntN(9000)
			}
			a, b, dst := make(0, n), make(1, n), make(2, n)
			switch rng.IntN(4) {
			case 0:
				dst = a
			case 1:
				dst = b
			}
			want := clone(a)
			for i := range want {
				want[i] = scalar[act](a[i] + b[i])
			}
			s.Add(dst, a, b, act)
			requireSame(t, want, dst, n)
		}
	})
}

func TestMaxAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(2)
		make := guardedRandom(t, rng, 2, 200)
		for range *rounds {
			n := rng.IntN(200)
			dst, a := make(0, n), make(1, n)
			want := clone(dst)
			for i, d := range want {
				if !(d > a[i]) && d == d {
					want[i] = a[i]
				}
			}
			s.Max(dst, a)
			requireSame(t, want, dst, n)
		}
	})
}

func TestBlend4AgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(3)
		make := guardedRandom(t, rng, 5, 200)
		for range *rounds {
			n := rng.IntN(200)
			dst, p := make(0, n), [4][]float32{make(1, n), make(2, n), make(3, n), make(4, n)}
			w := [4]float32{rng.Float32(), rng.Float32(), rng.Float32(), rng.Float32()}
			want := clone(dst)
			for i := range want {
				want[i] = p[0][i] * w[0]
				for j := 1; j < 4; j++ {
					want[i] = mulAdd(s)(p[j][i], w[j], want[i])
				}
			}
			s.Blend4(dst, p[0], p[1], p[2], p[3], w[0], w[1], w[2], w[3])
			requireSame(t, want, dst, n)
		}
	})
}

func TestPiecewiseActivationsAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(4)
		make := guardedRandom(t, rng, 1, 200)
		for range *rounds {
			act := []Activation{None, Relu, HardSwish, HardSigmoid}[rng.IntN(4)]
			x := make(0, rng.IntN(200))
			want := clone(x)
			for i, v := range want {
				want[i] = scalar[act](v)
			}
			s.Activate(x, act)
			requireSame(t, want, x, act)
		}
	})
}

// Sigmoid and swish stay within 4 units in the last place of the exact value over the whole range of exponents, and
// reach their limits.
func TestSmoothActivationsNearExact(t *testing.T) {
	inf := float32(math.Inf(1))
	eachSet(t, func(t *testing.T, s *Set) {
		var x []float32
		for bits := uint64(0); bits < 1<<32; bits += 4099 {
			x = append(x, math.Float32frombits(uint32(bits)))
		}
		for v := float32(-110); v < 110; v += 1. / 128 {
			x = append(x, v)
		}
		x = append(x, inf, -inf, 0)
		for _, act := range []Activation{Sigmoid, Swish} {
			got := clone(x)
			s.Activate(got, act)
			worst := 0.0
			for i, v := range x {
				want := 1 / (1 + math.Exp(-float64(v)))
				if act == Swish {
					want *= float64(v)
				}
				if math.IsNaN(want) {
					require.True(t, got[i] != got[i], "%v(%v) = %v", act, v, got[i])
					continue
				}
				if math.Abs(want) > math.MaxFloat32 {
					require.Equal(t, float32(want), got[i])
					continue
				}
				if math.Abs(want) < 1e-36 { // exp(-x) is infinite
					require.InDelta(t, want, got[i], 1e-36)
					continue
				}
				unit := math.Ldexp(1, math.Ilogb(want)-23)
				worst = max(worst, math.Abs(float64(got[i])-want)/unit)
			}
			t.Logf("%v: at most %.2f units", act, worst)
			require.Less(t, worst, 4.0)
		}
	})
}

func TestSmoothActivationsSameInAllAssembly(t *testing.T) {
	sets := assembly()
	if len(sets) < 2 {
		t.Skip("this machine has fewer than two assembly sets")
	}
	x := make([]float32, 1<<16)
	fill(newRand(5), x, true)
	for i := range x {
		x[i] *= 30
	}
	for _, act := range []Activation{Sigmoid, Swish} {
		a, b := clone(x), clone(x)
		sets[0].Activate(a, act)
		sets[1].Activate(b, act)
		requireSame(t, a, b, act)
	}
}

func TestElementwisePanicsOnOtherLengths(t *testing.T) {
	s, x, y := Best(), make([]float32, 5), make([]float32, 4)
	require.PanicsWithValue(t, lengths, func() { s.Add(x, x, y, None) })
	require.PanicsWithValue(t, lengths, func() { s.Add(x, y, x, None) })
	require.PanicsWithValue(t, lengths, func() { s.Max(x, y) })
	require.PanicsWithValue(t, lengths, func() { s.Blend4(x, x, x, x, y, 0, 0, 0, 0) })
}
