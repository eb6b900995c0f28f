// Package rle is COCO's run-length encoding of binary masks: its string form, areas and boxes, intersection over union,
// set operations, the rasteriser of polygons, and back from runs to polygons and boundaries.
//
// A mask of H rows and W columns is read column by column, top to bottom; its runs alternate background, foreground,
// background, …, beginning with background (a first run of 0 for a mask whose first pixel is set). Pixel (x, y), column
// and row, is at position x·H + y of that order. Nothing here allocates a bitmap, but Bitmap.
//
// Results equal those of pycocotools 2.0.11 on x86-64 (common/maskApi.c) bit for bit, on every processor. Masks from
// outside should come through Decode or Validate; the other functions accept runs that do not fill the mask, or overfill
// it, and treat them as maskApi.c does, without its reads and writes out of bounds.
package rle

import "fmt"

// MaxPixels is the largest H·W of a valid mask: positions and runs are 32-bit integers, as in maskApi.c.
const MaxPixels = 1<<32 - 1

// Mask is a binary mask of H×W pixels as run lengths in column-major order: Runs[0] background, Runs[1] foreground, …
type Mask struct {
	H, W int
	Runs []uint32
}

// Validate reports why m is no proper mask: a negative or too large size, or runs that do not sum to H·W.
func (m Mask) Validate() error {
	if err := CheckSize(m.H, m.W); err != nil {
		return err
	}
	var sum uint64
	for _, r := range m.Runs {
		sum += uint64(r)
	}
	if want := uint64(m.H) * uint64(m.W); sum != want {
		return fmt.Errorf("rle: runs sum to %d, want %d×%d = %d", sum, m.H, m.W, want)
	}
	return nil
}

// CheckSize reports that h×w pixels are no size of a mask: negative, or more than MaxPixels. Who rasterises polygons of an
// image whose size comes from outside calls it first.
func CheckSize(h, w int) error {
	if h < 0 || w < 0 || uint64(h) > MaxPixels || uint64(w) > MaxPixels || uint64(h)*uint64(w) > MaxPixels {
		return fmt.Errorf("rle: size %d×%d, want at most %d pixels", h, w, uint64(MaxPixels))
	}
	return nil
}

// Area is the number of foreground pixels: the sum of the odd runs.
func (m Mask) Area() uint64 {
	var a uint64
	for i := 1; i < len(m.Runs); i += 2 {
		a += uint64(m.Runs[i])
	}
	return a
}

// Bounds is the smallest box, in pixels, that holds the foreground: columns x … x+w-1, rows y … y+h-1; all 0 when there
// is none. A foreground run that goes over the end of a column spans the full height, as in rleToBbox.
func (m Mask) Bounds() (x, y, w, h int) {
	s := m.Summary()
	if s.Area == 0 {
		return 0, 0, 0, 0
	}
	return int(s.X), int(s.Y), int(s.W), int(s.H)
}
