package tiff

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// Colours is the number of samples of a pixel that make up its colour; the others are extra samples or channels of their own.
func (p *Page) Colours() int {
	n := 1
	switch p.Photometric {
	case RGB, YCbCr, CIELab, ICCLab, ITULab:
		n = 3
	case Separated:
		n = 4
	}
	if n > p.Channels {
		return 1
	}
	return n
}

// IsColour tells whether [Page.Shown] gives red, green and blue.
func (p *Page) IsColour() bool { return p.Colours() > 1 || p.Photometric == Palette }

// Shown gives what samples of this page, decoded by [Page.Decode] or of its first [Page.Colours] channels, look like: one channel of grey or three of red, green
// and blue; see the package's description. Samples beyond the colour follow unchanged, but those of types that it changes are left out.
func (p *Page) Shown(s *samples.Samples) (*samples.Samples, error) {
	needs := p.Colours()
	switch p.Photometric {
	case YCbCr, CIELab, ICCLab:
		needs = 3
	case Separated:
		needs = 4 // cyan, magenta, yellow and black
	}
	if s.Channels < needs {
		return nil, fmt.Errorf("photometric interpretation %d with %d samples a pixel, want %d", p.Photometric, s.Channels, needs)
	}
	switch p.Photometric {
	case WhiteIsZero:
		return spread(inverted(s, 1)), nil
	case Palette:
		return p.throughPalette(s)
	case Separated:
		return fromInks(s), nil
	case YCbCr:
		if p.compression == compressionJPEG && !p.planar || p.compression == compressionWebP {
			return s, nil // is converted already
		}
		return p.fromYCbCr(s)
	case CIELab, ICCLab:
		return p.fromLab(s)
	case ITULab:
		return nil, fmt.Errorf("ITU Lab (photometric interpretation %d) is not supported", ITULab)
	}
	return spread(s), nil
}

// largest is the value of white.
func largest(bits int) float64 { return math.Ldexp(1, bits) - 1 }

// inverted turns the polarity of the first channels around: of unsigned integers 0 becomes the largest value, of signed ones -1 becomes 0. Floats are negated.
func inverted(s *samples.Samples, channels int) *samples.Samples {
	out := samples.New(s.Width, s.Height, s.Channels, s.Kind, s.Bits)
	top := largest(s.Bits)
	switch s.Kind {
	case samples.Signed:
		top = -1
	case samples.Float:
		top = 0
	}
	for i := range s.Width * s.Height * s.Channels {
		v := s.At(i)
		if i%s.Channels < channels {
			v = top - v
		}
		out.Set(i, v)
	}
	return out
}

// spread brings unsigned samples of fewer than 8 bits to 0 to 255.
func spread(s *samples.Samples) *samples.Samples {
	if s.U8 == nil || s.Bits == 8 {
		return s
	}
	out := samples.New(s.Width, s.Height, s.Channels, s.Kind, 8)
	top := 1<<s.Bits - 1
	for i, v := range s.U8 {
		out.U8[i] = uint8((int(v)*255 + top/2) / top)
	}
	return out
}

// throughPalette looks the first channel up in the colour map (TIFF 6.0, section 5). Numbers beyond it are black.
func (p *Page) throughPalette(s *samples.Samples) (*samples.Samples, error) {
	if p.Kind != samples.Unsigned || p.Bits > 16 {
		return nil, fmt.Errorf("a palette for %s samples of %d bits", p.Kind, p.Bits)
	}
	e, ok := p.tag(tagColorMap)
	if !ok {
		return nil, fmt.Errorf("a palette without colours")
	}
	colours, err := p.src.uints(e, 3<<16)
	if err != nil {
		return nil, err
	}
	n := len(colours) / 3
	shift := 0 // some writers fill the map with 8 bits (libtiff, tif_getimage.c: checkcmap)
	for _, v := range colours {
		if v >= 256 {
			shift = 8
		}
	}
	out := samples.New(s.Width, s.Height, 3, samples.Unsigned, 8)
	for i := range s.Width * s.Height {
		if v := int(s.At(i * s.Channels)); v < n {
			for c := range 3 {
				out.U8[3*i+c] = uint8(colours[c*n+v] >> shift)
			}
		}
	}
	return out, nil
}

// fromInks converts C, M, Y, K as Pillow does (Convert.c: cmyk2rgb): what the black ink leaves, times what the coloured ink leaves. 0 is no ink.
func fromInks(s *samples.Samples) *samples.Samples {
	out := samples.New(s.Width, s.Height, 3, s.Kind, s.Bits)
	top := largest(s.Bits)
	if s.Kind == samples.Float {
		top = 1
	}
	for i := range s.Width * s.Height {
		white := top - s.At(i*s.Channels+3)
		for c := range 3 {
			v := white - s.At(i*s.Channels+c)*white/top
			if s.Kind != samples.Float {
				v = math.Floor(v + 0.5)
			}
			out.Set(3*i+c, v)
		}
	}
	return spread(out)
}

// fromYCbCr converts with the coefficients and reference levels of the page (TIFF 6.0, sections 20 and 21) as libtiff does (tif_color.c: TIFFYCbCrToRGBInit).
func (p *Page) fromYCbCr(s *samples.Samples) (*samples.Samples, error) {
	if s.U8 == nil || p.Bits != 8 {
		return nil, fmt.Errorf("YCbCr of %s is not supported, only of uint8", s.Type())
	}
	luma := []float64{0.299, 0.587, 0.114}
	if v := p.numbers(tagYCbCrCoefficients, 3); len(v) == 3 && v[1] != 0 {
		luma = v
	}
	levels := []float64{0, 255, 128, 255, 128, 255}
	if v := p.numbers(tagReferenceBW, 6); len(v) == 6 {
		levels = v
	}
	scale := func(v byte, low, high, span float64) float64 {
		if high == low {
			high = low + 1
		}
		return math.Trunc(min(max((float64(v)-low)*span/(high-low), -4096), 4096))
	}
	out := samples.New(s.Width, s.Height, 3, samples.Unsigned, 8)
	for i := range s.Width * s.Height {
		v := s.U8[i*s.Channels:][:3]
		y := scale(v[0], levels[0], levels[1], 255)
		cb := scale(v[1], levels[2], levels[3], 127)
		cr := scale(v[2], levels[4], levels[5], 127)
		r := y + float64(cr*(2-float64(2*luma[0])))
		b := y + float64(cb*(2-float64(2*luma[2])))
		g := y - float64(cr*(2-float64(2*luma[0])))*luma[0]/luma[1] - float64(cb*(2-float64(2*luma[2])))*luma[2]/luma[1]
		for c, v := range [3]float64{r, g, b} {
			out.U8[3*i+c] = to8(v)
		}
	}
	return out, nil
}

// to8 rounds to the nearest of 0…255.
func to8(v float64) uint8 {
	return uint8(math.Floor(min(max(v, 0), 255) + 0.5))
}
