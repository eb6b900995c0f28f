package maskhead

import "github.com/spinemask/spinemask/rle"

// real is the precision of the system that a paste equals.
type real interface{ float32 | float64 }

// filler turns a mask and the places of its pixels in a photo into runs.
type filler[F real] struct {
	m             int // side of mask
	mask          []F // column after column
	rows, columns axis[F]
	line          []F // the mask interpolated along x, at one column of the photo
}

// set takes an n×n mask, with a border of zeros of the given width.
func (l *filler[F]) set(mask []float32, n, border int) {
	l.m = n + 2*border
	if len(l.line) != l.m {
		l.mask, l.line = make([]F, l.m*l.m), make([]F, l.m)
	}
	clear(l.mask)
	for y := range n {
		for x, v := range mask[y*n:][:n] {
			l.mask[(x+border)*l.m+y+border] = F(v)
		}
	}
}

// fill appends the mask to b, the builder of a photo of the given height.
func (l *filler[F]) fill(b *rle.Builder, height int, threshold F) {
	covered := len(l.rows.f)
	if covered == 0 || len(l.columns.f) == 0 {
		return
	}
	b.Run(false, l.columns.first*height)
	for _, s := range l.columns.spans {
		left, right := l.mask[s.low*l.m:][:l.m], l.mask[(s.low+1)*l.m:][:l.m]
		for _, f := range l.columns.f[s.from:s.to] {
			for y, v := range left {
				l.line[y] = F(v*(1-f)) + F(right[y]*f)
			}
			b.Run(false, l.rows.first)
			l.column(b, threshold)
			b.Run(false, height-l.rows.first-covered)
		}
	}
}

// rounding is more than what float32 makes of values up to 1.
const rounding = 1e-6

// column appends the covered part of a column of pixels. Between two places of the mask values lie between theirs: pixels are looked at only where
// these places are on both sides of the threshold.
func (l *filler[F]) column(b *rle.Builder, threshold F) {
	for _, s := range l.rows.spans {
		above, below := l.line[s.low], l.line[s.low+1]
		switch {
		case min(above, below) > threshold+rounding:
			b.Run(true, s.to-s.from)
		case max(above, below) < threshold-rounding:
			b.Run(false, s.to-s.from)
		default:
			set, run := false, 0
			for _, f := range l.rows.f[s.from:s.to] {
				if (F(above*(1-f))+F(below*f) > threshold) != set {
					b.Run(set, run)
					set, run = !set, 0
				}
				run++
			}
			b.Run(set, run)
		}
	}
}

// axis is the range of a photo's pixels, along an axis, that a mask covers. Pixel first+i lies part f[i] of the way from one place of the mask to the
// next; pixels between the same places form a span.
type axis[F real] struct {
	first int
	f     []F
	spans []span
}

// span is the pixels from…to−1, counted from first, between places low and low+1.
type span struct{ low, from, to int }

// set makes the axis of pixels first…end−1 over m places.
func (a *axis[F]) set(first, end, m int, place func(i int) (low int, f F)) {
	a.first, a.f, a.spans = first, a.f[:0], a.spans[:0]
	for i := first; i < end; i++ {
		low, f := place(i)
		if low > m-2 { // the last place has no next
			low, f = m-2, 1
		}
		if n := len(a.spans); n == 0 || a.spans[n-1].low != low {
			a.spans = append(a.spans, span{low, i - first, i - first})
		}
		a.spans[len(a.spans)-1].to++
		a.f = append(a.f, f)
	}
}

// cut makes the axis of a box from low to high that is cut to whole pixels toward zero, both of which belong to it, in a photo of length pixels.
func (a *axis[F]) cut(low, high float32, length, m int, at position) {
	from, to := int(low), int(high)
	size := max(to-from+1, 1)
	a.set(max(from, 0), min(to+1, length), m, func(i int) (int, F) {
		k, f := at(i-from, size, m)
		return k, F(f)
	})
}
