package imageio

import (
	"errors"
	"image"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// A header is what a file says before its pixels are decoded.
type header struct {
	width, height int
	orientation   int // EXIF, 1…8; 0 = not said
	decode        func() (*Image, error)
}

type format struct {
	name   string
	magic  []string // first bytes of a file, '?' stands for any byte
	header func(*io.SectionReader) (header, error)
}

var formats = []format{
	{"jpeg", []string{"\xff\xd8"}, jpegHeader},
	{"png", []string{"\x89PNG\r\n\x1a\n"}, pngHeader},
	{"gif", []string{"GIF87a", "GIF89a"}, gifHeader},
	{"webp", []string{"RIFF????WEBP"}, webpHeader},
	{"tiff", []string{"II*\x00", "MM\x00*"}, tiffHeader},
	{"bmp", []string{"BM????\x00\x00\x00\x00"}, bmpHeader},
}

// Kinds of files that people do have among their photos. Naming them is more helpful than "unknown format".
var unread = []struct{ name, magic string }{
	{"HEIC", "????ftyphei"}, {"HEIC", "????ftyphev"}, {"HEIF", "????ftypmif1"}, {"AVIF", "????ftypavif"},
	{"JPEG 2000", "????jP  \r\n\x87\n"}, {"JPEG XL", "\xff\x0a"}, {"JPEG XL", "????JXL \r\n\x87\n"},
	{"PDF", "%PDF"}, {"BigTIFF", "II+\x00"}, {"BigTIFF", "MM\x00+"}, {"Photoshop", "8BPS"},
}

// sniff tells the format by the first bytes; the extension of the file's name plays no role.
func sniff(src *io.SectionReader) (format, error) {
	head := make([]byte, 16)
	n, err := src.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return format{}, err
	}
	if n == 0 {
		return format{}, errors.New("empty file")
	}
	head = head[:n]
	for _, f := range formats {
		for _, magic := range f.magic {
			if match(magic, head) {
				return f, nil
			}
		}
	}
	for _, u := range unread {
		if match(u.magic, head) {
			return format{}, errors.New(u.name + " files cannot be read, only png, jpeg, gif, bmp, tiff and webp")
		}
	}
	return format{}, errors.New("not a picture (png, jpeg, gif, bmp, tiff or webp)")
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

// plain is the header of a format whose decoder needs no help.
func plain(src *io.SectionReader, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (header, error) {
	c, err := config(start(src))
	return header{width: c.Width, height: c.Height, decode: func() (*Image, error) {
		m, err := decode(start(src))
		if err != nil {
			return nil, err
		}
		return FromImage(m), nil
	}}, err
}

func bmpHeader(src *io.SectionReader) (header, error) {
	return plain(src, bmp.DecodeConfig, bmp.Decode)
}

func tiffHeader(src *io.SectionReader) (header, error) {
	h, err := plain(src, tiff.DecodeConfig, tiff.Decode)
	h.orientation = tiffOrientation(src)
	return h, err
}

func pngHeader(src *io.SectionReader) (header, error) {
	h, err := plain(src, png.DecodeConfig, png.Decode)
	h.orientation = pngOrientation(src)
	return h, err
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
