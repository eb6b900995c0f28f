package tiff

import (
	"errors"
	"fmt"
	"math"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// A Picture is what [File.Select] takes out of a file: a page, a channel of it, or a projection of several pages.
type Picture struct {
	Label         string // what tells it from the others of its file: "t3", "page2", "c1"; empty if it is the only one
	Width, Height int
	Orientation   int        // 1…8, as in EXIF
	PixelSize     [2]float64 // width and height of a pixel in µm; 0: not known

	planes []*Page // more than one are projected
	mean   bool    // by their mean, else by their maximum
	sample int     // of the pages, whole if all
	grey   bool    // samples are channels, whatever PhotometricInterpretation says
}

const all = -1

// Decode gives the picture as it is shown (see the package's description), of one channel or three, and its opacity (nil: opaque) from 0 to 255, one byte a pixel.
// Colours are not multiplied with it. Of a projection, no more than two planes and its sums are in memory.
func (p *Picture) Decode() (*samples.Samples, []byte, error) {
	if len(p.planes) == 1 {
		s, err := p.decode(p.planes[0])
		if err != nil || p.sample != all || s.Channels == p.colours() {
			return s, nil, err
		}
		return p.withOpacity(s)
	}
	var projection *samples.Samples
	var sums []float64
	for i, page := range p.planes {
		s, err := p.decode(page)
		if err != nil {
			return nil, nil, fmt.Errorf("page %d: %w", page.Index+1, err)
		}
		if s.Channels != p.colours() {
			s = channelsOf(s, 0, p.colours())
		}
		switch {
		case p.mean && sums == nil:
			sums = make([]float64, s.Width*s.Height*s.Channels)
			fallthrough
		case p.mean:
			for j := range sums {
				sums[j] += s.At(j)
			}
			projection = s
		case i == 0:
			projection = s
		default:
			takeLarger(projection, s)
		}
	}
	for j, sum := range sums {
		v := sum / float64(len(p.planes))
		if projection.Kind != samples.Float {
			v = math.Round(v)
		}
		projection.Set(j, v)
	}
	return projection, nil, nil
}

// colours is the number of channels that Decode gives.
func (p *Picture) colours() int {
	if p.sample == all && !p.grey && p.planes[0].IsColour() {
		return 3
	}
	return 1
}

// decode gives what is shown of one page. Behind the colours there may be other samples.
func (p *Picture) decode(page *Page) (*samples.Samples, error) {
	if p.sample != all && (p.grey || !page.IsColour() || p.sample >= page.Colours() && page.Photometric != Palette) {
		s, err := page.DecodeChannels([]int{p.sample})
		if err != nil {
			return nil, err
		}
		if page.Photometric == WhiteIsZero && !p.grey {
			s = inverted(s, 1)
		}
		return spread(s), nil
	}
	s, err := page.Decode()
	if err != nil {
		return nil, err
	}
	if s, err = page.Shown(s); err != nil {
		return nil, err
	}
	if p.sample != all {
		if p.sample >= s.Channels {
			return nil, errors.New("no such sample")
		}
		return channelsOf(s, p.sample, 1), nil
	}
	return s, nil
}

// withOpacity separates the colours of a page from its other samples, of which one may be the opacity.
func (p *Picture) withOpacity(s *samples.Samples) (*samples.Samples, []byte, error) {
	page := p.planes[0]
	n, at := p.colours(), page.alpha()
	out := channelsOf(s, 0, n)
	if at < 0 || s.Channels != page.Channels || p.grey {
		return out, nil, nil
	}
	top := largest(s.Bits)
	switch s.Kind {
	case samples.Float:
		top = 1
	case samples.Signed:
		top = math.Ldexp(1, s.Bits-1) - 1
	}
	alpha := make([]byte, s.Width*s.Height)
	premultiplied := page.Extra[at-(page.Channels-len(page.Extra))] == AssociatedAlpha
	for i := range alpha {
		a := s.At(i*s.Channels + at)
		alpha[i] = to8(a * 255 / top)
		if !premultiplied || a <= 0 || a >= top {
			continue
		}
		for c := range n {
			v := out.At(i*n+c) * top / a
			if out.Kind != samples.Float {
				v = min(math.Round(v), top)
			}
			out.Set(i*n+c, v)
		}
	}
	return out, alpha, nil
}

// channelsOf copies n channels from number first on.
func channelsOf(s *samples.Samples, first, n int) *samples.Samples {
	out := samples.New(s.Width, s.Height, n, s.Kind, s.Bits)
	for i := range s.Width * s.Height {
		from, to := i*s.Channels+first, i*n
		switch {
		case s.U8 != nil:
			copy(out.U8[to:], s.U8[from:][:n])
		case s.U16 != nil:
			copy(out.U16[to:], s.U16[from:][:n])
		case s.F32 != nil:
			copy(out.F32[to:], s.F32[from:][:n])
		default:
			copy(out.F64[to:], s.F64[from:][:n])
		}
	}
	return out
}

// takeLarger puts into a the larger of each two values. NaN gives way to numbers.
func takeLarger(a, b *samples.Samples) {
	switch {
	case a.U8 != nil:
		for i, v := range b.U8 {
			a.U8[i] = max(a.U8[i], v)
		}
	case a.U16 != nil:
		for i, v := range b.U16 {
			a.U16[i] = max(a.U16[i], v)
		}
	case a.F32 != nil:
		for i, v := range b.F32 {
			if v > a.F32[i] || a.F32[i] != a.F32[i] {
				a.F32[i] = v
			}
		}
	default:
		for i, v := range b.F64 {
			if v > a.F64[i] || a.F64[i] != a.F64[i] {
				a.F64[i] = v
			}
		}
	}
}
