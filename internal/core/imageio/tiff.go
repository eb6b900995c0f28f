package imageio

import (
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/core/tiff"
)

// tiffPictures reads the directories of a TIFF file and chooses pictures; see [tiff.File.Select].
func tiffPictures(src *io.SectionReader, o Options) (list []source, note string, err error) {
	f, err := tiff.Open(src, src.Size(), tiff.Options{MaxPixels: o.MaxPixels, MaxSide: o.MaxSide, JPEG: jpegInTIFF, WebP: webpInTIFF})
	if err != nil {
		return nil, "", tiffError(err)
	}
	pictures, note, err := f.Select(o.Select)
	if err != nil {
		return nil, "", tiffError(err)
	}
	for _, p := range pictures {
		h := header{width: p.Width, height: p.Height, orientation: p.Orientation, pixelSize: p.PixelSize, samples: func() (stored, error) {
			s, alpha, err := p.Decode()
			return stored{s, alpha}, tiffError(err)
		}}
		list = append(list, source{"tiff", p.Label, func() (header, error) { return h, nil }})
	}
	return list, note, nil
}

// tiffError names the package.
func tiffError(err error) error {
	if err == nil {
		return nil
	}
	return explain(fmt.Errorf("tiff: %w", err))
}
