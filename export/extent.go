package export

import (
	"github.com/spinemask/spinemask/internal/core/resultjson"
	"github.com/spinemask/spinemask/rle"
)

// HasMask says whether the pixels of the thing are known, and not its box alone.
func (in *Instance) HasMask() bool { return in.Mask.H > 0 }

// area is that of the mask, or of the box.
func (in *Instance) area() float64 { return resultjson.Area(in.Box, in.Mask) }

// centre is the mean of the centres of the mask's pixels, or the middle of the box.
func (in *Instance) centre() (x, y float64) {
	if in.HasMask() {
		return centroid(in.Mask)
	}
	return in.Box[0] + float64(in.Box[2]/2), in.Box[1] + float64(in.Box[3]/2)
}

// extent is the mask, or all pixels of the box.
func (in *Instance) extent(p *Picture) rle.Mask {
	if in.HasMask() {
		return in.Mask
	}
	return rle.FromBox(in.Box[0], in.Box[1], in.Box[2], in.Box[3], p.Height, p.Width)
}
