package export

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// InstanceTIFF writes a picture as InstanceMap does, in 32 bits: a TIFF of one page and one channel of unsigned integers, in strips of Deflate, which ImageJ,
// tifffile and scikit-image read.
func InstanceTIFF(w io.Writer, p *Picture) error {
	labels := make([]uint32, p.Width*p.Height)
	for i := len(p.Instances) - 1; i >= 0; i-- {
		eachSpan(p.Instances[i].Mask, func(x, y0, y1 int) {
			for y := y0; y < y1; y++ {
				labels[y*p.Width+x] = uint32(i + 1)
			}
		})
	}
	strips, rows, err := deflate(labels, p.Width)
	if err != nil {
		return err
	}
	head, err := tiffHead(p.Width, p.Height, rows, strips)
	if err != nil {
		return err
	}
	for _, part := range append([][]byte{head}, strips...) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// deflate packs strips of whole rows, of about a megabyte each.
func deflate(labels []uint32, width int) (strips [][]byte, rows int, err error) {
	rows = max((1<<18)/width, 1)
	for first := 0; first < len(labels); first += rows * width {
		strip := labels[first:min(first+rows*width, len(labels))]
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
		if err == nil {
			err = binary.Write(z, binary.LittleEndian, strip)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return nil, 0, err
		}
		strips = append(strips, b.Bytes())
	}
	return strips, rows, nil
}

// tiffHead is all that comes before the strips (TIFF 6.0; Deflate is Adobe's compression 8).
func tiffHead(width, height, rows int, strips [][]byte) ([]byte, error) {
	const short, long = 3, 4
	const entries = 10
	n := len(strips)
	lists := 8 + 2 + 12*entries + 4 // where offsets and sizes of the strips stand, if there are several
	data := lists
	if n > 1 {
		data += 8 * n
	}
	var offsets, sizes []uint32
	at := uint64(data)
	for _, s := range strips {
		offsets, sizes = append(offsets, uint32(at)), append(sizes, uint32(len(s)))
		at += uint64(len(s))
	}
	if at > math.MaxUint32 {
		return nil, fmt.Errorf("export: a label image of %d bytes: TIFF ends at 4 GB", at)
	}
	offsetOf := func(list []uint32, place int) uint32 {
		if n == 1 {
			return list[0]
		}
		return uint32(place)
	}
	le := binary.LittleEndian
	b := []byte{'I', 'I', 42, 0, 8, 0, 0, 0}
	b = le.AppendUint16(b, entries)
	for _, e := range []struct {
		tag, kind    uint16
		count, value uint32
	}{
		{256, long, 1, uint32(width)},
		{257, long, 1, uint32(height)},
		{258, short, 1, 32}, // bits
		{259, short, 1, 8},  // compression
		{262, short, 1, 1},  // black is zero
		{273, long, uint32(n), offsetOf(offsets, lists)},
		{277, short, 1, 1}, // samples of a pixel
		{278, long, 1, uint32(rows)},
		{279, long, uint32(n), offsetOf(sizes, lists+4*n)},
		{339, short, 1, 1}, // unsigned
	} {
		b = le.AppendUint16(b, e.tag)
		b = le.AppendUint16(b, e.kind)
		b = le.AppendUint32(b, e.count)
		b = le.AppendUint32(b, e.value)
	}
	b = le.AppendUint32(b, 0) // no further page
	if n > 1 {
		for _, v := range append(offsets, sizes...) {
			b = le.AppendUint32(b, v)
		}
	}
	return b, nil
}
