package target

import (
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// Weights of the deltas: those of regions are ten and five times as large, so
// that their deviation is about 1.
var (
	AnchorWeights = [4]float32{1, 1, 1, 1}
	RegionWeights = [4]float32{10, 10, 5, 5}
)

// An Encoding is the way from a base to a box as a network's outputs tell it.
type Encoding func(b, base box.Box) [4]float32

// Garden is the Model Garden's encoding, with weights.
func Garden(weights [4]float32) Encoding {
	return func(b, base box.Box) [4]float32 { return Encode(b, base, weights) }
}

// PlusOne is the encoding of systems whose sides are y2 − y1 + 1 (tensorflow/tpu,
// mmdetection 1.x), with weights.
func PlusOne(weights [4]float32) Encoding {
	c := box.Coder{PlusOne: true, Weights: box.Delta{Y: weights[0], X: weights[1], H: weights[2], W: weights[3]}}
	return func(b, base box.Box) [4]float32 {
		d := c.Encode(b, base)
		return [4]float32{d.Y, d.X, d.H, d.W}
	}
}

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
	shift = float32((float64((low+high)/2) - float64((baseLow+baseHigh)/2)) / (baseSize + epsilon))
	return shift, float32(portable.Log((size + epsilon) / (baseSize + epsilon)))
}
