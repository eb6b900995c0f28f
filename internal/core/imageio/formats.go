package imageio

import (
	"errors"
	"image"
	"image/gif"
	"io"

	"github.com/spinemask/spinemask/internal/core/bmp"
	"github.com/spinemask/spinemask/internal/core/samples"
)

// A header is what a file says before its pixels are decoded.
type header struct {
	width, height int
	orientation   int        // EXIF, 1…8; 0 = not said
	pixelSize     [2]float64 // micrometres; 0 = not said

	// One of these gives the pixels as they are stored: 8-bit RGB, or samples.
	decode  func() (*Image, error)
	samples func() (stored, error)
}

// stored are samples of one channel or three, with the opacity of the pixels.
type stored struct {
	*samples.Samples
	alpha []byte // of 8 bits; nil is opaque
}

// image gives the pixels as o asks for them.
func (h header) image(o Options) (*Image, error) {
	var s stored
	var err error
	if h.samples != nil {
		s, err = h.samples()
	} else {
		var m *Image
		if m, err = h.decode(); err == nil && !o.Normalize.touchesPixels() {
			return m, nil
		} else if err == nil {
			s.Samples = &samples.Samples{Width: m.Width, Height: m.Height, Channels: 3, Kind: samples.Unsigned, Bits: 8, U8: m.Pix}
		}
	}
	if err != nil {
		return nil, err
	}
	m, err := render(s.Samples, o.Normalize)
	if err != nil {
		return nil, err
	}
	m.overWhite(s.alpha)
	if o.KeepSamples && m.Scaling != nil {
		m.Samples = s.Samples
	}
	return m, nil
}

type format struct {
	name   string
	magic  []string                                // first bytes of a file, '?' stands for any byte
	header func(*io.SectionReader) (header, error) // nil: there may be several pictures, see pictures
}

var formats = []format{
	{"jpeg", []string{"\xff\xd8"}, jpegHeader},
	{"png", []string{"\x89PNG\r\n\x1a\n"}, pngHeader},
	{"gif", []string{"GIF87a", "GIF89a"}, gifHeader},
	{"webp", []string{"RIFF????WEBP"}, webpHeader},
	{"tiff", []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"}, nil},
	{"bmp", bmpMagic, bmpHeader},
	{"pnm", pnmMagic, pnmHeader},
}

// sniff tells the format by the first bytes; the extension of the file's name plays no role.
func sniff(src *io.SectionReader) (format, error) {
	head := make([]byte, HeadSize)
	n, err := src.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return format{}, err
	}
	return formatOf(head[:n])
}

var errNotAPicture = errors.New("not a picture (png, jpeg, gif, bmp, tiff, webp or pnm)")

// formatOf tells the format of a file that begins with head.
func formatOf(head []byte) (format, error) {
	if len(head) == 0 {
		return format{}, errors.New("empty file")
	}
	for _, f := range formats {
		if begins(head, f.magic) && !match(canonCR2, head) {
			return f, nil
		}
	}
	for _, u := range unread {
		if begins(head, u.magic) {
			return format{}, u
		}
	}
	return format{}, errNotAPicture
}

func match(magic string, head []byte) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// start gives a reader of the whole of src, independent of others.
func start(src *io.SectionReader) *io.SectionReader { return io.NewSectionReader(src, 0, src.Size()) }

// bmpMagic has the size of a header that package bmp knows, because "BM" begins many texts.
var bmpMagic = []string{
	"BM????????????\x0c\x00\x00\x00", "BM????????????\x10\x00\x00\x00", "BM????????????\x28\x00\x00\x00", "BM????????????\x34\x00\x00\x00",
	"BM????????????\x38\x00\x00\x00", "BM????????????\x40\x00\x00\x00", "BM????????????\x6c\x00\x00\x00", "BM????????????\x7c\x00\x00\x00",
}

func bmpHeader(src *io.SectionReader) (header, error) {
	f, err := bmp.Open(src, src.Size())
	if err != nil {
		return header{}, err
	}
	return header{width: f.Width, height: f.Height, decode: func() (*Image, error) {
		m, err := f.Decode()
		if err != nil {
			return nil, err
		}
		return FromImage(m), nil
	}}, nil
}

// gifHeader reads the first frame only, and puts it where it belongs on the canvas.
func gifHeader(src *io.SectionReader) (header, error) {
	c, err := gif.DecodeConfig(start(src))
	return header{width: c.Width, height: c.Height, decode: func() (*Image, error) {
		frame, err := gif.Decode(start(src))
		if err != nil {
			return nil, err
		}
		return onCanvas(FromImage(frame), frame.Bounds().Min, c.Width, c.Height), nil
	}}, err
}

// onCanvas puts a frame at its place on a canvas of the given size.
func onCanvas(frame *Image, at image.Point, width, height int) *Image {
	if frame.Width == width && frame.Height == height {
		return frame
	}
	m := New(width, height)
	for i := range m.Pix {
		m.Pix[i] = 255 // as behind transparent pixels
	}
	for y := range frame.Height {
		copy(m.Pix[3*((at.Y+y)*width+at.X):], frame.Pix[3*y*frame.Width:][:3*frame.Width])
	}
	return m
}
