package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// webpHeader reads the container (RFC 9649). Of an animation, the first frame is the picture.
func webpHeader(src *io.SectionReader) (header, error) {
	var head [30]byte
	if _, err := src.ReadAt(head[:], 0); err != nil {
		return header{}, err
	}
	if string(head[12:16]) != "VP8X" { // nothing but one picture
		c, err := webp.DecodeConfig(start(src))
		return header{width: c.Width, height: c.Height, decode: func() (*Image, error) {
			m, err := webp.Decode(start(src))
			if err != nil {
				return nil, err
			}
			return fromWebP(m), nil
		}}, err
	}
	canvas := image.Rect(0, 0, uint24(head[24:])+1, uint24(head[27:])+1)
	f := webpFrame{rect: canvas}
	h := header{width: canvas.Dx(), height: canvas.Dy()}
	err := eachChunk(src, 12, src.Size(), func(id string, at, size int64) error {
		switch id {
		case "ALPH", "VP8 ", "VP8L":
			f.add(id, at, size)
		case "ANMF":
			if f.picture.id != "" || size < 16 {
				return nil
			}
			var a [12]byte
			if _, err := src.ReadAt(a[:], at); err != nil {
				return err
			}
			f.rect = image.Rect(0, 0, uint24(a[6:])+1, uint24(a[9:])+1).Add(image.Pt(2*uint24(a[:]), 2*uint24(a[3:])))
			if !f.rect.In(canvas) {
				return errors.New("webp: frame outside of the canvas")
			}
			return eachChunk(src, at+16, at+size, func(id string, at, size int64) error {
				f.add(id, at, size)
				return nil
			})
		case "EXIF":
			h.orientation = tiffOrientation(io.NewSectionReader(src, at, size))
			if h.orientation == 0 { // some writers keep the prefix that JPEG has
				h.orientation = tiffOrientation(io.NewSectionReader(src, at+6, size-6))
			}
		}
		return nil
	})
	if err == nil && f.picture.id == "" {
		err = io.ErrUnexpectedEOF
	}
	h.decode = func() (*Image, error) {
		m, err := f.decode(src)
		if err != nil {
			return nil, err
		}
		return onCanvas(m, f.rect.Min, h.width, h.height), nil
	}
	return h, err
}

// A webpFrame is one picture of a container.
type webpFrame struct {
	rect           image.Rectangle // on the canvas
	alpha, picture webpChunk
}

type webpChunk struct {
	id       string
	at, size int64
}

// add notes the parts of the first picture.
func (f *webpFrame) add(id string, at, size int64) {
	switch c := (webpChunk{id, at, size}); {
	case f.picture.id != "":
	case id == "ALPH":
		f.alpha = c
	case id == "VP8 " || id == "VP8L":
		f.picture = c
	}
}

// decode shows the decoder a container with just this picture; it checks that the size agrees.
func (f *webpFrame) decode(src *io.SectionReader) (*Image, error) {
	vp8x := make([]byte, 10)
	chunks := []webpChunk{f.picture}
	if f.alpha.id != "" && f.picture.id == "VP8 " {
		vp8x[0] = 1 << 4 // there is an alpha chunk
		chunks = []webpChunk{f.alpha, f.picture}
	}
	putUint24(vp8x[4:], f.rect.Dx()-1)
	putUint24(vp8x[7:], f.rect.Dy()-1)
	readers := []io.Reader{nil, bytes.NewReader(chunkHead("VP8X", 10)), bytes.NewReader(vp8x)}
	total := int64(4 + 8 + 10)
	for _, c := range chunks {
		readers = append(readers, bytes.NewReader(chunkHead(c.id, c.size)), io.NewSectionReader(src, c.at, c.size), bytes.NewReader(make([]byte, c.size%2)))
		total += 8 + c.size + c.size%2
	}
	readers[0] = bytes.NewReader(append(chunkHead("RIFF", total), "WEBP"...))
	m, err := webp.Decode(io.MultiReader(readers...))
	if err != nil {
		return nil, err
	}
	return fromWebP(m), nil
}

func chunkHead(id string, size int64) []byte {
	return binary.LittleEndian.AppendUint32([]byte(id), uint32(size))
}

// eachChunk calls f with the payload of each RIFF chunk between two offsets.
func eachChunk(src io.ReaderAt, at, end int64, f func(id string, at, size int64) error) error {
	var head [8]byte
	for at+8 <= end {
		if _, err := src.ReadAt(head[:], at); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		if err := f(string(head[:4]), at+8, size); err != nil {
			return err
		}
		at += 8 + size + size%2
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func putUint24(b []byte, v int) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }

// fromWebP converts the decoder's result with libwebp's arithmetic: VP8 has studio-range Y'CbCr (16…235), which Go's color model does not know.
func fromWebP(m image.Image) *Image {
	switch m := m.(type) {
	case *image.YCbCr:
		return fromVP8(m)
	case *image.NYCbCrA:
		out := fromVP8(&m.YCbCr)
		alpha := make([]byte, 0, out.Width*out.Height)
		for y := range out.Height {
			alpha = append(alpha, m.A[y*m.AStride:][:out.Width]...)
		}
		out.overWhite(alpha)
		return out
	}
	return FromImage(m)
}

func fromVP8(m *image.YCbCr) *Image {
	out := New(m.Rect.Dx(), m.Rect.Dy())
	cw, ch := (out.Width+1)/2, (out.Height+1)/2
	u, v := make([]byte, 2*cw), make([]byte, 2*cw)
	out.eachRow(func(y int, dst []byte) {
		near, far := y/2, max(y/2-1, 0)
		if y%2 == 1 {
			far = min(near+1, ch-1)
		}
		near, far = near*m.CStride, far*m.CStride
		vp8Upsample(u, m.Cb[near:][:cw], m.Cb[far:][:cw])
		vp8Upsample(v, m.Cr[near:][:cw], m.Cr[far:][:cw])
		vp8ToRGB(dst, m.Y[y*m.YStride:], u, v)
	})
	return out
}

// vp8Upsample doubles a row of chroma: 9, 3, 3 and 1 sixteenths of the four nearest samples (libwebp, src/dsp/upsampling.c: UPSAMPLE_FUNC).
func vp8Upsample(dst, near, far []byte) {
	last := len(near) - 1
	dst[0] = byte((3*int(near[0]) + int(far[0]) + 2) >> 2)
	for i := 1; i <= last; i++ {
		n0, n1, f0, f1 := int(near[i-1]), int(near[i]), int(far[i-1]), int(far[i])
		sum := n0 + n1 + f0 + f1 + 8
		dst[2*i-1] = byte(((sum+2*(n1+f0))>>3 + n0) >> 1)
		dst[2*i] = byte(((sum+2*(n0+f1))>>3 + n1) >> 1)
	}
	dst[2*last+1] = byte((3*int(near[last]) + int(far[last]) + 2) >> 2)
}

// vp8ToRGB converts a row of studio-range BT.601 (libwebp, src/dsp/yuv.h: VP8YUVToR and its sisters).
func vp8ToRGB(dst, y, u, v []byte) {
	for i := range len(dst) / 3 {
		l, u, v := int(y[i])*19077>>8, int(u[i]), int(v[i])
		dst[3*i] = clamp((l + v*26149>>8 - 14234) >> 6)
		dst[3*i+1] = clamp((l - u*6419>>8 - v*13320>>8 + 8708) >> 6)
		dst[3*i+2] = clamp((l + u*33050>>8 - 17685) >> 6)
	}
}
