package rle

// FromBitmap encodes a row-major bitmap of h×w bytes, non-zero for foreground.
func FromBitmap(h, w int, bits []byte) Mask {
	if len(bits) != h*w {
		panic("rle: bitmap is not h×w bytes")
	}
	var runs []uint32
	run, set := uint32(0), false
	for x := range w {
		for p := x; p < len(bits); p += w {
			if (bits[p] != 0) != set {
				runs = append(runs, run)
				run, set = 0, !set
			}
			run++
		}
	}
	return Mask{H: h, W: w, Runs: append(runs, run)}
}

// Bitmap decodes m into a row-major bitmap of H×W bytes, 1 for foreground. Runs beyond the last pixel are dropped.
func (m Mask) Bitmap() []byte {
	bits := make([]byte, m.H*m.W)
	m.eachColumnRun(func(x, y0, y1 int) {
		for p := y0*m.W + x; p < y1*m.W; p += m.W {
			bits[p] = 1
		}
	})
	return bits
}

// eachColumnRun calls f with the foreground cut at the ends of the columns, in order: rows y0 … y1-1 of column x. A run
// that goes on in the next column, and runs that meet because a background run is zero, come in pieces.
func (m Mask) eachColumnRun(f func(x, y0, y1 int)) {
	if m.H == 0 {
		return
	}
	x, y := 0, 0
	for i, r := range m.Runs {
		left := int(r)
		if i%2 == 0 {
			y += left
			if y >= m.H {
				x, y = x+y/m.H, y%m.H
			}
			continue
		}
		for left > 0 && x < m.W {
			n := min(left, m.H-y)
			f(x, y, y+n)
			if left, y = left-n, y+n; y >= m.H {
				x, y = x+1, 0
			}
		}
	}
}
