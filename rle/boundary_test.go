package rle

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// erodeBitmap is d rounds of a 3×3 erosion of a row-major bitmap on background.
func erodeBitmap(h, w, d int, bits []byte) []byte {
	for range d {
		out := make([]byte, len(bits))
		for i := range bits {
			out[i] = 1
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					x, y := i%w+dx, i/w+dy
					if x < 0 || x >= w || y < 0 || y >= h || bits[y*w+x] == 0 {
						out[i] = 0
					}
				}
			}
		}
		bits = out
	}
	return bits
}

func TestBoundaryIsErosionOfBitmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, bits := bitmaps(t, 1)
		d := rapid.IntRange(0, 4).Draw(t, "d")
		m := FromBitmap(h, w, bits[0])
		eroded := FromBitmap(h, w, erodeBitmap(h, w, d, bits[0]))
		require.Equal(t, eroded, m.erode(d))
		require.Equal(t, Difference(m, eroded), m.Boundary(d))
	})
}

func TestBoundaryOfZeroRuns(t *testing.T) {
	m := Mask{H: 5, W: 5, Runs: []uint32{0, 3, 0, 9, 0, 13}} // all foreground, in pieces
	require.Equal(t, []uint32{6, 3, 2, 3, 2, 3, 6}, m.erode(1).Runs)
}

func TestBoundaryDilation(t *testing.T) {
	// int(round(0.02 * np.sqrt(h ** 2 + w ** 2))), at least 1: Python 3.11, numpy 2.4
	for _, c := range []struct{ h, w, want int }{
		{1, 1, 1}, {45, 60, 2}, {480, 640, 16}, {427, 640, 15}, {1080, 1920, 44}, {100, 75, 2},
		{75, 100, 2}, {105, 140, 4}, {165, 220, 6},
	} {
		require.Equal(t, c.want, BoundaryDilation(c.h, c.w), "%d×%d", c.h, c.w)
	}
}

func TestBoundaryIoU(t *testing.T) {
	a, b := FromBox(0, 0, 10, 10, 20, 20), FromBox(2, 0, 10, 10, 20, 20)
	ab, bb := a.Boundary(1), b.Boundary(1)
	require.Equal(t, uint64(36), ab.Area())
	require.Equal(t, 80.0/120, IoU(a, b, false))
	require.Equal(t, 16.0/56, BoundaryIoU(a, b, ab, bb, false)) // rows 0 and 9 of 8 columns
	require.Equal(t, 80.0/100, BoundaryIoU(a, b, ab, bb, true))
}
