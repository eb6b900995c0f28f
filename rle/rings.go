package rle

// Ring is a closed polygon along the edges of pixels: XY holds the corners x0, y0, x1, y1, … in pixels, every edge
// horizontal or vertical, the last corner joined to the first. Seen with y downwards an outer ring goes clockwise and a
// hole the other way, so foreground is always on the right.
type Ring struct {
	XY   []float64
	Hole bool
}

// Polygons is the outline of m, outer rings and holes, in the order of their leftmost corners. Foreground pixels that
// touch in a corner only belong to different rings, or to one ring that touches itself there.
//
// Filling all rings by the even-odd rule, at the centres of the pixels, gives m again; so does the symmetric difference
// of FromPolygon of all rings. COCO's polygons have no holes (their union counts), so an annotation of the outer rings
// alone is m only if no ring is a hole.
func (m Mask) Polygons() []Ring {
	x, _, w, _ := m.Bounds()
	if w == 0 {
		return nil
	}
	columns := m.columns(x, w, 0)
	var t tracer
	var left []span
	for i := range w {
		right := columns.at(i)
		t.line(uint32(x+i), left, right)
		left = right
	}
	t.line(uint32(x+w), left, nil)
	return t.rings()
}

// tracer goes over the vertical grid lines from left to right and joins the corners of the outline.
type tracer struct {
	corners []corner
	open    []int32 // per edge of the column on the left: the corner where it began
	opening []int32 // alike for the column on the right
}

// corner is a corner of a ring and the index of the next.
type corner struct {
	x, y uint32
	next int32
}

// edge is the i-th horizontal edge of a column: tops of spans are even, bottoms odd.
func edge(column []span, i int) uint32 {
	if i%2 == 0 {
		return column[i/2].y0
	}
	return column[i/2].y1
}

// line joins the horizontal edges of the columns on both sides of grid line x with its vertical edges, which are where
// one side is foreground and the other is not.
func (t *tracer) line(x uint32, left, right []span) {
	t.opening = t.opening[:0]
	above := int32(-1) // upper corner of the vertical edge that is being followed, if any
	for i, j := 0, 0; i < 2*len(left) || j < 2*len(right); {
		hasLeft, hasRight := i < 2*len(left), j < 2*len(right)
		if hasLeft && hasRight {
			yl, yr := edge(left, i), edge(right, j)
			hasLeft, hasRight = yl <= yr, yr <= yl
		}
		leftInside, rightInside := i%2 == 1, j%2 == 1 // above
		switch {
		case hasLeft && hasRight && leftInside == rightInside: // straight on
			t.opening = append(t.opening, t.open[i])
		case hasLeft && hasRight: // two pixels touch in the corner; each keeps its own
			y := edge(left, i)
			if leftInside {
				t.vertical(above, t.endEdge(i, x, y), leftInside)
				above = t.beginEdge(x, y)
			} else {
				t.vertical(above, t.beginEdge(x, y), leftInside)
				above = t.endEdge(i, x, y)
			}
		default:
			var c int32
			if hasLeft {
				c = t.endEdge(i, x, edge(left, i))
			} else {
				c = t.beginEdge(x, edge(right, j))
			}
			if above < 0 {
				above = c
			} else {
				t.vertical(above, c, leftInside)
				above = -1
			}
		}
		if hasLeft {
			i++
		}
		if hasRight {
			j++
		}
	}
	t.open, t.opening = t.opening, t.open
}

// beginEdge makes the left corner of the next edge of the column on the right.
func (t *tracer) beginEdge(x, y uint32) int32 {
	c := int32(len(t.corners))
	t.corners = append(t.corners, corner{x: x, y: y})
	t.opening = append(t.opening, c)
	return c
}

// endEdge makes the right corner of edge i of the column on the left. Tops go right, bottoms go left.
func (t *tracer) endEdge(i int, x, y uint32) int32 {
	c := int32(len(t.corners))
	t.corners = append(t.corners, corner{x: x, y: y})
	if i%2 == 0 {
		t.corners[t.open[i]].next = c
	} else {
		t.corners[c].next = t.open[i]
	}
	return c
}

// vertical joins two corners of one grid line: down with the foreground on the left of the line, else up.
func (t *tracer) vertical(above, below int32, leftInside bool) {
	if leftInside {
		t.corners[above].next = below
	} else {
		t.corners[below].next = above
	}
}

// rings follows the corners. It uses next up: -1 marks those that are done.
func (t *tracer) rings() []Ring {
	var rings []Ring
	for i := range t.corners {
		var r Ring
		var area int64 // twice the signed area
		for c := int32(i); t.corners[c].next >= 0; {
			this := t.corners[c]
			t.corners[c].next = -1
			r.XY = append(r.XY, float64(this.x), float64(this.y))
			c = this.next
			after := t.corners[c]
			area += int64(this.x)*int64(after.y) - int64(after.x)*int64(this.y)
		}
		if r.XY != nil {
			r.Hole = area < 0
			rings = append(rings, r)
		}
	}
	return rings
}
