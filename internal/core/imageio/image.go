// Package imageio reads photos: PNG, JPEG, GIF (first frame), BMP, TIFF (the pages that package tiff chooses) and WebP (first frame), told apart by content, to
// 8-bit RGB.
//
// Pixels are those that Pillow gives, because published accuracies were measured with them:
//   - JPEG chroma is interpolated and converted as libjpeg does it (see [FromImage]), WebP as libwebp does it;
//   - grey becomes three equal channels, CMYK and YCCK go through Pillow's simple formula;
//   - colour profiles are ignored.
//
// Samples of more than 8 bits are brought to 8 by a rule, see [ParseNormalize].
//
// Unlike Pillow, pictures are turned upright by their EXIF orientation unless [Options] says otherwise, and transparent pixels show a white background.
//
// Files are not trusted: sizes are checked before pixels are allocated, and a decoder that panics becomes an error of that file.
package imageio

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/internal/core/samples"
	"github.com/spinemask/spinemask/internal/core/tiff"
)

// Image is an 8-bit RGB picture, rows from top to bottom: the pixel in column x of row y is Pix[3*(y*Width+x):][:3].
// It is an [image.Image].
type Image struct {
	Width, Height int
	Pix           []byte // 3·Width·Height bytes, R, G, B interleaved

	// Scaling says how Pix was made of samples of more than 8 bits, or by which rule of [Options]; nil if the file's samples are the pixels.
	Scaling *Scaling
	// Samples are the file's own values of the same pixels, of one channel or of three, for [Options.KeepSamples]; nil if they are the pixels.
	Samples *samples.Samples

	// PixelSize is the width and the height of a pixel in micrometres, as the file says it; zeros where it does not.
	PixelSize [2]float64
}

// New gives a black picture.
func New(width, height int) *Image {
	return &Image{Width: width, Height: height, Pix: make([]byte, 3*width*height)}
}

// ColorModel is that of [color.RGBA]; every pixel is opaque.
func (m *Image) ColorModel() color.Model { return color.RGBAModel }

// Bounds starts at (0, 0).
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }

// At gives the pixel in column x of row y, and nothing outside of the picture.
func (m *Image) At(x, y int) color.Color {
	if !(image.Point{x, y}.In(m.Bounds())) {
		return color.RGBA{}
	}
	p := m.Pix[3*(y*m.Width+x):]
	return color.RGBA{p[0], p[1], p[2], 255}
}

const (
	// DefaultMaxPixels admits 64-megapixel cameras (9248×6936).
	DefaultMaxPixels = 64 << 20
	// DefaultMaxSide is the longest side in pixels.
	DefaultMaxSide = 32768
)

// Options of [Open] and [Decode]. The zero value is right for photos.
type Options struct {
	MaxPixels         int64 // limit for width × height; 0 means DefaultMaxPixels
	MaxSide           int   // limit for each side; 0 means DefaultMaxSide
	IgnoreOrientation bool  // leave the picture as it is stored, as COCO's annotations expect

	Select      tiff.Selection // which pictures of a file with several are wanted
	Normalize   Normalize      // how brightness becomes 8 bits
	KeepSamples bool           // keep the file's own values where they are not the pixels
}

// ErrTooLarge is wrapped by errors about pictures that go beyond the limits of [Options].
var ErrTooLarge = tiff.ErrTooLarge

// Open reads the picture in a file, of several the first. Errors begin with "imageio: " and the file's base name.
func Open(path string, o Options) (*Image, error) {
	list, _, err := Pictures(path, o)
	if err != nil {
		return nil, err
	}
	return list[0].Decode()
}

// Decode reads the picture in the first size bytes of r, of several the first. Errors begin with "imageio: ".
func Decode(r io.ReaderAt, size int64, o Options) (*Image, error) {
	list, _, err := PicturesIn(r, size, o)
	if err != nil {
		return nil, err
	}
	return list[0].Decode()
}

// inFile says which file an error is about.
func inFile(path string, err error) error {
	if err == nil {
		return nil
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err // the name is said already
	}
	return fmt.Errorf("imageio: %s: %w", filepath.Base(path), err)
}

// check compares a picture's size with the limits. Both sides are below 2³², so the product fits.
func (o Options) check(width, height int) error {
	if o.MaxPixels == 0 {
		o.MaxPixels = DefaultMaxPixels
	}
	if o.MaxSide == 0 {
		o.MaxSide = DefaultMaxSide
	}
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("picture of %dx%d pixels", width, height)
	case width > o.MaxSide || height > o.MaxSide:
		return fmt.Errorf("picture of %dx%d pixels: %w of %d a side", width, height, ErrTooLarge, o.MaxSide)
	case int64(width)*int64(height) > o.MaxPixels:
		return fmt.Errorf("picture of %dx%d pixels: %w of %.1f megapixels", width, height, ErrTooLarge, float64(o.MaxPixels)/1e6)
	}
	return nil
}

// explain gives the end of a file its common name.
func explain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || strings.HasSuffix(err.Error(), ": unexpected EOF") || strings.HasSuffix(err.Error(), errTruncated.Error()) {
		return errTruncated
	}
	switch err.Error() {
	case "png: invalid format: not enough pixel data", "gif: not enough image data":
		return errTruncated
	}
	return err
}

var errTruncated = errors.New("truncated: the file ends inside the picture")
