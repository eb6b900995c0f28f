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

// pngOrientation reads the chunk eXIf in front of the pixels.
func pngOrientation(r io.ReaderAt) int {
	var head [8]byte
	for at := int64(8); ; {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return 0
		}
		size := int64(binary.BigEndian.Uint32(head[:]))
		switch string(head[4:]) {
		case "eXIf":
			return tiffOrientation(io.NewSectionReader(r, at+8, size))
		case "IDAT":
			return 0
		}
		at += 12 + size
	}
}

// upright turns a stored picture the way that its EXIF orientation asks for.
func upright(m *Image, orientation int) *Image {
	w, h := m.Width, m.Height
	// The pixel at column x, row y of the result is number first + x·right + y·down of m.
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
	default:
		return m
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := New(w, h)
	out.eachRow(func(y int, dst []byte) {
		at := 3 * (first + y*down)
		for x := range w {
			copy(dst[3*x:3*x+3], m.Pix[at:at+3])
			at += 3 * right
		}
	})
	return out
}
