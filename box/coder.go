package box

import "github.com/spinemask/spinemask/internal/core/portable"

// Delta is a box relative to an anchor: dy, dx are the way of the centre in sides of the anchor, dh, dw the logarithms of the ratios of the
// sides, each times the coder's weight.
type Delta struct{ Y, X, H, W float32 }

// maxLogScale is ln(1000/16): a 16-pixel anchor may grow to 1000 pixels (Detectron: BBOX_XFORM_CLIP).
const maxLogScale float32 = 4.135166556742356

// Coder turns deltas into boxes and back.
type Coder struct {
	PlusOne    bool  // sides are y2 − y1 + 1
	LimitBelow bool  // dh and dw are at least −ln(1000/16) too, as mmdetection does
	Weights    Delta // deltas are divided by these
}

// Decode is the box that d means at an anchor, in the anchor's frame (tpu: utils/box_utils.py, decode_boxes).
func (c *Coder) Decode(d Delta, anchor Box) Box {
	one := c.one()
	y1, y2 := decodeAxis(d.Y/c.Weights.Y, c.limit(d.H/c.Weights.H), anchor.Y1, anchor.Y2, one)
	x1, x2 := decodeAxis(d.X/c.Weights.X, c.limit(d.W/c.Weights.W), anchor.X1, anchor.X2, one)
	return Box{y1, x1, y2, x2}
}

func decodeAxis(shift, logScale, low, high, one float32) (float32, float32) {
	size := high - low + one
	centre := low + float32(0.5*size)
	centre = float32(shift*size) + centre
	size = float32(float32(portable.Exp(float64(logScale))) * size)
	low = centre - float32(0.5*size)
	return low, low + size - one
}

// Encode is the delta that Decode turns into b, as long as b's sides are positive and within the limits.
func (c *Coder) Encode(b, anchor Box) Delta {
	one := c.one()
	dy, dh := encodeAxis(b.Y1, b.Y2, anchor.Y1, anchor.Y2, one)
	dx, dw := encodeAxis(b.X1, b.X2, anchor.X1, anchor.X2, one)
	return Delta{dy * c.Weights.Y, dx * c.Weights.X, dh * c.Weights.H, dw * c.Weights.W}
}

func encodeAxis(low, high, anchorLow, anchorHigh, one float32) (shift, logScale float32) {
	size, anchorSize := high-low+one, anchorHigh-anchorLow+one
	centre, anchorCentre := low+float32(0.5*size), anchorLow+float32(0.5*anchorSize)
	return (centre - anchorCentre) / anchorSize, float32(portable.Log(float64(size / anchorSize)))
}

func (c *Coder) one() float32 {
	if c.PlusOne {
		return 1
	}
	return 0
}

func (c *Coder) limit(logScale float32) float32 {
	logScale = min(logScale, maxLogScale)
	if c.LimitBelow {
		logScale = max(logScale, -maxLogScale)
	}
	return logScale
}
