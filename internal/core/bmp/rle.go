package bmp

import (
	"bufio"
	"image"
	"io"
)

// runs decodes RLE8 and RLE4. Pixels that the runs leave out have the first colour of the palette, as Pillow has it; what goes beyond a row or the picture is
// dropped.
//
// A pair of bytes n, v is n pixels of the colour v (RLE4: of its two halves in turn); 0, 0 ends a row, 0, 1 the picture; 0, 2, dx, dy moves; 0, n is followed
// by n colours, filled up to an even number of bytes.
func (f *File) runs() (image.Image, error) {
	m := image.NewPaletted(image.Rect(0, 0, f.Width, f.Height), f.palette)
	r := bufio.NewReader(io.NewSectionReader(f.r, f.pixels, max(f.size-f.pixels, 0)))
	x, y := 0, 0
	put := func(v byte) {
		if x < f.Width {
			m.Pix[f.row(y)*m.Stride+x] = v
		}
		x++
	}
	for y < f.Height {
		pair, err := next(r, 2)
		if err != nil {
			if y == f.Height-1 && x >= f.Width {
				return m, nil // complete, but for its end
			}
			return nil, err
		}
		n, v := int(pair[0]), pair[1]
		switch {
		case n > 0 && f.compression == rle8:
			for range n {
				put(v)
			}
		case n > 0:
			for i := range n {
				put(half(v, i))
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return m, nil
		case v == 2:
			move, err := next(r, 2)
			if err != nil {
				return nil, err
			}
			x, y = x+int(move[0]), y+int(move[1])
		default:
			n = int(v)
			length := n
			if f.compression == rle4 {
				length = (n + 1) / 2
			}
			colors, err := next(r, length)
			if err != nil {
				return nil, err
			}
			for i := range n {
				if f.compression == rle4 {
					put(half(colors[i/2], i))
				} else {
					put(colors[i])
				}
			}
			if length%2 == 1 {
				r.Discard(1) // at the end of a file it may be missing
			}
		}
	}
	return m, nil
}

// half gives the upper 4 bits of v for even numbers, and the lower ones for odd numbers.
func half(v byte, i int) byte {
	if i%2 == 0 {
		return v >> 4
	}
	return v & 15
}

// next reads n bytes, 255 at most; they are valid until the next call.
func next(r *bufio.Reader, n int) ([]byte, error) {
	b, err := r.Peek(n)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	_, err = r.Discard(n)
	return b, err
}
