package tiff

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// unJPEG decodes a chunk with JPEG. Tables that chunks share are in a tag (Adobe's TIFF Technical Note 2); they are put in front of the chunk's own.
func (p *Page) unJPEG(stored []byte, width, rows int) ([]byte, error) {
	if p.o.JPEG == nil {
		return nil, errors.New("compression 7, JPEG, is not supported")
	}
	if p.Bits != 8 || p.Kind != samples.Unsigned {
		return nil, fmt.Errorf("JPEG with %s samples of %d bits is not supported, only with 8", p.Kind, p.Bits)
	}
	if !bytes.HasPrefix(stored, []byte("\xff\xd8")) {
		return nil, errors.New("not a JPEG stream")
	}
	stream := stored
	if e := p.jpegTables; e.count > 0 {
		tables, err := p.src.bytes(e.at, e.count*e.width())
		if err != nil {
			return nil, err
		}
		tables = bytes.TrimSuffix(bytes.TrimPrefix(tables, []byte("\xff\xd8")), []byte("\xff\xd9"))
		stream = bytes.Join([][]byte{stored[:2], tables, stored[2:]}, nil)
	}
	m, err := p.o.JPEG(stream, p.jpegIsYCbCr(stored), width, max(rows, p.chunks.height))
	return p.picture(m, err, width, rows)
}

// jpegIsYCbCr tells whether three components are Y, Cb and Cr: as the page says, or as a JFIF marker in the stream does (as tifffile; libtiff writes none).
func (p *Page) jpegIsYCbCr(stream []byte) bool {
	jfif := len(stream) > 10 && string(stream[6:10]) == "JFIF"
	return !p.planar && (p.Photometric == YCbCr || p.Photometric == RGB && jfif)
}

func (p *Page) unWebP(stored []byte, width, rows int) ([]byte, error) {
	if p.o.WebP == nil {
		return nil, errors.New("compression 50001, WebP, is not supported")
	}
	if p.Bits != 8 || p.Kind != samples.Unsigned || p.chunks.samples != 3 && p.chunks.samples != 4 {
		return nil, fmt.Errorf("WebP with %d %s samples of %d bits, want 3 or 4 of 8", p.chunks.samples, p.Kind, p.Bits)
	}
	m, err := p.o.WebP(stored, width, max(rows, p.chunks.height))
	if err == nil && p.chunks.samples == 3 {
		m = withoutAlpha(m)
	}
	return p.picture(m, err, width, rows)
}

func withoutAlpha(m *samples.Samples) *samples.Samples {
	out := samples.New(m.Width, m.Height, 3, m.Kind, m.Bits)
	for i := range m.Width * m.Height {
		copy(out.U8[3*i:], m.U8[4*i:][:3])
	}
	return out
}

// picture checks that a chunk that is a picture of its own has the size that the page says. A last strip may have more rows than belong to the page.
func (p *Page) picture(m *samples.Samples, err error, width, rows int) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if m.Width != width || m.Height < rows || m.Channels != p.chunks.samples {
		return nil, fmt.Errorf("holds a picture of %dx%d pixels with %d samples each, want %dx%d with %d", m.Width, m.Height, m.Channels, width, rows, p.chunks.samples)
	}
	return m.U8, nil
}
