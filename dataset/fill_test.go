package dataset

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/rle"
)

// Golden masks of testdata/fill.py: Pillow 13.0.0 as labelme 6.3.1 calls it, OpenCV 5.0.0
// as ultralytics calls it.
func TestFillAsTheReadersDo(t *testing.T) {
	const height, width = 30, 40
	type shape struct {
		XY     []float64
		Pillow []uint32
		OpenCV []uint32
	}
	var cases struct{ Polygons, Rectangles, Circles []shape }
	data, err := os.ReadFile("testdata/fill.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	same := 0
	for i, c := range cases.Polygons {
		got := fillLabelme(c.XY, height, width)
		require.NoError(t, got.Validate())
		differ := differing(got, rle.Mask{H: height, W: width, Runs: c.Pillow})
		require.LessOrEqual(t, differ, uint64(5), i)
		if differ == 0 {
			same++
		}
		if c.OpenCV != nil {
			require.LessOrEqual(t, differing(fillYOLO(c.XY, height, width), rle.Mask{H: height, W: width, Runs: c.OpenCV}), uint64(1), i)
		}
	}
	require.GreaterOrEqual(t, same, 105) // the others cross themselves
	for i, c := range cases.Rectangles {
		require.Zero(t, differing(fillRectangle(c.XY[0], c.XY[1], c.XY[2], c.XY[3], height, width), rle.Mask{H: height, W: width, Runs: c.Pillow}), i)
	}
	for i, c := range cases.Circles {
		got, want := fillCircle(c.XY[0], c.XY[1], c.XY[2], height, width), rle.Mask{H: height, W: width, Runs: c.Pillow}
		require.Greater(t, rle.IoU(got, want, false), 0.94, i)
	}
}

// differing counts the pixels that two masks do not share.
func differing(a, b rle.Mask) uint64 {
	return rle.Difference(a, b).Area() + rle.Difference(b, a).Area()
}
