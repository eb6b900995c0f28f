// Package tiff reads TIFF and BigTIFF files as microscopes, cameras, slide scanners and scientific programs write them: their samples with the values that are
// stored, and the order of their pages (z, channel, time) from OME-XML and from what ImageJ, tifffile, Micro-Manager,
// MetaMorph, Zeiss' LSM and PerkinElmer write.
//
// # What is read
//
//   - both byte orders; strips and tiles; samples side by side and in planes;
//   - unsigned and signed integers of 1 to 32 and of 64 bits, floats of 16, 24, 32 and 64 bits; any number of samples;
//   - compressions none, LZW (also the old one of libtiff), Deflate, PackBits, CCITT modified Huffman, group 3 (one and two dimensions) and group 4, JPEG
//     (baseline; through [Options]), Zstandard, WebP (through [Options]); predictors 2 and 3; FillOrder 2.
//
// Other compressions are refused with their names. Sizes are compared with the limits of [Options] before anything of that size is allocated; damaged files
// give errors, and no pixels are invented where the data of a picture end early.
//
// # Colours
//
// [Page.Decode] gives samples as stored; [Page.Shown] what they mean:
//
//   - bilevel, grey and WhiteIsZero: grey with white as the largest value, samples of fewer than 8 bits spread over 0 to 255 (equal to Pillow);
//   - palette: the upper 8 bits of the colour map (equal to tifffile and Pillow); of a map that was written in 8 bits, its values (as libtiff);
//   - YCbCr in JPEG: libjpeg's interpolation and integers (see imageio); YCbCr otherwise: chroma repeated, libtiff's arithmetic of TIFFReadRGBA (to ±1);
//   - CMYK: Pillow's formula, which is libtiff's to ±1; without colour profile;
//   - CIELab of 8 and 16 bits: D50, adapted to sRGB as LittleCMS does (to ±2 of Pillow's ImageCms).
package tiff

import (
	"errors"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// Options of [Open].
type Options struct {
	MaxPixels int64 // limit for width × height of a page, and four times that for its samples; 0 means 64 Mi
	MaxSide   int   // limit for each side; 0 means none

	// JPEG decodes a stream with baseline JPEG of 8 bits. If toRGB, three components are Y, Cb and Cr, to be converted to R, G and B; else they are given as
	// stored. It refuses pictures of more than maxWidth × maxHeight pixels before it allocates. Nil: pages with JPEG are refused.
	JPEG func(stream []byte, toRGB bool, maxWidth, maxHeight int) (*samples.Samples, error)
	// WebP decodes a stream to R, G, B and straight alpha, with the same limits. Nil: pages with WebP are refused.
	WebP func(stream []byte, maxWidth, maxHeight int) (*samples.Samples, error)
}

// ErrTooLarge is wrapped by errors about pages that go beyond the limits of [Options].
var ErrTooLarge = errors.New("over the limit")

// A File is an open TIFF file. It may be used from several goroutines if its reader may.
type File struct {
	Pages []*Page // the chain of directories, and pages that have none (see extend.go)
	src   source
	o     Options
	chain error // why the chain ended early; nil where it did not
}

// Open reads the directories in the first size bytes of r; pixels are read from r later. Damage to the first directory is an error, damage to later ones only
// ends the chain. Errors have no prefix.
func Open(r io.ReaderAt, size int64, o Options) (*File, error) {
	if o.MaxPixels == 0 {
		o.MaxPixels = 64 << 20
	}
	f := &File{src: source{r: r, size: size}, o: o}
	at, err := f.src.header()
	if err != nil {
		return nil, err
	}
	seen := map[uint64]bool{}
	for at != 0 {
		switch {
		case seen[at]:
			f.chain = errors.New("the chain of pages is a ring")
		case len(f.Pages) == maxPages:
			f.chain = fmt.Errorf("more than %d pages", maxPages)
		}
		if f.chain != nil {
			break
		}
		seen[at] = true
		p, next, err := f.page(at)
		if err != nil {
			if len(f.Pages) == 0 {
				return nil, err
			}
			f.chain = err
			break
		}
		p.Index = len(f.Pages)
		f.Pages = append(f.Pages, p)
		at = next
	}
	if len(f.Pages) == 0 {
		return nil, errors.New("a TIFF file without pages")
	}
	f.extend()
	return f, nil
}
