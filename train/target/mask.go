package target

import (
	"math"

	"github.com/spinemask/spinemask/box"
)

// CropMask is what the mask head should give for a region: the object's mask, side
// × side values over its own box, seen through the region, size × size values
// into dst. A value is interpolated at the middle of its cell, the mask being
// surrounded by zeros; values between 0 and 1 stay as they are
// (ops/spatial_transform_ops.py, crop_mask_in_target_box).
func CropMask(dst []float32, size int, mask []float32, side int, object, region box.Box) {
	crop(dst, size, mask, side, object, region, 0)
}

// CropCells is CropMask for a mask whose values are those at the middles of its cells. CropMask takes
// them for those at the cells' beginnings, which moves an object by half a cell.
func CropCells(dst []float32, size int, mask []float32, side int, object, region box.Box) {
	crop(dst, size, mask, side, object, region, 0.5)
}

// crop is CropMask of values that lie at a part of their cells.
func crop(dst []float32, size int, mask []float32, side int, object, region box.Box, middle float64) {
	rows, columns := make([]tap, size), make([]tap, size)
	place(rows, side, float64(object.Y1), float64(object.Y2), float64(region.Y1), float64(region.Y2), middle)
	place(columns, side, float64(object.X1), float64(object.X2), float64(region.X1), float64(region.X2), middle)
	at := func(y, x int) float64 {
		if y < 0 || x < 0 || y >= side || x >= side {
			return 0
		}
		return float64(mask[y*side+x])
	}
	for i, r := range rows {
		for j, c := range columns {
			dst[i*size+j] = float32(float64((1-r.f)*(float64((1-c.f)*at(r.low, c.low))+float64(c.f*at(r.low, c.high)))) +
				float64(r.f*(float64((1-c.f)*at(r.high, c.low))+float64(c.f*at(r.high, c.high)))))
		}
	}
}

// tap is two neighbouring places of a mask and the weight of the second.
type tap struct {
	low, high int
	f         float64
}

func place(taps []tap, side int, objectLow, objectHigh, low, high, middle float64) {
	const pad = 2 // zeros around the mask; beyond them the outermost counts
	scale := float64(side) / (objectHigh - objectLow + 1e-8)
	for i := range taps {
		at := float64((low-objectLow)*scale) + pad + float64((float64(i)+0.5)*(high-low)*scale)/float64(len(taps)) - middle
		last := float64(side + 2*pad - 1)
		first := min(max(math.Floor(at), 0), last)
		taps[i] = tap{int(first) - pad, int(min(first+1, last)) - pad, at - first}
	}
}
