package augment

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// Stain is a copy of a picture with the optical density of red, green and blue multiplied
// by a factor each, as slides differ that are stained for a longer or shorter time or
// scanned by another scanner. By the law of Beer and Lambert the density of a value v from 0 to 1 is
// −log v (Ruifrok and Johnston, Quantification of histochemical staining by color
// deconvolution, 2001), so v becomes v^factor.
func Stain(p *Picture, factor [3]float64) *Picture {
	return byChannel(p, func(c int, v float64) float64 { return portable.Pow(v, factor[c]) })
}

// Tint is a copy of a picture multiplied by a colour, whose parts are from 0 to 1: what
// was white gets this colour, as the false colours of fluorescence.
func Tint(p *Picture, colour [3]float64) *Picture {
	return byChannel(p, func(c int, v float64) float64 { return colour[c] * v })
}

// byChannel changes each value from 0 to 1 of a copy of a picture by its channel's function.
func byChannel(p *Picture, change func(channel int, v float64) float64) *Picture {
	var table [3][256]byte
	for c := range table {
		for i := range table[c] {
			table[c][i] = byte(math.RoundToEven(255 * min(max(change(c, float64(i)/255), 0), 1)))
		}
	}
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for i := 0; i < len(p.Pix); i += 3 {
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = table[0][p.Pix[i]], table[1][p.Pix[i+1]], table[2][p.Pix[i+2]]
	}
	return out
}

// Grey is a copy of a picture without colours: the luma of ITU-R BT.601.
func Grey(p *Picture) *Picture {
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for i := 0; i < len(p.Pix); i += 3 {
		y := byte((299*int(p.Pix[i]) + 587*int(p.Pix[i+1]) + 114*int(p.Pix[i+2]) + 500) / 1000)
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = y, y, y
	}
	return out
}

// IsGrey says whether red, green and blue are the same in every pixel.
func IsGrey(p *Picture) bool {
	for i := 0; i < len(p.Pix); i += 3 {
		if p.Pix[i] != p.Pix[i+1] || p.Pix[i] != p.Pix[i+2] {
			return false
		}
	}
	return true
}
