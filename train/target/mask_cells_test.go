package target

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
)

// A ramp of values over an object is the same ramp in a region with the same box, and its first half, twice as finely, in a region that is
// the object's first half. The values follow from the formula: at the middle of a cell the ramp is its place.
func TestCropCellsKeepsPlaces(t *testing.T) {
	const side, size = 8, 4
	ramp := make([]float32, side*side)
	for y := range side {
		for x := range side {
			ramp[y*side+x] = (float32(x) + 0.5) / side
		}
	}
	object := box.Box{Y1: 10, X1: 20, Y2: 18, X2: 44}
	got := make([]float32, size*size)
	CropCells(got, size, ramp, side, object, object)
	require.InDeltaSlice(t, []float32{0.125, 0.375, 0.625, 0.875}, got[size:2*size], 1e-6)
	CropCells(got, size, ramp, side, object, box.Box{Y1: 10, X1: 20, Y2: 18, X2: 32})
	require.InDeltaSlice(t, []float32{0.0625, 0.1875, 0.3125, 0.4375}, got[size:2*size], 1e-6)
	CropCells(got, size, ramp, side, object, box.Box{Y1: 10, X1: 44, Y2: 18, X2: 56})
	require.InDeltaSlice(t, []float32{0, 0, 0, 0}, got[size:2*size], 1e-6)
}
