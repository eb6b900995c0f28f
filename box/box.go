// Package box is the arithmetic of boxes: coding, clipping, overlap, order by score and non-maximum suppression (NMS).
//
// It is the only home of that arithmetic, so that a rounding or a "+1" of an original system stands in one place. All of it is float32, in the
// order of operations of the originals.
package box

// Box has corners (Y1, X1) and (Y2, X2) in pixels of whatever frame the caller names, y down, x right.
// In the plain coding its height is Y2 − Y1; in the "plus one" coding the corners are the outermost pixels and it is Y2 − Y1 + 1.
type Box struct{ Y1, X1, Y2, X2 float32 }

// Size is a height and a width in pixels.
type Size struct{ Height, Width float32 }

// Clip moves all corners into [0, limit.Height] × [0, limit.Width].
func (b Box) Clip(limit Size) Box {
	return Box{
		max(min(b.Y1, limit.Height), 0), max(min(b.X1, limit.Width), 0),
		max(min(b.Y2, limit.Height), 0), max(min(b.X2, limit.Width), 0),
	}
}

// Area is the product of the plain sides; it is negative when exactly one pair of corners is reversed.
func (b Box) Area() float32 { return float32((b.Y2 - b.Y1) * (b.X2 - b.X1)) }

// AtLeast says whether both plain sides are at least size.
func (b Box) AtLeast(size float32) bool { return b.Y2-b.Y1 >= size && b.X2-b.X1 >= size }

// IoU is the intersection over the union of a and b, in [0, 1]; boxes without area have IoU 0 with everything.
func IoU(a, b Box) float32 {
	h := min(a.Y2, b.Y2) - max(a.Y1, b.Y1)
	w := min(a.X2, b.X2) - max(a.X1, b.X1)
	if !(h > 0 && w > 0) {
		return 0
	}
	i := float32(h * w)
	// tpu: utils/box_utils.py, bbox_overlap; the 1e-8 only matters when the union vanishes.
	return i / (a.Area() + b.Area() - i + 1e-8)
}
