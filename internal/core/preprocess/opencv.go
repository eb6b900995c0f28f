package preprocess

import "math"

// OpenCV resizes 8-bit pixels in whole numbers (imgproc/src/resize.cpp:
// HResizeLinear, VResizeLinear<uchar, int, short>): weights have 11 bits, sums
// along a row are exact, sums along a column lose their low bits.
const weightBits = 11

// rowOpenCV writes row y of the resized photo, which is 8-bit before it is
// normalised.
func (r *Resizer) rowOpenCV(out []float32, y int, s *Scratch) {
	if r.g.Height == 2*r.g.ScaledHeight && r.g.Width == 2*r.g.ScaledWidth {
		r.halve(out, y)
		return
	}
	t := r.rows[y]
	top := s.fixedRow(r, t.low, t.high)
	bottom := s.fixedRow(r, t.high, t.low)
	low, high := fixed(1-t.weight), fixed(t.weight)
	for i := range out {
		v := (low*(top[i]>>4)>>16 + high*(bottom[i]>>4)>>16 + 2) >> 2
		out[i] = r.levels[i%3][uint8(v)]
	}
}

// fixedRow returns a source row, resized horizontally, times 2^11, keeping the
// one of the row other.
func (s *Scratch) fixedRow(r *Resizer, y, other int) []int32 {
	slot, have := s.slot(y, other)
	if have {
		return s.fixed[slot]
	}
	out := s.fixed[slot][:0]
	line := r.pixels[3*y*r.g.Width:][:3*r.g.Width]
	for _, t := range r.cols {
		low, high := fixed(1-t.weight), fixed(t.weight)
		if t.low == t.high { // beyond the ends
			low, high = 1<<weightBits, 0
		}
		a, b := line[3*t.low:][:3], line[3*t.high:][:3]
		for ch := range 3 {
			out = append(out, low*int32(a[ch])+high*int32(b[ch]))
		}
	}
	s.fixed[slot] = out
	return out
}

// fixed is a weight in fixed point, halves to even.
func fixed(weight float32) int32 {
	return int32(math.RoundToEven(float64(weight * (1 << weightBits))))
}

// halve takes the mean of 2×2 pixels, which OpenCV does when both sides become
// exactly half.
func (r *Resizer) halve(out []float32, y int) {
	top := r.pixels[3*2*y*r.g.Width:][:3*r.g.Width]
	bottom := r.pixels[3*(2*y+1)*r.g.Width:][:3*r.g.Width]
	for i := range out {
		at := 6*(i/3) + i%3
		sum := int(top[at]) + int(top[at+3]) + int(bottom[at]) + int(bottom[at+3])
		out[i] = r.levels[i%3][(sum+2)>>2]
	}
}
