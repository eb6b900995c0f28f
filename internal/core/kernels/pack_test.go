package kernels

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPackIntoScales holds weights that are scaled while they are packed against weights that are scaled before.
func TestPackIntoScales(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(9)
		for _, shape := range [][4]int{{1, 1, 7, 1}, {3, 3, 5, 20}, {1, 1, 100, 91}, {2, 3, 33, 64}} {
			kh, kw, c, n := shape[0], shape[1], shape[2], shape[3]
			weights, bias := normal(rng, kh*kw*c*n), normal(rng, n)
			scale := make([]float64, n)
			scaled := make([]float32, len(weights))
			for i := range scale {
				scale[i] = rng.NormFloat64()
			}
			for i, w := range weights {
				scaled[i] = float32(float64(w) * scale[i%n])
			}
			need := s.PackedFloats(kh, kw, c, n)
			room := Alloc(need + 16)
			got := s.PackInto(room, weights, kh, kw, c, n, scale, bias)
			require.Equal(t, s.Pack(scaled, kh, kw, c, n, bias), got)
			require.Equal(t, 4*need, got.Bytes())
			require.Equal(t, make([]float32, 16), room[need:])
		}
	})
}
