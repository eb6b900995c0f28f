package imageio

import (
	"encoding/binary"
	"io"
)

// tiffOrientation reads tag 0x0112 of the first directory of a TIFF structure, which is also what EXIF is: 1…8, or 0 if there is none.
func tiffOrientation(r io.ReaderAt) int {
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return 0
	}
	var order binary.ByteOrder
	switch string(head[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(head[4:]))
	var count [2]byte
	if _, err := r.ReadAt(count[:], at); err != nil {
		return 0
	}
	entries := make([]byte, 12*int(order.Uint16(count[:])))
	n, _ := r.ReadAt(entries, at+2) // a damaged directory may still hold the tag
	for e := entries[:n]; len(e) >= 12; e = e[12:] {
		if order.Uint16(e) != 0x0112 {
			continue
		}
		v := 0
		switch order.Uint16(e[2:]) {
		case 3: // SHORT
			v = int(order.Uint16(e[8:]))
		case 4: // LONG
			v = int(order.Uint32(e[8:]))
		}
		if v >= 1 && v <= 8 {
			return v
		}
		return 0
	}
	return 0
}

// pngOrientation reads the chunk eXIf, which may stand in front of the pixels or behind them.
func pngOrientation(r io.ReaderAt) int {
	const most = 1 << 20 // chunks that are looked at; usual ones of pixels have 8 kB
	var head [8]byte
	at := int64(8)
	for range most {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return 0
		}
		size := int64(binary.BigEndian.Uint32(head[:]))
		switch string(head[4:]) {
		case "eXIf":
			return tiffOrientation(io.NewSectionReader(r, at+8, size))
		case "IEND":
			return 0
		}
		at += 12 + size
	}
	return 0
}

// upright turns a stored picture the way that its EXIF orientation asks for.
func upright(m *Image, orientation int) *Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.Width, m.Height
	out := *m
	if orientation >= 5 {
		out.Width, out.Height = h, w
		out.PixelSize = [2]float64{m.PixelSize[1], m.PixelSize[0]}
	}
	out.Pix = turn(m.Pix, w, h, 3, orientation)
	if s := m.Samples; s != nil {
		turned := *s
		turned.Width, turned.Height = out.Width, out.Height
		turned.U8 = turn(s.U8, w, h, s.Channels, orientation)
		turned.U16 = turn(s.U16, w, h, s.Channels, orientation)
		turned.F32 = turn(s.F32, w, h, s.Channels, orientation)
		turned.F64 = turn(s.F64, w, h, s.Channels, orientation)
		out.Samples = &turned
	}
	return &out
}

// turn gives the pixels of a w×h picture, of several values each, in the order that its EXIF orientation, 2…8, asks for.
func turn[T any](pix []T, w, h, channels, orientation int) []T {
	if pix == nil {
		return nil
	}
	// The pixel at column x, row y of the result is number first + x·right + y·down of pix.
	var first, right, down int
	switch orientation {
	case 2: // mirrored left to right
		first, right, down = w-1, -1, w
	case 3: // upside down
		first, right, down = w*h-1, -1, -w
	case 4: // mirrored top to bottom
		first, right, down = w*(h-1), 1, -w
	case 5: // rows are columns
		first, right, down = 0, w, 1
	case 6: // lies on its left side
		first, right, down = w*(h-1), -w, 1
	case 7: // rows are columns, from bottom right
		first, right, down = w*h-1, -w, -1
	case 8: // lies on its right side
		first, right, down = w-1, w, -1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := make([]T, 0, len(pix))
	for y := range h {
		at := channels * (first + y*down)
		for range w {
			out = append(out, pix[at:at+channels]...)
			at += channels * right
		}
	}
	return out
}
