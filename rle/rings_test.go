package rle

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPolygonsOfSmallMasks(t *testing.T) {
	for _, c := range []struct {
		name   string
		h, w   int
		pixels string
		want   []Ring
	}{
		{"nothing", 2, 2, "....", nil},
		{"one pixel", 1, 1, "#", []Ring{{XY: []float64{0, 0, 1, 0, 1, 1, 0, 1}}}},
		{"an L", 2, 2, "#." + "##", []Ring{{XY: []float64{0, 0, 1, 0, 1, 1, 2, 1, 2, 2, 0, 2}}}},
		{"two pixels that touch", 2, 2, "#." + ".#", []Ring{
			{XY: []float64{0, 0, 1, 0, 1, 1, 0, 1}}, {XY: []float64{1, 1, 2, 1, 2, 2, 1, 2}},
		}},
		{"a hole", 3, 3, "###" + "#.#" + "###", []Ring{
			{XY: []float64{0, 0, 3, 0, 3, 3, 0, 3}},
			{XY: []float64{1, 1, 1, 2, 2, 2, 2, 1}, Hole: true},
		}},
	} {
		bits := make([]byte, len(c.pixels))
		for i := range bits {
			if c.pixels[i] == '#' {
				bits[i] = 1
			}
		}
		require.Equal(t, c.want, FromBitmap(c.h, c.w, bits).Polygons(), c.name)
	}
}

// insideEvenOdd says whether the centre of pixel (x, y) is inside the rings by the even-odd rule.
func insideEvenOdd(rings []Ring, x, y int) bool {
	inside := false
	for _, r := range rings {
		for i := 0; i < len(r.XY); i += 2 {
			j := (i + 2) % len(r.XY)
			if r.XY[i] == r.XY[j] && r.XY[i] > float64(x) && // a vertical edge on the right
				min(r.XY[i+1], r.XY[j+1]) <= float64(y) && float64(y) < max(r.XY[i+1], r.XY[j+1]) {
				inside = !inside
			}
		}
	}
	return inside
}

func TestPolygonsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w, bits := bitmaps(t, 1)
		m := FromBitmap(h, w, bits[0])
		rings := m.Polygons()
		filled := make([]byte, h*w)
		for i := range filled {
			if insideEvenOdd(rings, i%w, i/w) {
				filled[i] = 1
			}
		}
		require.Equal(t, m, FromBitmap(h, w, filled))

		back := FromPolygon(nil, h, w)
		outer, holes := back, back
		area := 0.0
		for _, r := range rings {
			p := FromPolygon(r.XY, h, w)
			back = Union(Difference(back, p), Difference(p, back))
			if r.Hole {
				holes = Union(holes, p)
			} else {
				outer = Union(outer, p)
			}
			for i := 0; i < len(r.XY); i += 2 {
				j := (i + 2) % len(r.XY)
				require.True(t, (r.XY[i] == r.XY[j]) != (r.XY[i+1] == r.XY[j+1]), "one step along the grid")
				area += (r.XY[i]*r.XY[j+1] - r.XY[j]*r.XY[i+1]) / 2
			}
		}
		require.Equal(t, m, back)
		require.Equal(t, m, Intersect(m, outer))
		require.Equal(t, float64(m.Area()), area)
		require.Equal(t, Difference(outer, m).Area(), holes.Area()-Intersect(holes, m).Area())
	})
}
