package spinemask

import (
	"image"
	"io"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// ImageOptions say how a picture's file is read. The zero value, and nil, are
// the defaults.
type ImageOptions struct {
	// AsStored leaves the picture as its pixels are stored. Otherwise its EXIF
	// orientation turns it upright, as people see it. The annotations of COCO are
	// for pictures as they are stored.
	AsStored bool
	// MaxPixels limits width × height, and so memory, before anything is
	// allocated; 0 means 64 megapixels. A side has 32,768 pixels at most.
	MaxPixels int64
}

// ErrTooLarge is wrapped by errors about pictures over the limits of
// ImageOptions.
var ErrTooLarge = imageio.ErrTooLarge

// OpenImage reads a picture from a file for Segment: PNG, JPEG, GIF, BMP, TIFF or
// WebP, told apart by content; of several frames the first. The pixels are those
// that the models were trained and measured with: JPEG as libjpeg decodes it (Go's
// image/jpeg gives colours that differ by up to 37 grey levels at edges), 16-bit
// samples by their high byte, colour profiles ignored, white behind transparent
// pixels.
func OpenImage(path string, o *ImageOptions) (image.Image, error) {
	return picture(imageio.Open(path, o.options()))
}

// LoadImage reads a picture as OpenImage does, from the size bytes behind r: a
// bytes.Reader, for instance.
func LoadImage(r io.ReaderAt, size int64, o *ImageOptions) (image.Image, error) {
	return picture(imageio.Decode(r, size, o.options()))
}

func (o *ImageOptions) options() imageio.Options {
	if o == nil {
		return imageio.Options{}
	}
	return imageio.Options{MaxPixels: o.MaxPixels, IgnoreOrientation: o.AsStored}
}

// picture keeps a nil *imageio.Image from becoming an image that is not nil.
func picture(m *imageio.Image, err error) (image.Image, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
