package kernels

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var rounds = flag.Int("rounds", 2000, "random shapes per kernel and set")

// eachSet runs test for every set of this machine.
func eachSet(t *testing.T, test func(t *testing.T, s *Set)) {
	for _, s := range Sets() {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 12)) }

// fill sets x to numbers around zero; if special, a few of them to NaN, infinities, zeros, tiny and huge numbers.
func fill(rng *rand.Rand, x []float32, special bool) {
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	if !special || len(x) == 0 {
		return
	}
	inf := float32(math.Inf(1))
	values := []float32{float32(math.NaN()), inf, -inf, 0, float32(math.Copysign(0, -1)), 1e-42, -1e-42, math.MaxFloat32, -math.MaxFloat32}
	for range 1 + len(x)/64 {
		x[rng.IntN(len(x))] = values[rng.IntN(len(values))]
	}
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	fill(rng, x, false)
	return x
}

// fma32 is x*y + z rounded once. The product is exact in float64; the sum is rounded to odd, so that rounding it again
// to float32 gives the correctly rounded result (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums").
func fma32(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	sum := p + c
	b := sum - p
	rest := (p - (sum - b)) + (c - b)
	if bits := math.Float64bits(sum); rest != 0 && rest == rest && bits&1 == 0 && !math.IsInf(sum, 0) {
		if (rest > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}

func TestFMAIsRoundedOnce(t *testing.T) {
	// 1 + 2⁻²⁴ lies between two floats; the product's last bit, far below float64's reach, decides.
	eps := float32(math.Ldexp(1, -24))
	require.Equal(t, float32(1), fma32(eps, 1, 1))
	require.Equal(t, 1+2*eps, fma32(eps, 1+2*eps, 1))
	require.Equal(t, 1+2*eps, fma32(float32(math.Ldexp(1, -60)), 1, fma32(eps, 1+2*eps, 1)))
	require.Equal(t, float32(math.Ldexp(1, 24)+2), fma32(1+eps*2, 1+eps*2, float32(math.Ldexp(1, 24))))
}

// mulAdd is how a set adds a product to a sum.
func mulAdd(s *Set) func(x, y, z float32) float32 {
	if s == &generic {
		return func(x, y, z float32) float32 { return float32(x*y) + z }
	}
	return fma32
}

// canary fills memory that no kernel may write.
var canary = math.Float32frombits(0x7fc0cafe)

// requireSame compares bit by bit, NaNs as one value, canaries exactly.
func requireSame(t *testing.T, want, got []float32, what any) {
	t.Helper()
	for i := range want {
		w, g := math.Float32bits(want[i]), math.Float32bits(got[i])
		if w == g || want[i] != want[i] && got[i] != got[i] && w != math.Float32bits(canary) {
			continue
		}
		require.Failf(t, "different", "at %d: want %v (%08x), got %v (%08x): %v", i, want[i], w, got[i], g, what)
	}
}
