package overlay

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/rle"
)

func mask(w, h int, inside func(x, y int) bool) rle.Mask {
	bits := make([]byte, w*h)
	for i := range bits {
		if inside(i%w, i/w) {
			bits[i] = 1
		}
	}
	return rle.FromBitmap(h, w, bits)
}

// area of a closed line, positive if it runs clockwise as seen with y downwards.
func area(line []point) (a float64) {
	for i, p := range line {
		q := line[(i+1)%len(line)]
		a += (p.x*q.y - q.x*p.y) / 2
	}
	return a
}

func TestContoursOfADiscAreRound(t *testing.T) {
	for _, r := range []float64{4, 7.5, 20, 60} {
		n := int(2*r) + 5
		c := float64(n) / 2
		disc := mask(n, n, func(x, y int) bool { return math.Hypot(float64(x)+0.5-c, float64(y)+0.5-c) < r })
		loops := contours(disc)
		require.Len(t, loops, 1)
		for _, p := range loops[0] {
			require.InDelta(t, r, math.Hypot(p.x-c, p.y-c), 0.5, "radius %g", r)
		}
		require.InEpsilon(t, float64(disc.Area()), area(loops[0]), 0.03, "radius %g", r)
	}
}

// The border of a half plane is a staircase of long steps; its outline is a straight line, away from the ends.
func TestContoursOfASlopeHaveNoSteps(t *testing.T) {
	for _, slope := range []float64{0, 0.1, 0.3, 0.5, 1, 2.5} {
		loops := contours(mask(100, 100, func(x, y int) bool { return float64(y)+0.5 > 20+slope*(float64(x)+0.5-10) }))
		require.Len(t, loops, 1)
		checked, low, high := 0, 9.0, -9.0
		for _, p := range loops[0] {
			off := (p.y - 20 - slope*(p.x-10)) / math.Hypot(1, slope)
			if p.x < 14 || p.x > 86 || p.y < 14 || p.y > 86 || math.Abs(off) > 2 {
				continue
			}
			low, high = min(low, off), max(high, off)
			checked++
		}
		require.LessOrEqual(t, high-low, 0.2, "slope %g", slope)
		require.LessOrEqual(t, max(high, -low), 0.6, "slope %g", slope)
		require.Greater(t, checked, 20)
	}
}

func TestContoursFollowTheTopology(t *testing.T) {
	ring := contours(mask(20, 20, func(x, y int) bool {
		return x > 2 && x < 17 && y > 2 && y < 17 && !(x > 6 && x < 13 && y > 6 && y < 13)
	}))
	require.Len(t, ring, 2)
	require.InEpsilon(t, 196, area(ring[0]), 0.05)
	require.InEpsilon(t, -36, area(ring[1]), 0.15, "holes run the other way around")

	require.Len(t, contours(mask(4, 4, func(x, y int) bool { return x == y && x < 2 })), 2, "corners do not connect")
	dot := contours(mask(3, 3, func(x, y int) bool { return x == 1 && y == 1 }))
	require.Len(t, dot, 1)
	require.Greater(t, area(dot[0]), 0.3)
	full := contours(mask(5, 4, func(x, y int) bool { return true }))
	require.Len(t, full, 1)
	require.Empty(t, contours(mask(5, 4, func(x, y int) bool { return false })))
	require.Empty(t, contours(rle.Mask{}))
}
