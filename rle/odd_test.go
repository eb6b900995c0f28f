package rle

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values of pycocotools 2.0.11: mask.iou, mask.toBbox and mask.area of frPyObjects({'size': [3, 4], 'counts': …}, 3, 4).
// Zero runs that end in both masks at once end rleIou's loop.
func TestIoUOfOddRuns(t *testing.T) {
	never := math.NaN() // pycocotools gives no answer
	for _, c := range []struct {
		name   string
		dt, gt []uint32
		crowd  bool
		want   float64
	}{
		{"zero runs first in both", []uint32{0, 0, 0, 4, 8}, []uint32{0, 0, 0, 4, 8}, false, 0},
		{"zero runs in one", []uint32{0, 0, 0, 4, 8}, []uint32{0, 4, 8}, false, 1},
		{"zero runs in both, apart", []uint32{2, 2, 0, 2, 6}, []uint32{3, 2, 0, 2, 5}, false, 0x1.3333333333333p-1},
		{"zero runs in both, together", []uint32{2, 2, 0, 2, 6}, []uint32{2, 2, 0, 2, 6}, false, 1},
		{"crowd", []uint32{2, 2, 0, 2, 6}, []uint32{1, 3, 0, 2, 6}, true, 0.5},
		{"short, boxes apart", []uint32{0, 2, 1}, []uint32{6, 2, 4}, false, 0},
		{"both short alike", []uint32{0, 2, 1}, []uint32{1, 2}, false, 0x1.5555555555555p-2},
		{"short", []uint32{0, 2, 1}, []uint32{0, 4, 8}, false, never},
		{"no pixel", []uint32{5, 0}, []uint32{5, 0}, false, 0},
		{"no run", nil, []uint32{0, 12}, false, 0},
	} {
		got := IoU(Mask{3, 4, c.dt}, Mask{3, 4, c.gt}, c.crowd)
		if math.IsNaN(c.want) {
			require.True(t, math.IsNaN(got), c.name)
		} else {
			require.Equal(t, c.want, got, c.name)
		}
	}
}

func TestSummaryOfOddRuns(t *testing.T) {
	// toBbox: [4.0, 3.0, 4294967293.0, 4294967294.0], area 0
	require.Equal(t, Summary{X: 4, Y: 3, W: 4294967293, H: 4294967294, Runs: 2, Sum: 5}, Mask{3, 4, []uint32{5, 0}}.Summary())
	x, y, w, h := Mask{3, 4, []uint32{5, 0}}.Bounds()
	require.Equal(t, [4]int{}, [4]int{x, y, w, h})
	// toBbox: [0.0, 0.0, 2.0, 3.0], area 4
	require.Equal(t, Summary{W: 2, H: 3, Area: 4, Runs: 5, Sum: 12}, Mask{3, 4, []uint32{0, 0, 0, 4, 8}}.Summary())
	require.Equal(t, Summary{Runs: 2, Area: 3, Sum: 3}, Mask{0, 4, []uint32{0, 3}}.Summary(), "no division by zero")
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct {
		h, w   int
		counts string
		want   string
	}{
		{80, 100, "\x01\x01\x7f~~~", `rle: offset 0: character '\x01' is not in the alphabet`},
		{80, 100, "T3bp", `rle: offset 3: character 'p' is not in the alphabet`},
		{80, 100, "4ooo", "rle: offset 1: number is cut off by the end"},
		{80, 100, "4oooooooo0", "rle: offset 1: number of more than 7 characters"},
		{80, 100, "T3b1d0", "rle: runs sum to 170, want 80×100 = 8000"},
		{80, 100, "T3Xl4d0XPc2", "rle: offset 7: run 3 ends after the 80×100 pixels"},
		{3, 4, "14K6", "rle: offset 2: run 2 ends after the 3×4 pixels"}, // below zero
		{-1, 4, "", "rle: size -1×4, want at most 4294967295 pixels"},
		{1 << 40, 1 << 40, "", "rle: size 1099511627776×1099511627776, want at most 4294967295 pixels"},
		{3, 4, "", "rle: runs sum to 0, want 3×4 = 12"},
	} {
		_, err := Decode(c.h, c.w, []byte(c.counts))
		require.EqualError(t, err, c.want)
	}
}

func TestLargestMask(t *testing.T) {
	m := Mask{H: 1<<16 - 1, W: 1<<16 + 1, Runs: []uint32{0, MaxPixels}}
	require.NoError(t, m.Validate())
	decoded, err := Decode(m.H, m.W, m.AppendString(nil))
	require.NoError(t, err)
	require.Equal(t, m, decoded)
	require.Equal(t, uint64(MaxPixels), m.Area())
	require.Equal(t, 1.0, IoU(m, m, false))
	require.Equal(t, uint64(1), Difference(m, Mask{m.H, m.W, []uint32{0, MaxPixels - 1, 1}}).Area())

	// the largest difference of two runs takes seven characters
	long := Mask{Runs: []uint32{0, math.MaxUint32, 0, 0, math.MaxUint32, math.MaxUint32}}
	runs, err := DecodeRuns(nil, []byte(long.String()))
	require.NoError(t, err)
	require.Equal(t, long.Runs, runs)
}

func TestBitmapOfOverfullRuns(t *testing.T) {
	require.Equal(t, []byte{0, 0, 0, 1}, Mask{2, 2, []uint32{3, 3, 4, math.MaxUint32}}.Bitmap())
	require.Empty(t, Mask{0, 2, []uint32{1, 9}}.Bitmap())
}
