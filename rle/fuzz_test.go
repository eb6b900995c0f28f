package rle

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDecode(f *testing.F) {
	f.Add(uint16(80), uint16(100), []byte("ji4d0l10000000000000000000000000000000000000V^1"))
	f.Add(uint16(80), uint16(100), []byte("T3b1d0"))                // too few pixels
	f.Add(uint16(80), uint16(100), []byte("T3Xl4d0XPc2"))           // too many
	f.Add(uint16(80), uint16(100), []byte("\x01\x01\x7f~~~"))       // not the alphabet
	f.Add(uint16(80), uint16(100), []byte("oooo"))                  // cut off
	f.Add(uint16(3), uint16(4), []byte("00048"))                    // zero runs
	f.Add(uint16(3), uint16(4), []byte("340O"))                     // a run below zero
	f.Add(uint16(0), uint16(0), []byte(""))                         //
	f.Add(uint16(1), uint16(65535), []byte("oooooo?PPPPPP0oooooo")) // long numbers
	f.Fuzz(func(t *testing.T, h, w uint16, counts []byte) {
		runs, err := DecodeRuns(nil, counts)
		summary, scanErr := ScanString(int(h), int(w), counts)
		require.Equal(t, err, scanErr)
		m, strictErr := Decode(int(h), int(w), counts)
		if err != nil {
			require.Equal(t, err, strictErr)
			return
		}
		require.LessOrEqual(t, len(runs), len(counts))
		loose := Mask{H: int(h), W: int(w), Runs: runs}
		require.Equal(t, summarize(loose), summary)
		require.Equal(t, summary, loose.Summary())
		again, err := DecodeRuns(nil, loose.AppendString(nil))
		require.NoError(t, err)
		require.True(t, slices.Equal(runs, again))
		require.Equal(t, loose.Validate() == nil, strictErr == nil)
		IoU(loose, FromBox(0, 0, float64(w)/2, float64(h), int(h), int(w)), false) // ends
		if strictErr != nil || int(h)*int(w) > 1<<16 {
			return
		}
		require.True(t, slices.Equal(runs, m.Runs))
		bits := m.Bitmap()
		regular := FromBitmap(m.H, m.W, bits)
		require.Equal(t, m.Area(), regular.Area())
		require.Equal(t, summary.Regular, slices.Equal(regular.Runs, m.Runs) || len(m.Runs) == 0)
		require.Equal(t, regular.Runs, Union(m, m).Runs)
		require.Equal(t, regular.Boundary(1), m.Boundary(1))
		require.Equal(t, regular.Polygons(), m.Polygons())
	})
}

func FuzzPolygon(f *testing.F) {
	seed := func(h, w uint8, xy ...float64) {
		var data []byte
		for _, v := range xy {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		f.Add(h, w, data)
	}
	seed(6, 6, 1, 1, 4, 1, 4, 4, 1, 4)
	seed(9, 5, 0.3, 0.1, 3.9, 9.7, 0.2, 5.5)
	seed(20, 30, -5, -3.3, 40, 7.1, 12, 12, 12, 12, 3, 50, 2)
	seed(5, 5, 2, 2, 2, 2, 2, 2)
	seed(0, 7, 1, 1, 4, 1, 4, 4)
	seed(200, 255, 0, 0, 1e9, 1e9, -1e9, 3e9, math.Inf(1), math.NaN())
	f.Fuzz(func(t *testing.T, h, w uint8, data []byte) {
		var xy []float64
		extent := 0.0
		for ; len(data) >= 8 && len(xy) < 200; data = data[8:] {
			v := math.Float64frombits(binary.LittleEndian.Uint64(data))
			xy = append(xy, v)
			extent = math.Max(extent, math.Abs(v)) // NaN stays NaN
		}
		m := FromPolygon(xy, int(h), int(w))
		require.NoError(t, m.Validate())
		require.True(t, m.Summary().Regular)
		if extent < 1e4 {
			require.Equal(t, walkPolygon(xy, int(h), int(w)), m.Runs)
		}
	})
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
