package augment

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// A Ramp goes in a line from Low at one border of a picture to High at the opposite one, in
// the direction of Angle ≥ 0, in radians from the x axis.
type Ramp struct{ Low, High, Angle float64 }

// at is the ramp's value at a place, from 0 to 1 across and down the picture.
func (r Ramp) at(y, x float64) float64 {
	s, c := portable.Cos(r.Angle+3*math.Pi/2), portable.Cos(r.Angle)
	along := float64((x-0.5)*c) + float64((y-0.5)*s)                   // of a picture of side 1, from -half to half
	half := (math.Abs(c) + math.Abs(s)) / 2                            // of the picture's extent in this direction
	return r.Low + float64((r.High-r.Low)*(0.5+float64(along/half/2))) // half is at least ½
}

// Shade is a copy of a picture under uneven light: each value v from 0 to 1 becomes
// light·v, as where the lamp reaches less far, and what is then missing to white is filled
// by the part haze, as by background fluorescence out of focus.
func Shade(p *Picture, light, haze Ramp) *Picture {
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		down := (float64(y) + 0.5) / float64(p.Height)
		for x := range p.Width {
			across := (float64(x) + 0.5) / float64(p.Width)
			l, h := light.at(down, across), haze.at(down, across)
			i := 3 * (y*p.Width + x)
			for c, v := range p.Pix[i : i+3] {
				f := l * float64(v) / 255
				f += float64((1 - f) * h)
				out.Pix[i+c] = byte(math.RoundToEven(255 * min(max(f, 0), 1)))
			}
		}
	}
	return out
}
