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
	// Normalize is the rule that brings samples of more than 8 bits, as microscopes
	// and cameras write them, to the 8 bits that models take:
	//   - "auto" or "": the percentiles 0.1 and 99.9 of the picture become black and
	//     white; pictures of 8 bits stay as they are;
	//   - "none": integers keep their upper 8 bits (negative ones are black), and of
	//     floats 0 becomes black and 1 white;
	//   - "minmax", "percentile:LO,HI": the extremes, or two other percentiles, become
	//     black and white, in pictures of 8 bits, too;
	//   - "bits:N": 0 becomes black and 2^N-1 white, such as "bits:12".
	//
	// The channels of a colour picture share one scale.
	Normalize string
}

// ErrTooLarge is wrapped by errors about pictures over the limits of
// ImageOptions.
var ErrTooLarge = imageio.ErrTooLarge

// OpenImage reads a picture from a file for Segment: PNG, JPEG, GIF, BMP, TIFF,
// WebP or PNM, told apart by content. Of an animation it is the first frame; of a
// TIFF file with several pages the one picture if there is one, the maximum of a
// stack in z, the first time of a series, and of several channels the picture in
// colour, or the channel of the nuclei, or the first.
//
// The pixels are those that the models were trained and measured with: JPEG as
// libjpeg decodes it (Go's image/jpeg gives colours that differ by up to 37 grey
// levels at edges), colour profiles ignored, white behind transparent pixels.
// Samples of more than 8 bits are scaled as ImageOptions.Normalize says. Errors
// about kinds of files that are not read name the kind and a command that
// converts it.
func OpenImage(path string, o *ImageOptions) (image.Image, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	return picture(imageio.Open(path, options))
}

// LoadImage reads a picture as OpenImage does, from the size bytes behind r: a
// bytes.Reader, for instance.
func LoadImage(r io.ReaderAt, size int64, o *ImageOptions) (image.Image, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	return picture(imageio.Decode(r, size, options))
}

func (o *ImageOptions) options() (imageio.Options, error) {
	if o == nil {
		return imageio.Options{KeepSamples: true}, nil
	}
	out := imageio.Options{KeepSamples: true, MaxPixels: o.MaxPixels, IgnoreOrientation: o.AsStored}
	if o.Normalize == "" {
		return out, nil
	}
	var err error
	out.Normalize, err = imageio.ParseNormalize(o.Normalize)
	return out, err
}

// picture keeps a nil *imageio.Image from becoming an image that is not nil.
func picture(m *imageio.Image, err error) (image.Image, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
