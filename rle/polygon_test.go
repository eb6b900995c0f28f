package rle

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A polygon of so many vertices is rasterised in strips, and most columns have more crossings than the usual place.
func TestPolygonInStrips(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const h, w = 70, 900
	xy := make([]float64, 2*2000)
	for i := range xy {
		xy[i] = math.Round(r.Float64()*10000)/10 - 50
		if i%2 == 1 {
			xy[i] /= 10
		}
	}
	require.Greater(t, len(xy)/2*w, 2*stripPoints)
	require.Equal(t, walkPolygon(xy, h, w), FromPolygon(xy, h, w).Runs)
}

func TestPolygonFromAnyVertexInAnyDirection(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		points := make([][2]float64, 3+r.IntN(8))
		for i := range points {
			points[i] = [2]float64{r.Float64()*60 - 10, r.Float64()*60 - 10}
		}
		flat := func() (xy []float64) {
			for _, p := range points {
				xy = append(xy, p[0], p[1])
			}
			return xy
		}
		want := FromPolygon(flat(), 40, 40)
		slices.Reverse(points)
		require.Equal(t, want, FromPolygon(flat(), 40, 40))
		points = append(points[2:], points[:2]...)
		require.Equal(t, want, FromPolygon(flat(), 40, 40))
	}
}

func TestPolygonsOfNothing(t *testing.T) {
	var r Rasterizer
	require.Equal(t, []uint32{12}, r.AppendPolygons(nil, nil, 3, 4))
	require.Equal(t, []uint32{7, 12}, r.AppendPolygons([]uint32{7}, [][]float64{{1}, nil}, 3, 4))
	require.Equal(t, []uint32{0}, FromPolygon([]float64{0, 0, 5, 0, 5, 5}, 0, 4).Runs)
	require.Panics(t, func() { FromPolygon(nil, 1<<20, 1<<20) })
}

// walkPolygon is rleFrPoly of maskApi.c line by line.
func walkPolygon(xy []float64, h, w int) []uint32 {
	// upsample and get discrete points densely along the entire boundary
	k := len(xy) / 2
	if k == 0 || w == 0 {
		return []uint32{uint32(h * w)}
	}
	x, y := make([]int, k+1), make([]int, k+1)
	for j := range k {
		x[j], y[j] = int(float64(5*xy[2*j])+.5), int(float64(5*xy[2*j+1])+.5)
	}
	x[k], y[k] = x[0], y[0]
	var u, v []int
	for j := range k {
		xs, xe, ys, ye := x[j], x[j+1], y[j], y[j+1]
		dx, dy := max(xe-xs, xs-xe), max(ys-ye, ye-ys)
		flip := dx >= dy && xs > xe || dx < dy && ys > ye
		if flip {
			xs, xe, ys, ye = xe, xs, ye, ys
		}
		if dx == 0 && dy == 0 { // 0/0 in C: v is INT_MIN, and nobody looks
			u, v = append(u, xs), append(v, math.MinInt32)
			continue
		}
		for d := range max(dx, dy) + 1 {
			t := d
			if flip {
				t = max(dx, dy) - d
			}
			if dx >= dy {
				s := float64(ye-ys) / float64(dx)
				u, v = append(u, t+xs), append(v, int(float64(ys)+float64(s*float64(t))+.5))
			} else {
				s := float64(xe-xs) / float64(dy)
				u, v = append(u, int(float64(xs)+float64(s*float64(t))+.5)), append(v, t+ys)
			}
		}
	}
	// get points along the y-boundary and downsample
	var a []uint32
	for j := 1; j < len(u); j++ {
		if u[j] == u[j-1] {
			continue
		}
		xd := (float64(min(u[j], u[j-1]))+.5)/5 - .5
		if u[j] > u[j-1] {
			xd = (float64(u[j]-1)+.5)/5 - .5
		}
		if math.Floor(xd) != xd || xd < 0 || xd > float64(w-1) {
			continue
		}
		yd := (float64(min(v[j], v[j-1]))+.5)/5 - .5
		yd = math.Ceil(min(max(yd, 0), float64(h)))
		a = append(a, uint32(int(xd)*h+int(yd)))
	}
	// compute the runs given the y-boundary points
	a = append(a, uint32(h*w))
	slices.Sort(a)
	p := uint32(0)
	for j := range a {
		a[j], p = a[j]-p, a[j]
	}
	b := a[:1:1]
	for j := 1; j < len(a); {
		if a[j] > 0 {
			b = append(b, a[j])
			j++
		} else if j += 2; j-1 < len(a) {
			b[len(b)-1] += a[j-1]
		}
	}
	return b
}

// TestPolygonProductsAreRounded holds polygons, of pycocotools 2.0.11 on x86-64 (mask.frPyObjects([p], 60, 60)), that become
// other masks where a compiler multiplies and adds in one step (S7).
func TestPolygonProductsAreRounded(t *testing.T) {
	for _, c := range []struct {
		polygon []float64
		counts  string
	}{
		{[]float64{15.0, 10.2, 40.0, 36.4, 0.0, 46.1}, "]11i12M3N1N3N2N2M2O2M3N2N1N3N2M30O2O1O1O1N2O1O1O1N2O1O1O1N2O1O1O1N2O1O2N1N2O1O1OYV1"},
		{[]float64{21.4, 3.3, 1.0, 19.0, 15.9, 1.0, 12.4, 44.2}, "^21j10000000O2O0000001N100[OLC4232NB:a0EVOa0T1M3L5K4M3LUY2"},
		{[]float64{18.0, 38.6, 33.3, 54.0, 27.0, 16.5, 7.2, 52.6}, "b`01i110O01O1O001O10O01O2N3M3N2M3M3M3M3M31O5K5K5K5K5KRa1"},
	} {
		var r Rasterizer
		m := Mask{H: 60, W: 60, Runs: r.AppendPolygons(nil, [][]float64{c.polygon}, 60, 60)}
		require.Equal(t, c.counts, m.String())
	}
}
