package rle

// Summary is what one pass over the runs of a mask tells, with the 32-bit arithmetic of maskApi.c.
type Summary struct {
	Area       uint32 // foreground pixels, modulo 2^32
	X, Y, W, H uint32 // box of the foreground in pixels, as rleToBbox: all 0 for fewer than two runs
	Runs       int    // number of runs
	Sum        uint64 // sum of all runs: H·W for a proper mask

	// Regular says that the runs sum to H·W and that none but the first is zero. Two regular masks of equal size may be
	// intersected by IntersectionArea with the result of rleIou; any other pair needs IoU.
	Regular bool
}

// Overlaps says whether the boxes of a and b share a pixel: the condition under which rleIou looks at the runs at all.
func (a Summary) Overlaps(b Summary) bool {
	return uint64(a.X) < uint64(b.X)+uint64(b.W) && uint64(b.X) < uint64(a.X)+uint64(a.W) &&
		uint64(a.Y) < uint64(b.Y)+uint64(b.H) && uint64(b.Y) < uint64(a.Y)+uint64(a.H) &&
		a.W != 0 && a.H != 0 && b.W != 0 && b.H != 0
}

// Summary measures m.
func (m Mask) Summary() Summary {
	s := newScan(m.H, m.W)
	for _, r := range m.Runs {
		s.add(r)
	}
	if s.odd() {
		return summarizeOdd(m)
	}
	return s.summary()
}

// ScanString measures an h×w mask in its string form without keeping the runs. Errors are those of DecodeRuns.
func ScanString(h, w int, counts []byte) (Summary, error) {
	s := newScan(h, w)
	var before, last uint32 // as in DecodeRuns
	for p := 0; p < len(counts); {
		c := uint32(counts[p]) - '0'
		p++
		x := uint32(int32(c<<(32-groupBits)) >> (32 - groupBits))
		if c >= moreBit {
			var err error
			if x, p, err = longNumber(counts, p-1); err != nil {
				return Summary{}, err
			}
		}
		x += before
		before, last = last, x
		if s.runs == 0 {
			last = 0
		}
		s.add(x)
	}
	if s.odd() {
		runs, err := DecodeRuns(nil, counts)
		return summarizeOdd(Mask{H: h, W: w, Runs: runs}), err
	}
	return s.summary(), nil
}

// scan follows the runs of a mask down its columns.
type scan struct {
	h, w        uint64
	x, y        uint64 // column and row of the next pixel; the row is brought below h when a foreground run begins
	runs, zeros int
	sum, area   uint64
	x0, x1      uint64 // first and last column of the foreground
	y0, y1      uint64 // first and last row of the foreground
}

func newScan(h, w int) scan {
	h, w = max(h, 0), max(w, 0)
	return scan{h: uint64(h), w: uint64(w), x0: uint64(w), y0: uint64(h)}
}

func (s *scan) add(run uint32) {
	r := uint64(run)
	s.sum += r
	foreground := s.runs&1 == 1
	s.runs++
	if r == 0 && s.runs > 1 {
		s.zeros++
		return
	}
	if !foreground {
		s.y += r
		return
	}
	if s.y >= s.h {
		s.nextColumn()
	}
	if s.area == 0 {
		s.x0 = s.x
	}
	s.area += r
	s.y += r
	if s.y > s.h { // over the end of a column: the full height
		s.y0, s.y1 = 0, s.h-1
		crossed := (s.y - 1) / max(s.h, 1)
		s.x += crossed
		s.y -= crossed * s.h
	} else {
		s.y0, s.y1 = min(s.y0, s.y-r), max(s.y1, s.y-1)
	}
	s.x1 = s.x
}

// nextColumn brings the row below h. Most runs go no further than the next column.
func (s *scan) nextColumn() {
	s.x++
	s.y -= s.h
	if s.y >= s.h && s.h > 0 {
		s.x += s.y / s.h
		s.y %= s.h
	}
}

// odd says that the runs overfill the mask, or that no foreground run has a pixel: there maskApi.c counts modulo 2^32.
func (s *scan) odd() bool {
	return s.sum > s.h*s.w || s.area == 0 && s.runs > 1
}

func (s *scan) summary() Summary {
	sum := Summary{Area: uint32(s.area), Runs: s.runs, Sum: s.sum, Regular: s.zeros == 0 && s.sum == s.h*s.w}
	if s.area > 0 {
		sum.X, sum.W = uint32(s.x0), uint32(s.x1-s.x0+1)
		sum.Y, sum.H = uint32(s.y0), uint32(s.y1-s.y0+1)
	}
	return sum
}

// summarizeOdd is rleToBbox and rleArea as they stand, for runs that are no proper mask.
func summarizeOdd(m Mask) Summary {
	h, w := uint32(max(m.H, 0)), uint32(max(m.W, 0))
	s := Summary{Runs: len(m.Runs)}
	x0, y0, x1, y1 := w, h, uint32(0), uint32(0)
	var position uint32
	for i, r := range m.Runs {
		start := position
		position += r
		s.Sum += uint64(r)
		if i%2 == 0 || r == 0 {
			continue
		}
		s.Area += r
		if h == 0 { // maskApi.c divides by zero
			continue
		}
		xs, xe := start/h, (position-1)/h
		x0, x1 = min(x0, xs), max(x1, xe)
		if xs < xe {
			y0, y1 = 0, h-1
		} else {
			y0, y1 = min(y0, start%h), max(y1, (position-1)%h)
		}
	}
	if len(m.Runs) > 1 {
		s.X, s.Y, s.W, s.H = x0, y0, x1-x0+1, y1-y0+1
	}
	return s
}
