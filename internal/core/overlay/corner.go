package overlay

import (
	"image"
	"math"
)

// corner is how much of pixel (x, y) a rectangle with round corners covers.
func corner(r image.Rectangle, x, y, radius int) float64 {
	dx := max(r.Min.X+radius-x, x-(r.Max.X-1-radius), 0)
	dy := max(r.Min.Y+radius-y, y-(r.Max.Y-1-radius), 0)
	return min(max(float64(radius)+0.5-math.Hypot(float64(dx), float64(dy)), 0), 1)
}
