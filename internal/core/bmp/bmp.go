// Package bmp reads Windows and OS/2 bitmaps (BMP, DIB in a file): 1, 2, 4, 8, 16, 24 and 32 bits a pixel; BITFIELDS with any masks, alpha among them; RLE4
// and RLE8; rows from the bottom or from the top; the headers of OS/2 1 and 2 and of Windows 3 to 5 (v1 to v5).
//
// Where files and documents disagree it does as Pillow does (BmpImagePlugin.py), which people compare with: the fourth byte of 32 bits without masks is not
// alpha, and colours of n bits become v·255/(2ⁿ−1), rounded down. Unlike Pillow it takes any mask, and runs that end before the picture does.
package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/bits"
)

// Compressions of a header.
const (
	rgb       = 0
	rle8      = 1
	rle4      = 2
	bitFields = 3
	biJPEG    = 4
	biPNG     = 5
	alphaBits = 6 // BITFIELDS with a fourth mask behind a header of version 1
)

const fileHeader = 14 // bytes in front of the header that says what is in the file

// A File is a bitmap whose header was read.
type File struct {
	Width, Height int

	r           io.ReaderAt
	size        int64
	topDown     bool
	depth       int // bits of a pixel
	compression uint32
	masks       [4]mask // red, green, blue, alpha; of 16 bits and more
	palette     color.Palette
	pixels      int64 // offset
}

// Open reads the header and the palette of the bitmap in the first size bytes of r. Errors begin with "bmp: ".
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("bmp: %w", err)
	}
	return f, nil
}

func (f *File) open() error {
	var start [fileHeader + 4]byte
	if err := f.read(start[:], 0); err != nil {
		return err
	}
	if string(start[:2]) != "BM" {
		return errors.New("not a bitmap")
	}
	f.pixels = int64(binary.LittleEndian.Uint32(start[10:]))
	n := binary.LittleEndian.Uint32(start[fileHeader:])
	switch n {
	case 12, 16, 40, 52, 56, 64, 108, 124: // OS/2 1; OS/2 2, shortened; Windows 1 to 3; OS/2 2; Windows 4 and 5
	default:
		return fmt.Errorf("header of %d bytes is not known", n)
	}
	h := make([]byte, 124)
	if err := f.read(h[:n], fileHeader); err != nil {
		return err
	}
	var colors uint32
	planes, entry := uint16(1), 4
	if n == 12 {
		f.Width, f.Height = int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
		planes, f.depth, entry = binary.LittleEndian.Uint16(h[8:]), int(binary.LittleEndian.Uint16(h[10:])), 3
	} else {
		f.Width, f.Height = int(int32(binary.LittleEndian.Uint32(h[4:]))), int(int32(binary.LittleEndian.Uint32(h[8:])))
		planes, f.depth = binary.LittleEndian.Uint16(h[12:]), int(binary.LittleEndian.Uint16(h[14:]))
		f.compression, colors = binary.LittleEndian.Uint32(h[16:]), binary.LittleEndian.Uint32(h[32:])
	}
	if f.Height < 0 {
		f.Height, f.topDown = -f.Height, true
	}
	if f.Width <= 0 || f.Height <= 0 {
		return fmt.Errorf("%dx%d pixels", f.Width, f.Height)
	}
	if planes != 1 {
		return fmt.Errorf("%d planes, want 1", planes)
	}
	if err := f.check(n); err != nil {
		return err
	}
	end := fileHeader + int64(n)
	if f.depth > 8 {
		return f.readMasks(h, n, end)
	}
	return f.readPalette(end, entry, int64(colors))
}

// check tells what is not read from what can not be.
func (f *File) check(header uint32) error {
	os2 := header == 16 || header == 64
	switch c := f.compression; {
	case c == biJPEG && !os2:
		return errors.New("a JPEG inside of a bitmap is not supported; convert it with: magick IN OUT.png")
	case c == biPNG && !os2:
		return errors.New("a PNG inside of a bitmap is not supported; convert it with: magick IN OUT.png")
	case c >= bitFields && os2, c > alphaBits:
		return fmt.Errorf("compression %d is not supported", c)
	}
	ok := false
	switch f.depth {
	case 1, 2:
		ok = f.compression == rgb
	case 4:
		ok = f.compression == rgb || f.compression == rle4
	case 8:
		ok = f.compression == rgb || f.compression == rle8
	case 16, 24, 32:
		ok = f.compression == rgb || f.compression == bitFields || f.compression == alphaBits
	}
	if !ok {
		return fmt.Errorf("%d bits a pixel with compression %d are not supported", f.depth, f.compression)
	}
	return nil
}

// readPalette reads the colours that stand from offset at on.
func (f *File) readPalette(at int64, entry int, colors int64) error {
	if most := int64(1) << f.depth; colors == 0 || colors > most {
		colors = most
	}
	if f.pixels <= at { // some writers give the end of the header
		f.pixels = at + int64(entry)*colors
	}
	colors = min(colors, (f.pixels-at)/int64(entry))
	b := make([]byte, int64(entry)*colors)
	if err := f.read(b, at); err != nil {
		return err
	}
	f.palette = make(color.Palette, 1<<f.depth)
	for i := range f.palette {
		f.palette[i] = color.RGBA{A: 255} // what a short palette leaves out is black
		if i < int(colors) {
			c := b[entry*i:]
			f.palette[i] = color.RGBA{c[2], c[1], c[0], 255}
		}
	}
	return nil
}

