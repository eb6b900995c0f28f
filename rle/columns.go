package rle

// span is rows y0 … y1-1 of a column.
type span struct{ y0, y1 uint32 }

// columnSpans is a list of columns, each the ascending spans of its foreground.
type columnSpans struct {
	spans []span
	ends  []int // where the spans of each column end
}

// columns is the foreground of columns x … x+w-1, without d pixels at each end of each span.
func (m Mask) columns(x, w, d int) columnSpans {
	var columns columnSpans
	column, y0, y1 := x, 0, 0
	flush := func() {
		if y1-y0 > 2*d {
			columns.spans = append(columns.spans, span{uint32(y0 + d), uint32(y1 - d)})
		}
	}
	m.eachColumnRun(func(cx, cy0, cy1 int) {
		if cx == column && cy0 == y1 { // goes on after a background run of zero
			y1 = cy1
			return
		}
		flush()
		for ; column < cx; column++ {
			columns.ends = append(columns.ends, len(columns.spans))
		}
		y0, y1 = cy0, cy1
	})
	flush()
	for ; column < x+w; column++ {
		columns.ends = append(columns.ends, len(columns.spans))
	}
	return columns
}

func (c *columnSpans) reset() { c.spans, c.ends = c.spans[:0], c.ends[:0] }

func (c *columnSpans) at(i int) []span {
	if i == 0 {
		return c.spans[:c.ends[0]]
	}
	return c.spans[c.ends[i-1]:c.ends[i]]
}

func (c *columnSpans) append(column []span) {
	c.spans = append(c.spans, column...)
	c.ends = append(c.ends, len(c.spans))
}

func (c *columnSpans) appendIntersection(a, b []span) {
	for len(a) > 0 && len(b) > 0 {
		if s := (span{max(a[0].y0, b[0].y0), min(a[0].y1, b[0].y1)}); s.y0 < s.y1 {
			c.spans = append(c.spans, s)
		}
		if a[0].y1 <= b[0].y1 {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	c.ends = append(c.ends, len(c.spans))
}
