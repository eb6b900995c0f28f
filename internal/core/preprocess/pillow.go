package preprocess

import "math"

// Pillow resizes 8-bit pixels in whole numbers (src/libImaging/Resample.c: precompute_coeffs, normalize_coeffs_8bpc,
// ImagingResampleHorizontal_8bpc, ImagingResampleVertical_8bpc): along x, rounded to 8 bits, and then along y. The weights are triangles whose half
// width is a source pixel, or as many as become one where the photo shrinks.
const pillowBits = 22

// A window is the source positions that a destination position is made of: from first on, one for each weight.
type window struct {
	first   int
	weights []int32 // their sum is about 2^22
}

// windows makes those of count destination positions from offset on, of n among so many source positions.
func windows(list []window, source, n, offset, count int) []window {
	scale := float64(source) / float64(n)
	support := max(scale, 1)
	for i := offset; i < offset+count; i++ {
		centre := float64((float64(i) + 0.5) * scale)
		first := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), source)
		w := make([]float64, end-first)
		sum := 0.0
		for k := range w {
			w[k] = max(1-math.Abs((float64(k+first)-centre+0.5)*(1/support)), 0)
			sum += w[k]
		}
		fixed := make([]int32, len(w))
		for k, v := range w {
			fixed[k] = int32(0.5 + float64(v/sum*(1<<pillowBits)))
		}
		list = append(list, window{first, fixed})
	}
	return list
}

// lines are source rows that are resized along x. Row y is in slot y modulo their number.
type lines struct {
	rows  [][]byte
	which []int // source row of each, −1: none
}

func (l *lines) forget() {
	for i := range l.which {
		l.which[i] = -1
	}
}

// room makes room for n rows.
func (l *lines) room(n int) {
	if n > len(l.rows) {
		l.rows, l.which = make([][]byte, n), make([]int, n)
		l.forget()
	}
}

// rowPillow writes row y of the resized photo, which is 8-bit before it is normalised.
func (r *Resizer) rowPillow(out []float32, y int, s *Scratch) {
	w := r.windows.rows[y]
	s.lines.room(len(w.weights))
	if cap(s.sums) < len(out) {
		s.sums = make([]int32, len(out))
	}
	sums := s.sums[:len(out)]
	for i := range sums {
		sums[i] = 1 << (pillowBits - 1)
	}
	for k, weight := range w.weights {
		line := s.line(r, w.first+k)[:len(sums)]
		for i, v := range line {
			sums[i] += int32(v) * weight
		}
	}
	red, green, blue := &r.levels[0], &r.levels[1], &r.levels[2]
	for i := 0; i+2 < len(sums); i += 3 {
		out[i] = red[grey(sums[i])]
		out[i+1] = green[grey(sums[i+1])]
		out[i+2] = blue[grey(sums[i+2])]
	}
}

// line returns a source row resized along x.
func (s *Scratch) line(r *Resizer, y int) []byte {
	slot := y % len(s.lines.rows)
	if s.lines.which[slot] == y {
		return s.lines.rows[slot]
	}
	out := s.lines.rows[slot][:0]
	source := r.pixels[3*y*r.g.Width:][:3*r.g.Width]
	for _, w := range r.windows.cols {
		const half = 1 << (pillowBits - 1)
		red, green, blue := int32(half), int32(half), int32(half)
		p := source[3*w.first:][:3*len(w.weights)]
		for _, weight := range w.weights {
			red += int32(p[0]) * weight
			green += int32(p[1]) * weight
			blue += int32(p[2]) * weight
			p = p[3:]
		}
		out = append(out, grey(red), grey(green), grey(blue))
	}
	s.lines.rows[slot], s.lines.which[slot] = out, y
	return out
}

// grey is a sum of weighted grey levels, rounded. Weights are rounded, too, so that it may pass 255.
func grey(sum int32) byte { return byte(min(sum>>pillowBits, 255)) }
