package imageio

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"golang.org/x/image/webp"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// Strips and tiles of a TIFF may be whole pictures of other formats. These decoders give their components; what they mean, the page says.

// jpegInTIFF decodes a JPEG stream to components in full resolution: R, G, B of three if toRGB, else those that are stored.
func jpegInTIFF(stream []byte, toRGB bool, maxWidth, maxHeight int) (*samples.Samples, error) {
	s, err := jpegComponents(stream, toRGB, maxWidth, maxHeight)
	if what := transcodable(""); errors.As(err, &what) { // jpegtran does not take the file around the stream
		err = fmt.Errorf("%s; %s", string(what), magick)
	}
	return s, err
}

func jpegComponents(stream []byte, toRGB bool, maxWidth, maxHeight int) (*samples.Samples, error) {
	src := io.NewSectionReader(bytes.NewReader(stream), 0, int64(len(stream)))
	f, err := parseJPEG(src)
	if err != nil {
		return nil, err
	}
	if f.width <= 0 || f.height <= 0 || f.width > maxWidth || f.height > maxHeight {
		return nil, fmt.Errorf("jpeg: picture of %dx%d pixels, want at most %dx%d", f.width, f.height, maxWidth, maxHeight)
	}
	if n := len(f.comps); n == 2 || n > 4 {
		return nil, fmt.Errorf("jpeg: %d components are not supported", n)
	}
	scans := &scanReader{r: io.NewSectionReader(src, f.scan, src.Size()-f.scan)}
	m, err := jpeg.Decode(io.MultiReader(bytes.NewReader(f.leader()), bytes.NewReader(f.tables), scans))
	if err != nil {
		return nil, explain(f.explain(err, scans))
	}
	switch m := m.(type) {
	case *image.Gray:
		s := samples.New(f.width, f.height, 1, samples.Unsigned, 8)
		for y := range f.height {
			copy(s.U8[y*f.width:], m.Pix[y*m.Stride:][:f.width])
		}
		return s, nil
	case *image.YCbCr:
		out := New(f.width, f.height)
		if toRGB {
			fromYCbCr(out, m)
		} else {
			fromRGBPlanes(out, m)
		}
		return &samples.Samples{Width: f.width, Height: f.height, Channels: 3, Kind: samples.Unsigned, Bits: 8, U8: out.Pix}, nil
	case *image.CMYK:
		s := samples.New(f.width, f.height, 4, samples.Unsigned, 8)
		rows := f.inkRows(m)
		for y := range f.height {
			for c, row := range rows.at(y) {
				for x, v := range row[:f.width] {
					s.U8[4*(y*f.width+x)+c] = v
				}
			}
		}
		return s, nil
	}
	return nil, fmt.Errorf("jpeg: unexpected colours (%T)", m)
}

// webpInTIFF decodes a WebP stream to R, G, B and straight alpha.
func webpInTIFF(stream []byte, maxWidth, maxHeight int) (*samples.Samples, error) {
	c, err := webp.DecodeConfig(bytes.NewReader(stream))
	if err != nil {
		return nil, explain(err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > maxWidth || c.Height > maxHeight {
		return nil, fmt.Errorf("webp: picture of %dx%d pixels, want at most %dx%d", c.Width, c.Height, maxWidth, maxHeight)
	}
	m, err := webp.Decode(bytes.NewReader(stream))
	if err != nil {
		return nil, explain(err)
	}
	s := samples.New(c.Width, c.Height, 4, samples.Unsigned, 8)
	var colour *Image
	alpha := func(x, y int) byte { return 255 }
	switch m := m.(type) {
	case *image.NRGBA:
		for y := range c.Height {
			copy(s.U8[4*y*c.Width:], m.Pix[y*m.Stride:][:4*c.Width])
		}
		return s, nil
	case *image.YCbCr:
		colour = fromVP8(m)
	case *image.NYCbCrA:
		colour = fromVP8(&m.YCbCr)
		alpha = func(x, y int) byte { return m.A[y*m.AStride+x] }
	default:
		return nil, errors.New("webp: unexpected colours")
	}
	for y := range c.Height {
		for x := range c.Width {
			i := y*c.Width + x
			copy(s.U8[4*i:], colour.Pix[3*i:][:3])
			s.U8[4*i+3] = alpha(x, y)
		}
	}
	return s, nil
}
