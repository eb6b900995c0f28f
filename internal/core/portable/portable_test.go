package portable

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"
)

// arguments are numbers of all sizes, among them those where the functions change their ways.
func arguments(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 2, math.Inf(1), math.Inf(-1), math.MaxFloat64, 0x1p-1022, 709.78, 709.79, -708.3, -708.4, -745.1, -745.2, -746, -747, -1e300, math.Sqrt2 / 2}
	for range n {
		x = append(x, float64(20*rng.Float64())-10, float64(1500*rng.Float64())-750, math.Ldexp(1+rng.Float64(), rng.IntN(200)-100))
	}
	return x
}

// bits applies a function to all arguments and sums up the results.
func bits(f func(float64) float64, x []float64) uint64 {
	h := fnv.New64a()
	for _, v := range x {
		b := math.Float64bits(f(v))
		for i := range 8 {
			h.Write([]byte{byte(b >> (8 * i))})
		}
	}
	return h.Sum64()
}

// positive leaves out what makes NaN.
func positive(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 { return f(math.Abs(x)) }
}

// power takes arguments of up to 100.
func power(f func(x, y float64) float64) func(float64) float64 {
	return func(x float64) float64 { return f(1.5, math.Remainder(min(max(x, -1e3), 1e3), 100)) }
}

// angle takes arguments up to a turn.
func angle(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 { return f(math.Abs(math.Remainder(min(max(x, -1e3), 1e3), 4*math.Pi))) }
}

var functions = []struct {
	name       string
	ours, math func(float64) float64
	sum        uint64 // of math's results on amd64, Go 1.26.8
}{
	{"Exp", Exp, math.Exp, 0xd551d4a17e65e812},
	{"Log", positive(Log), positive(math.Log), 0xeb9c4083b8a34862},
	{"Cos", angle(Cos), angle(math.Cos), 0xeb13c118c7a4e4dd},
	{"Log2", positive(Log2), positive(math.Log2), 0xf5a5e821e6257c39},
	{"Pow", power(Pow), power(math.Pow), 0x55e44fab6b19710},
}

func TestSameBitsEverywhere(t *testing.T) {
	for _, f := range functions {
		require.Equal(t, f.sum, bits(f.ours, arguments(50_000)), f.name)
	}
}

func TestSameAsMathOfAMD64(t *testing.T) {
	if runtime.GOARCH != "amd64" || !cpu.X86.HasFMA {
		t.Skip("this is not the machine")
	}
	for _, f := range functions {
		for _, x := range arguments(50_000) {
			require.Equal(t, math.Float64bits(f.math(x)), math.Float64bits(f.ours(x)), "%s(%v)", f.name, x)
		}
	}
}

func TestNearExact(t *testing.T) {
	for _, f := range functions {
		for _, x := range arguments(5_000) {
			if want := f.math(x); math.Abs(want) > 1e-300 && math.Abs(want) < 1e308 {
				require.InEpsilon(t, want, f.ours(x), 1e-13, "%s(%v)", f.name, x)
			}
		}
	}
}

func TestLog1pNearExact(t *testing.T) {
	for _, x := range []float64{0, 1, -0.5, 1e-300, 1e-17, -1e-17, 1e-9, 0x1p-53, 0x1p-52, 0.3, 1e9, 1e300} {
		require.InDelta(t, math.Log1p(x), Log1p(x), 1e-15*math.Abs(math.Log1p(x)), x)
	}
	require.Equal(t, math.Inf(-1), Log1p(-1))
	require.True(t, math.IsNaN(Log1p(math.NaN())) && math.IsNaN(Log1p(-2)))
}

func TestPowOfNothing(t *testing.T) {
	for _, y := range []float64{0, 0.3, 0.5, 1, 1.7, 2, -0.3, -0.5, -2} {
		require.Equal(t, math.Pow(0, y), Pow(0, y), y)
	}
}

func TestNaN(t *testing.T) {
	require.True(t, math.IsNaN(Exp(math.NaN())))
	require.True(t, math.IsNaN(Log(math.NaN())))
	require.True(t, math.IsNaN(Log(-1)))
}
