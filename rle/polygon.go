package rle

import (
	"math"
	"slices"
)

// The reference (rleFrPoly) scales a polygon by 5, rounds its vertices, walks every edge in steps of one fifth of a
// pixel and notes where the walk crosses the middle of a pixel column, that is, steps between 5c+2 and 5c+3. A column
// changes between background and foreground at each of its crossings. Here the crossings of an edge are computed column
// by column, by the same floating-point expressions, without walking.
//
// Axis legend: c: column; u, v: scaled abscissa and ordinate; t: steps from the end of the edge where the walk begins.
const polygonScale = 5

// stripPoints bounds the crossings that are held at once: wide images under polygons of many edges come in strips.
const stripPoints = 1 << 20

// FromPolygon rasterises the polygon x0, y0, x1, y1, … (pixels) in an h×w image, as rleFrPoly. An odd last number is
// dropped. The result does not depend on the first vertex or on the direction. Coordinates beyond the 32-bit integers of
// the reference, where its result is undefined, are taken as the nearest it can hold (NaN as the lowest).
func FromPolygon(xy []float64, h, w int) Mask {
	var r Rasterizer
	return Mask{H: h, W: w, Runs: r.AppendPolygon(nil, xy, h, w)}
}

// FromBox rasterises the box of corner (x, y) and size bw×bh (pixels) as a polygon of four vertices, as rleFrBbox.
func FromBox(x, y, bw, bh float64, h, w int) Mask {
	xe, ye := x+bw, y+bh
	return FromPolygon([]float64{x, y, x, ye, xe, ye, xe, y}, h, w)
}

// Rasterizer keeps the memory of rasterising for callers with many polygons. The zero value is ready for use.
type Rasterizer struct {
	xy        []int32    // scaled vertices, the first repeated at the end
	crossings []crossing // of one strip, edge by edge
	rows      []int32    // of one strip, ordered by column
	starts    []int32    // per column of the strip: where its rows begin
}

// crossing is a place where an edge crosses the middle of a column: between row-1 and row.
type crossing struct{ column, row int32 }

// AppendPolygon appends the runs of FromPolygon to dst.
func (r *Rasterizer) AppendPolygon(dst []uint32, xy []float64, h, w int) []uint32 {
	if checkSize(h, w) != nil {
		panic("rle: size of the mask is negative or too large")
	}
	r.xy = r.xy[:0]
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for i := 0; i+1 < len(xy); i += 2 {
		x := scaled(xy[i])
		low, high = min(low, x), max(high, x)
		r.xy = append(r.xy, x, scaled(xy[i+1]))
	}
	base := len(dst)
	if k := len(r.xy) / 2; k > 0 && h > 0 {
		r.xy = append(r.xy, r.xy[0], r.xy[1])
		c0, c1 := columnsBetween(int64(low), int64(high), 0, w)
		for strip := max(1, stripPoints/k); c0 < c1; c0 += strip {
			dst = r.appendStrip(dst, base, h, c0, min(c0+strip, c1))
		}
	}
	// positions to run lengths
	end := uint32(h) * uint32(w)
	if n := len(dst); n > base && dst[n-1] == end {
		dst = dst[:n-1]
	}
	last := uint32(0)
	for i := base; i < len(dst); i++ {
		dst[i], last = dst[i]-last, dst[i]
	}
	return append(dst, end-last)
}

// scaled is (int)(5*v + .5) of C on x86-64.
func scaled(v float64) int32 {
	s := float64(polygonScale*v) + .5
	switch {
	case s >= math.MaxInt32:
		return math.MaxInt32
	case s > math.MinInt32:
		return int32(s)
	}
	return math.MinInt32
}

// columnsBetween cuts c0 … c1-1 to the columns whose middle lies between the scaled abscissas low and high.
func columnsBetween(low, high int64, c0, c1 int) (int, int) {
	first := (max(low, 2) - 2 + polygonScale - 1) / polygonScale
	end := (max(high, 3-polygonScale) - 3 + polygonScale) / polygonScale
	return max(c0, int(first)), min(c1, int(end))
}

// appendStrip appends the positions at which columns c0 … c1-1 change, in ascending order. A position that comes an
// even number of times is no change: the pair is dropped, also where the foot of a column meets the head of the next.
func (r *Rasterizer) appendStrip(dst []uint32, base, h, c0, c1 int) []uint32 {
	n := c1 - c0
	r.starts = append(r.starts[:0], make([]int32, n+1)...)
	r.crossings = r.crossings[:0]
	for i := 0; i+3 < len(r.xy); i += 2 {
		r.edge(int64(r.xy[i]), int64(r.xy[i+1]), int64(r.xy[i+2]), int64(r.xy[i+3]), h, c0, c1)
	}
	for i, total := 0, int32(0); i <= n; i++ {
		total += r.starts[i]
		r.starts[i] = total
	}
	r.rows = slices.Grow(r.rows[:0], len(r.crossings))[:len(r.crossings)]
	for _, c := range r.crossings {
		r.starts[c.column]--
		r.rows[r.starts[c.column]] = c.row
	}
	for c := range n {
		rows := r.rows[r.starts[c]:r.starts[c+1]]
		slices.Sort(rows)
		for _, y := range rows {
			p := uint32(c0+c)*uint32(h) + uint32(y)
			if k := len(dst); k > base && dst[k-1] == p {
				dst = dst[:k-1]
			} else {
				dst = append(dst, p)
			}
		}
	}
	return dst
}

// edge notes the crossings of the edge from scaled (xs, ys) to (xe, ye) with columns c0 … c1-1.
func (r *Rasterizer) edge(xs, ys, xe, ye int64, h, c0, c1 int) {
	first, end := columnsBetween(min(xs, xe), max(xs, xe), c0, c1)
	if first >= end {
		return // vertical edges and repeated vertices too
	}
	dx, dy := max(xs-xe, xe-xs), max(ys-ye, ye-ys)
	if dx >= dy && xs > xe || dx < dy && ys > ye {
		xs, ys, xe, ye = xe, ye, xs, ys
	}
	if dx >= dy {
		slope := float64(ye-ys) / float64(dx)
		step := polygonScale*int64(first) + 2 - xs
		if slope < 0 {
			step++ // the crossing has the smaller ordinate of both ends of the step
		}
		for c := first; c < end; c++ {
			v := int64(float64(ys) + float64(slope*float64(step)) + .5)
			r.note(c-c0, v, h)
			step += polygonScale
		}
		return
	}
	slope := float64(xe-xs) / float64(dy)
	for c := first; c < end; c++ {
		t := firstStepAcross(float64(xs), slope, float64(polygonScale*int64(c)+3))
		r.note(c-c0, ys+t-1, h)
	}
}

// firstStepAcross is the first t at which (int)(x + slope*t + .5) is on the other side of the step between u-1 and u.
func firstStepAcross(x, slope, u float64) int64 {
	at := func(t float64) float64 { return x + float64(slope*t) + .5 }
	t := math.Ceil((u - .5 - x) / slope) // right but for rounding
	for slope > 0 && at(t-1) >= u || slope < 0 && at(t-1) < u {
		t--
	}
	for slope > 0 && at(t) < u || slope < 0 && at(t) >= u {
		t++
	}
	return int64(t)
}

// note adds a crossing at scaled ordinate v: row ceil((v+.5)/5 - .5), cut to the image.
func (r *Rasterizer) note(column int, v int64, h int) {
	row := min(max((v+2)/polygonScale, 0), int64(h))
	r.crossings = append(r.crossings, crossing{int32(column), int32(row)})
	r.starts[column]++
}
