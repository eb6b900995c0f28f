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
