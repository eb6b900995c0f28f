package tiff

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
	"github.com/spinemask/spinemask/internal/core/samples"
)

// labToSRGB takes X, Y, Z under D50, where white has Y = 1, to linear sRGB: the inverse of the D50-adapted primaries of IEC 61966-2-1 (Bradford).
var labToSRGB = [3][3]float64{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// fromLab converts CIE L*a*b* of 8 or 16 bits under D50 to sRGB of 8 bits. In CIELab a* and b* are signed (TIFF 6.0, section 23); in ICCLab they have an offset
// of half their range.
func (p *Page) fromLab(s *samples.Samples) (*samples.Samples, error) {
	if p.Bits != 8 && p.Bits != 16 || p.Kind == samples.Float {
		return nil, fmt.Errorf("colours in Lab of %s are not supported, only of 8 and 16 bits", s.Type())
	}
	whole, unit := largest(p.Bits), math.Ldexp(1, p.Bits-8)
	chroma := func(v float64) float64 {
		switch {
		case p.Photometric == ICCLab:
			return v/unit - 128
		case v >= 128*unit: // signed numbers that are declared unsigned
			return v/unit - 256
		}
		return v / unit
	}
	out := samples.New(s.Width, s.Height, 3, samples.Unsigned, 8)
	for i := range s.Width * s.Height {
		at := i * s.Channels
		l := s.At(at)
		if l < 0 {
			l += whole + 1
		}
		fy := (float64(l*100/whole) + 16) / 116
		x, y, z := 0.9642*labCube(fy+chroma(s.At(at+1))/500), labCube(fy), 0.8249*labCube(fy-chroma(s.At(at+2))/200)
		for c, m := range labToSRGB {
			out.U8[3*i+c] = to8(255 * gammaSRGB(float64(m[0]*x)+float64(m[1]*y)+float64(m[2]*z)))
		}
	}
	return out, nil
}

// labCube is the inverse of CIE's f.
func labCube(t float64) float64 {
	if t > 6.0/29 {
		return t * t * t
	}
	return 3 * 6.0 / 29 * 6.0 / 29 * (t - 4.0/29)
}

func gammaSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return float64(1.055*portable.Pow(v, 1/2.4)) - 0.055
}
