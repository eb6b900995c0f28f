package train

import (
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/internal/core/portable"
	"github.com/spinemask/spinemask/train/augment"
)

// recolor changes colours and brightness as the recipe says.
func recolor(p *augment.Picture, c *Color, r *rand.Rand) *augment.Picture {
	l := augment.Levels{
		Gamma: about(c.Gamma, r), Contrast: about(c.Contrast, r),
		Brightness: c.Brightness * (2*float64(r.Float64()) - 1), Invert: r.Float64() < c.Invert,
	}
	blur, noise := c.Blur*r.Float64(), c.Noise*r.Float64()
	if c.Exposure > 0 && r.Float64() < 0.5 {
		p = augment.Expose(p, portable.Pow(c.Exposure, r.Float64())/augment.Peak(p))
	}
	p = dye(p, c, r)
	if c.Shade > 0 {
		light := augment.Ramp{Low: 1, High: 1 - float64(c.Shade*r.Float64()), Angle: 2 * math.Pi * r.Float64()}
		haze := augment.Ramp{High: c.Shade * r.Float64(), Angle: 2 * math.Pi * r.Float64()}
		p = augment.Shade(p, light, haze)
	}
	out := augment.Recolor(p, l)
	if blur > 0.1 {
		out = augment.Blur(out, blur)
	}
	if noise > 0 {
		augment.Noise(out, noise, r)
	}
	return out
}

// dye changes the colours of a picture that has some, and may give one to a picture that
// has none.
func dye(p *augment.Picture, c *Color, r *rand.Rand) *augment.Picture {
	if c.Stain == 0 && c.Grey == 0 && c.Tint == 0 {
		return p
	}
	if augment.IsGrey(p) {
		if r.Float64() < c.Tint {
			colour := [3]float64{r.Float64(), r.Float64(), r.Float64()}
			colour[r.IntN(3)] = 1
			p = augment.Tint(p, colour)
		}
		return p
	}
	all := about(c.Stain, r)
	p = augment.Stain(p, [3]float64{all * about(c.Stain, r), all * about(c.Stain, r), all * about(c.Stain, r)})
	if r.Float64() < c.Grey {
		p = augment.Grey(p)
	}
	return p
}

// about is a factor around 1, as often above as below, at most 1 + most or its inverse.
func about(most float64, r *rand.Rand) float64 {
	f := 1 + float64(most*r.Float64())
	if r.Float64() < 0.5 {
		return 1 / f
	}
	return f
}