// A mask selects the bits of a colour.
type mask struct {
	shift int
	most  uint32 // of the colour
}

// level brings the colour in a pixel to 8 bits.
func (m mask) level(pixel uint32) byte {
	return byte(uint64(pixel>>m.shift&m.most) * 255 / uint64(m.most))
}

// readMasks reads the masks of colours: of a header of version 1, they stand behind it, at offset end.
func (f *File) readMasks(h []byte, n uint32, end int64) error {
	masks := [4]uint32{0xff0000, 0xff00, 0xff, 0}
	switch {
	case f.compression == rgb && f.depth == 16:
		masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	case f.compression != rgb:
		b := h[40:56]
		if n == 40 {
			length := 12
			if f.compression == alphaBits {
				length = 16
			}
			if err := f.read(b[:length], end); err != nil {
				return err
			}
			end += int64(length)
		}
		for i := range masks {
			masks[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		if masks == [4]uint32{} && f.depth == 32 {
			masks = [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
		}
	}
	if f.pixels < end {
		f.pixels = end
	}
	for i, m := range masks {
		if m == 0 && i < 3 {
			return fmt.Errorf("masks of colours %x are not supported", masks)
		}
		shift := bits.TrailingZeros32(m) & 31
		most := m >> shift
		if most&(most+1) != 0 || bits.Len32(m) > f.depth {
			return fmt.Errorf("masks of colours %x are not supported", masks)
		}
		f.masks[i] = mask{shift, most}
	}
	return nil
}

// Decode reads the pixels: an [image.Paletted], an [image.NRGBA] where there is alpha, or else an opaque [image.RGBA].
func (f *File) Decode() (image.Image, error) {
	m, err := f.decode()
	if err != nil {
		return nil, fmt.Errorf("bmp: %w", err)
	}
	return m, nil
}

func (f *File) decode() (image.Image, error) {
	if f.compression == rle8 || f.compression == rle4 {
		return f.runs()
	}
	stride := (int64(f.Width)*int64(f.depth) + 31) / 32 * 4
	used := (int64(f.Width)*int64(f.depth) + 7) / 8
	if f.size-f.pixels < stride*int64(f.Height-1)+used { // the last row may lack what fills it up
		return nil, io.ErrUnexpectedEOF
	}
	size := image.Rect(0, 0, f.Width, f.Height)
	row := make([]byte, used)
	each := func(decode func(y int)) error {
		for i := range f.Height {
			if err := f.read(row, f.pixels+stride*int64(i)); err != nil {
				return err
			}
			decode(f.row(i))
		}
		return nil
	}
	switch {
	case f.depth <= 8:
		m := image.NewPaletted(size, f.palette)
		perByte := 8 / f.depth
		return m, each(func(y int) {
			for x := range f.Width {
				shift := 8 - f.depth*(x%perByte+1)
				m.Pix[y*m.Stride+x] = row[x/perByte] >> shift & byte(1<<f.depth-1)
			}
		})
	case f.masks[3].most != 0:
		m := image.NewNRGBA(size)
		return m, each(func(y int) { f.colors(m.Pix[y*m.Stride:][:4*f.Width], row) })
	}
	m := image.NewRGBA(size)
	return m, each(func(y int) { f.colors(m.Pix[y*m.Stride:][:4*f.Width], row) })
}

// row gives the row of the picture that is number i in the file.
func (f *File) row(i int) int {
	if f.topDown {
		return i
	}
	return f.Height - 1 - i
}

// colors fills dst with the red, green, blue and alpha of a row of 16, 24 or 32 bits a pixel.
func (f *File) colors(dst, row []byte) {
	r, g, b, a := f.masks[0], f.masks[1], f.masks[2], f.masks[3]
	plain := r == mask{16, 255} && g == mask{8, 255} && b == mask{0, 255}
	for at := 0; len(dst) > 0; dst, at = dst[4:], at+f.depth/8 {
		if plain && a.most == 0 { // nearly all bitmaps
			dst[0], dst[1], dst[2], dst[3] = row[at+2], row[at+1], row[at], 255
			continue
		}
		var pixel uint32
		for i, v := range row[at:][:f.depth/8] {
			pixel |= uint32(v) << (8 * i)
		}
		dst[0], dst[1], dst[2], dst[3] = r.level(pixel), g.level(pixel), b.level(pixel), 255
		if a.most != 0 {
			dst[3] = a.level(pixel)
		}
	}
}

// read fills b from an offset.
func (f *File) read(b []byte, at int64) error {
	if at < 0 || at+int64(len(b)) > f.size {
		return io.ErrUnexpectedEOF
	}
	_, err := f.r.ReadAt(b, at)
	if err == io.EOF { // allowed with the last byte
		err = nil
	}
	return err
}
