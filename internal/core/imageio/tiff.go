package imageio

import (
	"errors"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/core/samples"
	"github.com/spinemask/spinemask/internal/core/tiff"
)

// tiffHeader reads the directories of a TIFF file, and chooses a page.
func tiffHeader(src *io.SectionReader, o Options) (header, error) {
	f, err := tiff.Open(src, src.Size(), o.tiff())
	if err != nil {
		return header{}, tiffError(err)
	}
	page := f.Pages[0]
	for _, p := range f.Pages {
		if !p.Reduced && !p.IsMask {
			page = p
			break
		}
	}
	return header{width: page.Width, height: page.Height, orientation: page.Orientation, samples: func() (stored, error) {
		s, err := pageSamples(page)
		return s, tiffError(err)
	}}, nil
}

// tiff gives the limits, and the decoders of what may be inside.
func (o Options) tiff() tiff.Options {
	return tiff.Options{MaxPixels: o.MaxPixels, MaxSide: o.MaxSide, JPEG: jpegInTIFF, WebP: webpInTIFF}
}

// pageSamples decodes what a page shows: its colour and its alpha, but no other channels.
func pageSamples(p *tiff.Page) (stored, error) {
	n := p.Colours()
	var channels []int
	for c := range n {
		channels = append(channels, c)
	}
	out := stored{}
	alpha := false
	for i, x := range p.Extra {
		c := p.Channels - len(p.Extra) + i
		if (x == tiff.AssociatedAlpha || x == tiff.StraightAlpha) && c >= n {
			channels, alpha, out.associated = append(channels, c), true, x == tiff.AssociatedAlpha
			break
		}
	}
	all, err := p.DecodeChannels(channels)
	if err != nil {
		return stored{}, err
	}
	if alpha {
		out.alpha = opacity(all, n)
		all = first(all, n)
	}
	out.Samples, err = p.Shown(all)
	return out, err
}

// opacity brings a channel to 8 bits, as alpha is stored: all bits of integers, and 0 to 1 of floats.
func opacity(s *samples.Samples, channel int) []byte {
	level := Scaling{Rule: "none", High: fullScale(s)}.level(s)
	alpha := make([]byte, s.Width*s.Height)
	for i := range alpha {
		alpha[i] = level(s.At(i*s.Channels + channel))
	}
	return alpha
}

// first gives the first n channels.
func first(s *samples.Samples, n int) *samples.Samples {
	out := samples.New(s.Width, s.Height, n, s.Kind, s.Bits)
	for i := range s.Width * s.Height {
		for c := range n {
			out.Set(i*n+c, s.At(i*s.Channels+c))
		}
	}
	return out
}

// tiffError names the package, and this package's limit.
func tiffError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tiff.ErrTooLarge):
		return fmt.Errorf("%w (tiff: %v)", ErrTooLarge, err)
	}
	return fmt.Errorf("tiff: %w", err)
}
