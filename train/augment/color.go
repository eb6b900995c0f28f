package augment

import (
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// Levels change the brightness of a picture, all channels alike: of a value v from
// 0 to 1 they make ((v^Gamma − ½)·Contrast + ½ + Brightness), turned into its
// negative with Invert, within 0 and 1. Microscopes, stains and exposures differ in
// these ways.
type Levels struct {
	Gamma, Contrast, Brightness float64
	Invert                      bool
}

// Recolor applies levels to a copy of a picture.
func Recolor(p *Picture, l Levels) *Picture {
	var table [256]byte
	for i := range table {
		v := float64((portable.Pow(float64(i)/255, l.Gamma)-0.5)*l.Contrast) + 0.5 + l.Brightness
		if l.Invert {
			v = 1 - v
		}
		table[i] = byte(math.RoundToEven(255 * min(max(v, 0), 1)))
	}
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for i, v := range p.Pix {
		out.Pix[i] = table[v]
	}
	return out
}

// Noise adds Gaussian noise of a deviation, of the whole range, to a picture: to the
// three channels of a grey pixel the same, so that it stays grey.
func Noise(p *Picture, deviation float64, r *rand.Rand) {
	for i := 0; i < len(p.Pix); i += 3 {
		px := p.Pix[i : i+3]
		grey := px[0] == px[1] && px[1] == px[2]
		n := 255 * deviation * r.NormFloat64()
		for c := range px {
			px[c] = byte(min(max(math.RoundToEven(float64(px[c])+n), 0), 255))
			if !grey {
				n = 255 * deviation * r.NormFloat64()
			}
		}
	}
}

// Blur is a copy of a picture, blurred by a Gaussian of a deviation in pixels that is
// cut at three deviations; beyond its border a picture goes on as at it.
func Blur(p *Picture, sigma float64) *Picture {
	radius := int(math.Ceil(3 * sigma))
	kernel := make([]float32, 2*radius+1)
	sum := 0.0
	for i := range kernel {
		d := float64(i - radius)
		v := portable.Exp(-d * d / (2 * sigma * sigma))
		kernel[i] = float32(v)
		sum += v
	}
	for i := range kernel {
		kernel[i] /= float32(sum)
	}
	across := make([]float32, len(p.Pix))
	for y := range p.Height {
		for x := range p.Width {
			for c := range 3 {
				var v float32
				for k, w := range kernel {
					at := min(max(x+k-radius, 0), p.Width-1)
					v += float32(w * float32(p.Pix[3*(y*p.Width+at)+c]))
				}
				across[3*(y*p.Width+x)+c] = v
			}
		}
	}
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for y := range p.Height {
		for i := range 3 * p.Width {
			var v float32
			for k, w := range kernel {
				at := min(max(y+k-radius, 0), p.Height-1)
				v += float32(w * across[3*at*p.Width+i])
			}
			out.Pix[3*y*p.Width+i] = byte(v + 0.5)
		}
	}
	return out
}
