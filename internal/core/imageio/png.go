package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/spinemask/spinemask/internal/core/samples"
)

func pngHeader(src *io.SectionReader) (header, error) {
	var colors [1]byte
	src.ReadAt(colors[:], 25) // the colour type of a chunk IHDR; the decoder says if there is none
	c, err := png.DecodeConfig(pngEssentials(src))
	if err != nil {
		return header{}, err
	}
	h := header{width: c.Width, height: c.Height, orientation: pngOrientation(src)}
	switch c.ColorModel {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		h.samples = func() (stored, error) {
			m, err := png.Decode(pngEssentials(src))
			if err != nil {
				return stored{}, err
			}
			return deep(m, colors[0]&2 == 0)
		}
	default:
		h.decode = func() (*Image, error) {
			m, err := png.Decode(pngEssentials(src))
			if err != nil {
				return nil, err
			}
			return FromImage(m), nil
		}
	}
	return h, nil
}

// pngEssentials gives a PNG without the chunks that say nothing about its pixels, and without what follows them. The standard decoder refuses pictures for the
// checksums of such chunks; libpng reads them, and leaves out tRNS of a wrong checksum, too (pngrutil.c: png_crc_finish).
func pngEssentials(src *io.SectionReader) io.Reader {
	const signature = 8
	parts := []io.Reader{io.NewSectionReader(src, 0, signature)}
	pixels := int64(0) // offset of the first chunk IDAT
	at := int64(signature)
	for len(parts) < 5 { // in front of the pixels there are a header, perhaps a palette and its opacity; more is damage
		var head [8]byte
		if _, err := src.ReadAt(head[:], at); err != nil {
			break
		}
		kind := string(head[4:])
		if pixels > 0 && kind != "IDAT" {
			break
		}
		chunk := io.NewSectionReader(src, at, 12+int64(binary.BigEndian.Uint32(head[:])))
		switch {
		case kind == "IDAT" && pixels == 0:
			pixels = at
		case kind == "IHDR" || kind == "PLTE" || kind == "tRNS" && pngChecked(chunk):
			parts = append(parts, chunk)
		}
		at += chunk.Size()
	}
	if pixels > 0 {
		parts = append(parts, io.NewSectionReader(src, pixels, at-pixels))
		if at <= src.Size() {
			parts = append(parts, bytes.NewReader([]byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")))
		}
	}
	return io.MultiReader(parts...)
}

// pngChecked tells whether the checksum of a chunk of at most 256 bytes of data is right.
func pngChecked(chunk *io.SectionReader) bool {
	if chunk.Size() > 12+256 {
		return false
	}
	b := make([]byte, chunk.Size())
	if _, err := chunk.ReadAt(b, 0); err != nil {
		return false
	}
	n := len(b) - 4
	return crc32.ChecksumIEEE(b[4:n]) == binary.BigEndian.Uint32(b[n:])
}

// deep gives the 16-bit samples and the opacity of a decoded picture.
func deep(m image.Image, grey bool) (stored, error) {
	var pix []byte // big endian
	step, opaque := 8, true
	switch m := m.(type) {
	case *image.Gray16:
		pix, step, grey = m.Pix, 2, true
	case *image.RGBA64:
		pix = m.Pix
	case *image.NRGBA64:
		pix, opaque = m.Pix, false
	default:
		return stored{}, fmt.Errorf("unexpected colours (%T)", m)
	}
	channels := 3
	if grey {
		channels = 1
	}
	b := m.Bounds()
	s := samples.New(b.Dx(), b.Dy(), channels, samples.Unsigned, 16)
	for i := range s.U16 {
		at := i/channels*step + i%channels*2
		s.U16[i] = uint16(pix[at])<<8 | uint16(pix[at+1])
	}
	var alpha []byte
	if !opaque {
		alpha = make([]byte, len(pix)/step)
		for i := range alpha {
			alpha[i] = pix[i*step+6]
		}
	}
	return stored{s, alpha}, nil
}
