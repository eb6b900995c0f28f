package target

import (
	"math"

	"github.com/spinemask/spinemask/box"
)

// Weights of the deltas: those of regions are ten and five times as large, so
// that their deviation is about 1.
var (
	AnchorWeights = [4]float32{1, 1, 1, 1}
	RegionWeights = [4]float32{10, 10, 5, 5}
)

// Encode is the way from a base (an anchor, a region) to a box, times the weights:
// dy, dx in sides of the base, dh, dw as logarithms of the ratios of the sides, to
// each of which 1e-8 is added (ops/box_ops.py, encode_boxes).
func Encode(b, base box.Box, weights [4]float32) [4]float32 {
	y, h := encodeAxis(float64(b.Y1), float64(b.Y2), float64(base.Y1), float64(base.Y2))
	x, w := encodeAxis(float64(b.X1), float64(b.X2), float64(base.X1), float64(base.X2))
	return [4]float32{y * weights[0], x * weights[1], h * weights[2], w * weights[3]}
}

func encodeAxis(low, high, baseLow, baseHigh float64) (shift, logScale float32) {
	const epsilon = 1e-8
	size, baseSize := high-low, baseHigh-baseLow
	shift = float32(((low+high)/2 - (baseLow+baseHigh)/2) / (baseSize + epsilon))
	return shift, float32(math.Log((size + epsilon) / (baseSize + epsilon)))
}
