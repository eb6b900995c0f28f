package coco

import (
	"bytes"
	"math"

	"github.com/spinemask/spinemask/rle"
)

// mask reads a segmentation.
func (r *reader) mask(p int) (m Mask, next int) {
	switch r.at(p) {
	case '[':
		return r.polygons(p)
	case '{':
		return r.runs(p)
	case 'n':
		return Mask{Kind: NullMask}, r.word(p, "null")
	}
	return m, r.wrong(p, p, "polygons or run lengths")
}

// polygons reads a list of polygons, or the numbers of one.
func (r *reader) polygons(p int) (m Mask, next int) {
	start := len(r.rings)
	if c := r.at(r.space(p + 1)); c == '-' || c-'0' <= 9 {
		var ring []float64
		if ring, p = r.numbers(p); p < 0 {
			return m, bad
		}
		r.rings = append(r.rings, ring)
		m = r.polygonMask(start)
		m.Flat = true
		return m, p
	}
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		var ring []float64
		if ring, p = r.numbers(p); p < 0 {
			break
		}
		r.rings = append(r.rings, ring)
	}
	if p < 0 || len(r.rings) == start {
		return Mask{Kind: EmptyMask}, p
	}
	return r.polygonMask(start), p
}

// polygonMask makes a mask of the polygons from r.rings[start] on.
func (r *reader) polygonMask(start int) Mask {
	m := Mask{Kind: PolygonMask, index: int64(len(r.out.polygons))}
	r.out.polygons = append(r.out.polygons, r.rings[start:len(r.rings):len(r.rings)])
	return m
}

// runs reads {"size": [h, w], "counts": "…" or […]} and measures the mask.
func (r *reader) runs(p int) (m Mask, next int) {
	object := p
	countsAt, sizeAt := bad, bad
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, '}'); done || p < 0 {
			break
		}
		var name []byte
		if name, p = r.key(p); p < 0 {
			return m, bad
		}
		switch string(name) {
		case "size":
			sizeAt = p
			m.H, m.W, p = r.size(p)
		case "counts":
			countsAt = p
			p = r.skip(p)
		default:
			p = r.skip(p)
		}
	}
	switch {
	case p < 0:
		return m, bad
	case sizeAt < 0:
		return m, r.fail(object, "size: missing")
	case countsAt < 0:
		return m, r.fail(object, "counts: missing")
	}
	if r.at(countsAt) == '[' {
		next = r.listed(&m, countsAt, p)
	} else {
		next = r.counted(&m, countsAt, p)
	}
	return m, next
}

// size reads the two numbers of an RLE's size.
func (r *reader) size(p int) (h, w uint32, next int) {
	start := p
	if r.at(p) != '[' {
		return 0, 0, r.wrong(p, p, "size of 2 numbers")
	}
	var v [2]int64
	p++
	n := 0
	for ; ; n++ {
		var done bool
		if p, done = r.element(p, n == 0, ']'); done || p < 0 {
			break
		}
		var x int64
		if x, p = r.int(p); p < 0 {
			break
		}
		if n < 2 {
			v[n] = x
		}
	}
	if p < 0 {
		return 0, 0, bad
	}
	if n != 2 || v[0] < 0 || v[1] < 0 {
		return 0, 0, r.fail(start, "size: %s, want [height, width]", r.b[start:p])
	}
	if v[0] > rle.MaxPixels || v[1] > rle.MaxPixels || uint64(v[0])*uint64(v[1]) > rle.MaxPixels {
		return 0, 0, r.fail(start, "size: %d×%d, want at most %d pixels", v[0], v[1], uint64(rle.MaxPixels))
	}
	return uint32(v[0]), uint32(v[1]), p
}

// counted measures the string of run lengths at p; next is where the object ends.
func (r *reader) counted(m *Mask, p, next int) int {
	raw, escaped, end := r.rawString(p)
	if end < 0 {
		return bad
	}
	m.Kind, m.escaped, m.index, m.size = RunMask, escaped, int64(p+1), uint32(len(raw))
	if uint64(len(raw)) > math.MaxUint32 {
		return r.fail(p, "counts: %d bytes", len(raw))
	}
	if escaped {
		var i int
		if r.counts, i = unescape(r.counts[:0], raw); i >= 0 {
			return r.fail(p+1+i, "counts: bad escape")
		}
		raw = r.counts
	}
	raw, m.Bytes = pythonBytes(raw)
	s, err := rle.ScanString(int(m.H), int(m.W), raw)
	if err != nil {
		return r.fail(p, "counts: %v", err)
	}
	m.measured(s)
	return next
}

// pythonBytes returns what is inside of b'…' or b"…", which Python's str makes of bytes; ok is false for any other string,
// of which it returns all. The quotes are no characters of run lengths.
func pythonBytes(counts []byte) (inside []byte, ok bool) {
	n := len(counts)
	if n < 3 || counts[0] != 'b' || counts[1] != '\'' && counts[1] != '"' || counts[n-1] != counts[1] {
		return counts, false
	}
	return bytes.ReplaceAll(counts[2:n-1], []byte(`\\`), []byte(`\`)), true
}

// listed reads the list of run lengths at p; next is where the object ends.
func (r *reader) listed(m *Mask, p, next int) int {
	var runs []uint32
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		var v int64
		at := p
		if v, p = r.int(p); p < 0 {
			break
		}
		if v < 0 || v > math.MaxUint32 {
			return r.fail(at, "counts: run of %d pixels", v)
		}
		runs = append(runs, uint32(v))
	}
	if p < 0 {
		return bad
	}
	m.Kind, m.index = ListMask, int64(len(r.out.runs))
	r.out.runs = append(r.out.runs, runs)
	m.measured(rle.Mask{H: int(m.H), W: int(m.W), Runs: runs}.Summary())
	return next
}
