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
	if m.H <= 0 || len(m.Runs) < 2 {
		return summarize(m)
	}
	s := newScan(m.H, m.Runs[0])
	s.add(m.Runs[1:])
	if sum, ok := s.summary(m.W); ok {
		return sum
	}
	return summarize(m)
}

// ScanString measures an h×w mask in its string form without keeping the runs. Errors are those of DecodeRuns.
func ScanString(h, w int, counts []byte) (Summary, error) {
	var runs [256]uint32
	d := decoder{counts: counts}
	n, err := d.next(runs[:1])
	s := newScan(max(h, 1), runs[0])
	for n > 0 && err == nil {
		if n, err = d.next(runs[:]); n > 0 {
			s.add(runs[:n])
		}
	}
	if err != nil {
		return Summary{}, err
	}
	if sum, ok := s.summary(w); ok && h > 0 {
		return sum, nil
	}
	all, err := DecodeRuns(nil, counts)
	return summarize(Mask{H: h, W: w, Runs: all}), err
}

// scan measures a regular mask. It follows the row down the columns; the columns come from the sums in the end.
type scan struct {
	h, y             int64 // y: row of the next pixel
	first            int64 // position of the first foreground pixel
	runs             int
	area, background int64
	zero             uint32 // top bit: a run was zero, or too long for a mask
	top, bottom      int64  // rows of the foreground: top … bottom-1
	tail             uint32 // the last background run
}

func newScan(h int, background uint32) scan {
	b := int64(background)
	return scan{h: int64(h), y: b % int64(h), first: b, runs: 1, background: b, top: int64(h), tail: background}
}

// add takes the runs that follow: foreground and background in turn. They are not empty, and only the last call may end
// with a foreground run.
func (s *scan) add(runs []uint32) {
	s.runs += len(runs)
	s.sums(runs)
	s.rows(runs)
	s.tail = runs[len(runs)-1]
	if len(runs)%2 == 1 {
		end := []uint32{s.tail, uint32(s.h)} // a whole column of background moves no row
		s.rows(end)
		s.area += int64(s.tail)
		s.zero |= s.tail - 1
		s.tail = 0
	}
}

// sums and rows are two loops because one has too many variables for the registers.
func (s *scan) sums(runs []uint32) {
	area, background, zero := s.area, s.background, s.zero
	for i := 0; i+1 < len(runs); i += 2 {
		f, b := runs[i], runs[i+1]
		area += int64(f)
		background += int64(b)
		zero |= (f - 1) | (b - 1)
	}
	s.area, s.background, s.zero = area, background, zero
}

func (s *scan) rows(runs []uint32) {
	h, y, top, bottom := s.h, s.y, s.top, s.bottom
	for i := 0; i+1 < len(runs); i += 2 {
		f, b := int64(runs[i]), int64(runs[i+1])
		top = min(top, y)
		y += f
		bottom = max(bottom, y)
		y += b - h // most go on in the next column, or in the same
		y += h & (y >> 63)
		if y >= h || bottom > h {
			if bottom > h { // over the end of a column: the full height
				top, bottom = 0, h
			}
			y %= h
		}
	}
	s.y, s.top, s.bottom = y, top, bottom
}

// summary is the result for a mask of w columns, if it has a foreground and the runs are regular.
func (s *scan) summary(w int) (sum Summary, ok bool) {
	pixels := s.area + s.background
	if s.zero>>31 != 0 || s.runs < 2 || w < 0 || uint64(pixels) != uint64(s.h)*uint64(w) {
		return Summary{}, false
	}
	x0, x1 := s.first/s.h, (pixels-int64(s.tail)-1)/s.h
	return Summary{
		Area: uint32(s.area), Runs: s.runs, Sum: uint64(pixels), Regular: true,
		X: uint32(x0), W: uint32(x1 - x0 + 1), Y: uint32(s.top), H: uint32(s.bottom - s.top),
	}, true
}

// summarize is rleToBbox and rleArea as they stand.
func summarize(m Mask) Summary {
	h, w := uint32(max(m.H, 0)), uint32(max(m.W, 0))
	s := Summary{Runs: len(m.Runs), Regular: true}
	x0, y0, x1, y1 := w, h, uint32(0), uint32(0)
	var position uint32
	for i, r := range m.Runs {
		start := position
		position += r
		s.Sum += uint64(r)
		if r == 0 && i > 0 {
			s.Regular = false
		}
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
	s.Regular = s.Regular && s.Sum == uint64(h)*uint64(w)
	if len(m.Runs) > 1 && h > 0 {
		s.X, s.Y, s.W, s.H = x0, y0, x1-x0+1, y1-y0+1
	}
	return s
}
