package rle

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bitmaps draws a size and n bitmaps of that size: noise, or boxes, or both.
func bitmaps(t *rapid.T, n int) (h, w int, bits [][]byte) {
	h, w = rapid.IntRange(0, 12).Draw(t, "h"), rapid.IntRange(0, 12).Draw(t, "w")
	for range n {
		b := make([]byte, h*w)
		for range rapid.IntRange(0, 3).Draw(t, "boxes") {
			x, y := rapid.IntRange(0, 12).Draw(t, "x"), rapid.IntRange(0, 12).Draw(t, "y")
			bw, bh := rapid.IntRange(0, 12).Draw(t, "bw"), rapid.IntRange(0, 12).Draw(t, "bh")
			for i := range b {
				if i%w >= x && i%w < x+bw && i/w >= y && i/w < y+bh {
					b[i] = 1
				}
			}
		}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, 143), 0, 20).Draw(t, "flips") {
			if i < len(b) {
				b[i] ^= 1
			}
		}
		bits = append(bits, b)
	}
	return h, w, bits
}

func TestBitmapRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, b := bitmaps(t, 1)
		m := FromBitmap(h, w, b[0])
		require.NoError(t, m.Validate())
		require.Equal(t, b[0], m.Bitmap())
		var area, odd uint64
		for _, v := range b[0] {
			area += uint64(v)
		}
		for i, r := range m.Runs {
			odd += uint64(i%2) * uint64(r)
		}
		require.Equal(t, area, m.Area())
		require.Equal(t, area, odd)
		x, y, bw, bh := m.Bounds()
		inside, edges := uint64(0), [4]bool{}
		for i, v := range b[0] {
			px, py := i%w, i/w
			if v != 0 && px >= x && px < x+bw && py >= y && py < y+bh {
				inside++
				edges = [4]bool{edges[0] || px == x, edges[1] || py == y, edges[2] || px == x+bw-1, edges[3] || py == y+bh-1}
			}
		}
		require.Equal(t, area, inside)
		require.True(t, edges[0] == (area > 0) && edges[2] == edges[0])
		if bh < h { // a run over the end of a column makes the box full height
			require.True(t, edges[1] == (area > 0) && edges[3] == edges[1])
		}
	})
}

func TestStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Mask{Runs: rapid.SliceOf(rapid.Uint32()).Draw(t, "runs")}
		runs, err := DecodeRuns([]uint32{7}, m.AppendString(nil))
		require.NoError(t, err)
		require.Equal(t, append([]uint32{7}, m.Runs...), runs)
		s, err := ScanString(3, 5, m.AppendString(nil))
		require.NoError(t, err)
		require.Equal(t, Mask{H: 3, W: 5, Runs: m.Runs}.Summary(), s)
	})
}

// Every set operation is its definition on pixels, and its runs are those of the bitmap.
func TestSetOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, b := bitmaps(t, 3)
		p, q, r := FromBitmap(h, w, b[0]), FromBitmap(h, w, b[1]), FromBitmap(h, w, b[2])
		pixels := func(f func(p, q, r bool) bool) Mask {
			out := make([]byte, h*w)
			for i := range out {
				if f(b[0][i] != 0, b[1][i] != 0, b[2][i] != 0) {
					out[i] = 1
				}
			}
			return FromBitmap(h, w, out)
		}
		require.Equal(t, pixels(func(p, q, r bool) bool { return p || q || r }), Union(p, q, r))
		require.Equal(t, pixels(func(p, q, r bool) bool { return p && q && r }), Intersect(p, q, r))
		require.Equal(t, pixels(func(p, q, _ bool) bool { return p && !q }), Difference(p, q))
		require.Equal(t, Union(p, q), Union(q, p))
		require.Equal(t, Intersect(Union(p, q), r), Union(Intersect(p, r), Intersect(q, r)))
		require.Equal(t, Difference(p, Union(q, r)), Intersect(Difference(p, q), Difference(p, r)))
		require.Equal(t, p.Area()+q.Area(), Union(p, q).Area()+Intersect(p, q).Area())

		i := Intersect(p, q).Area()
		require.Equal(t, i, IntersectionArea(p.Runs, q.Runs))
		require.Equal(t, IoU(p, q, false), IoU(q, p, false))
		if i > 0 {
			require.Equal(t, float64(i)/float64(Union(p, q).Area()), IoU(p, q, false))
			require.Equal(t, float64(i)/float64(p.Area()), IoU(p, q, true))
		} else {
			require.Zero(t, IoU(p, q, false))
		}
	})
}

func TestBuilder(t *testing.T) {
	var b Builder
	rapid.Check(t, func(t *rapid.T) {
		h, w, bits := bitmaps(t, 1)
		m := FromBitmap(h, w, bits[0])
		b.Reset(h, w)
		columnMajor := make([]byte, 0, h*w)
		for x := range w {
			for y := range h {
				columnMajor = append(columnMajor, bits[0][y*w+x])
			}
		}
		for p := 0; p < len(columnMajor); {
			n := rapid.IntRange(0, len(columnMajor)-p).Draw(t, "n")
			if n == 0 {
				b.Run(columnMajor[p] != 0, 1)
				p++
				continue
			}
			b.Column(columnMajor[p : p+n])
			p += n
		}
		require.Equal(t, m, b.Mask())

		b.Reset(h, w) // whatever is not told is background
		require.Equal(t, FromBitmap(h, w, make([]byte, h*w)), b.Mask())
	})
	require.PanicsWithValue(t, "rle: more pixels than the mask has", func() { b.Reset(2, 2); b.Run(true, 5) })
}

func TestSetOperationsOnDifferentSizes(t *testing.T) {
	a, b := Mask{H: 2, W: 2, Runs: []uint32{0, 4}}, Mask{H: 4, W: 1, Runs: []uint32{0, 4}}
	require.Equal(t, Mask{}, Union(a, b)) // as rleMerge
	require.Equal(t, Mask{}, Intersect(a, b))
	require.Equal(t, Mask{}, Difference(a, b))
	require.Equal(t, Mask{}, Union())
}
