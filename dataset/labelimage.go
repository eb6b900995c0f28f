package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"slices"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/tiff"
	"github.com/spinemask/spinemask/rle"
)

// A LabelImage says of each pixel which object it belongs to, 0 for none, row by row.
type LabelImage struct {
	Height, Width int // pixels
	Values        []uint32
}

// ReadLabelImage reads a PNG or a TIFF of one channel with whole numbers of up to 32
// bits, as they are stored. Errors do not name the file.
func ReadLabelImage(file string) (*LabelImage, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 8)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch kind, _ := imageio.KindOf(head[:n]); kind {
	case "png":
		return pngLabels(f)
	case "tiff":
		return tiffLabels(f)
	default:
		return nil, errors.New("label images are PNG or TIFF, which keep the values of pixels")
	}
}

func pngLabels(f *os.File) (*LabelImage, error) {
	c, err := png.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	if err := checkLabels(c.Width, c.Height); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := png.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	l := &LabelImage{Height: c.Height, Width: c.Width, Values: make([]uint32, c.Height*c.Width)}
	switch m := img.(type) {
	case *image.Gray:
		l.each(func(x, y int) uint32 { return uint32(m.Pix[y*m.Stride+x]) })
	case *image.Paletted:
		l.each(func(x, y int) uint32 { return uint32(m.Pix[y*m.Stride+x]) })
	case *image.Gray16:
		l.each(func(x, y int) uint32 {
			p := m.Pix[y*m.Stride+2*x:]
			return uint32(p[0])<<8 | uint32(p[1])
		})
	case *image.RGBA:
		grey := true
		l.each(func(x, y int) uint32 {
			p := m.Pix[y*m.Stride+4*x:]
			grey = grey && bytes.Equal(p[:2], p[1:3])
			return uint32(p[0])
		})
		if !grey {
			return nil, errColour
		}
	default:
		return nil, errColour
	}
	return l, nil
}

var errColour = errors.New("a picture in colour, not a label image: want one channel of whole numbers")

func tiffLabels(f *os.File) (*LabelImage, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := tiff.Open(f, st.Size(), tiff.Options{MaxPixels: imageio.DefaultMaxPixels, MaxSide: imageio.DefaultMaxSide})
	if err != nil {
		return nil, err
	}
	page := file.Pages[0]
	for _, other := range file.Pages[1:] {
		if other.Width == page.Width && other.Height == page.Height {
			return nil, fmt.Errorf("%d pages: a label image has one", len(file.Pages))
		}
	}
	if page.Channels != 1 {
		return nil, errColour
	}
	s, err := page.Decode()
	if err != nil {
		return nil, err
	}
	l := &LabelImage{Height: s.Height, Width: s.Width, Values: make([]uint32, s.Height*s.Width)}
	for i := range l.Values {
		v := s.At(i)
		if v < 0 || v > math.MaxUint32 || v != math.Trunc(v) {
			return nil, fmt.Errorf("pixel (%d, %d) has the value %g: labels are whole numbers from 0 on", i%s.Width, i/s.Width, v)
		}
		l.Values[i] = uint32(v)
	}
	return l, nil
}

func checkLabels(width, height int) error {
	if int64(width)*int64(height) > imageio.DefaultMaxPixels {
		return fmt.Errorf("%d×%d pixels (width × height): at most %d are read", width, height, imageio.DefaultMaxPixels)
	}
	return nil
}

func (l *LabelImage) each(value func(x, y int) uint32) {
	for y := range l.Height {
		for x := range l.Width {
			l.Values[y*l.Width+x] = value(x, y)
		}
	}
}

// Parts counts the pieces, which do not touch along an edge, of the objects of an
// image. A single value above 0 in several pieces is likely a binary mask.
func (l *LabelImage) Parts() (n int) {
	for _, m := range l.masks() {
		n += parts(m.mask)
	}
	return n
}

// A labelMask is the mask of a value.
type labelMask struct {
	value uint32
	mask  rle.Mask
}

// masks makes a mask of each value above 0, by rising values, in one pass.
func (l *LabelImage) masks() []labelMask {
	type runs struct {
		list []uint32
		end  int
	}
	found := map[uint32]*runs{}
	at := 0 // in the order of runs: column by column
	add := func(v uint32, from, to int) {
		if v == 0 || from == to {
			return
		}
		r := found[v]
		if r == nil {
			r = &runs{}
			found[v] = r
		}
		if n := len(r.list); n > 0 && r.end == from {
			r.list[n-1] += uint32(to - from)
		} else {
			r.list = append(r.list, uint32(from-r.end), uint32(to-from))
		}
		r.end = to
	}
	from, last := 0, uint32(0)
	for x := range l.Width {
		for y := range l.Height {
			if v := l.Values[y*l.Width+x]; v != last {
				add(last, from, at)
				from, last = at, v
			}
			at++
		}
	}
	add(last, from, at)
	list := make([]labelMask, 0, len(found))
	for v, r := range found {
		if r.end < at {
			r.list = append(r.list, uint32(at-r.end))
		}
		list = append(list, labelMask{v, rle.Mask{H: l.Height, W: l.Width, Runs: r.list}})
	}
	slices.SortFunc(list, func(a, b labelMask) int { return cmp.Compare(a.value, b.value) })
	return list
}
