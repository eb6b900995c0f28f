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
const stripPoints = 1 << 19

// FromPolygon rasterises the polygon x0, y0, x1, y1, … (pixels) in an h×w image, as rleFrPoly. An odd last number is
// dropped. The result does not depend on the first vertex or on the direction. Coordinates beyond the 32-bit integers of
// the reference, where its result is undefined, are taken as the nearest it can hold (NaN as the lowest). It panics if
// h×w is no size of a valid mask.
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
	xy     []int32 // scaled vertices, the first repeated at the end
	counts []int32 // crossings per column of the strip
	rows   []int32 // rowsPerColumn of them per column of the strip
	spill  []crossing
	part   []uint32 // runs of one of several polygons
}

// rowsPerColumn crossings of a column have their place; columns of more are rare.
const rowsPerColumn = 8

// crossing is where an edge crosses the middle of a column: between row-1 and row.
type crossing struct{ column, row int32 }

// AppendPolygons appends the runs of the union of polygons to dst: what COCO makes of the segmentation of an annotation.
func (r *Rasterizer) AppendPolygons(dst []uint32, polygons [][]float64, h, w int) []uint32 {
	if len(polygons) == 0 {
		return r.AppendPolygon(dst, nil, h, w)
	}
	base := len(dst)
	dst = r.AppendPolygon(dst, polygons[0], h, w)
	for _, xy := range polygons[1:] {
		r.part = r.AppendPolygon(r.part[:0], xy, h, w)
		r.part = append(r.part, dst[base:]...)
		cut := len(r.part) - (len(dst) - base)
		dst = union.appendTo(dst[:base], r.part[:cut], r.part[cut:])
	}
	return dst
}

// AppendPolygon appends the runs of FromPolygon to dst.
func (r *Rasterizer) AppendPolygon(dst []uint32, xy []float64, h, w int) []uint32 {
	if CheckSize(h, w) != nil {
		panic("rle: size of the mask is negative or too large")
	}
	r.xy = r.xy[:0]
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for i := 0; i+1 < len(xy); i += 2 {
		x := scaled(xy[i])
		low, high = min(low, x), max(high, x)
		r.xy = append(r.xy, x, scaled(xy[i+1]))
	}
	runs := runsOfChanges{dst: dst, base: len(dst)}
	if k := len(r.xy) / 2; k > 0 && h > 0 {
		r.xy = append(r.xy, r.xy[0], r.xy[1])
		c0, c1 := columnsBetween(int64(low), int64(high), 0, w)
		for strip := max(1, stripPoints/k); c0 < c1; c0 += strip {
			r.strip(&runs, h, c0, min(c0+strip, c1))
		}
	}
	return runs.end(uint32(h) * uint32(w))
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

// strip finds the changes of columns c0 … c1-1.
func (r *Rasterizer) strip(runs *runsOfChanges, h, c0, c1 int) {
	n := c1 - c0
	r.counts = append(r.counts[:0], make([]int32, n)...)
	r.rows = slices.Grow(r.rows[:0], n*rowsPerColumn)[:n*rowsPerColumn]
	r.spill = r.spill[:0]
	for i := 0; i+3 < len(r.xy); i += 2 {
		r.edge(int64(r.xy[i]), int64(r.xy[i+1]), int64(r.xy[i+2]), int64(r.xy[i+3]), h, c0, c1)
	}
	slices.SortFunc(r.spill, func(a, b crossing) int { return int(a.column) - int(b.column) })
	runs.dst = slices.Grow(runs.dst, 2*n+1) // most columns change twice
	spill := r.spill
	var many []int32
	for c, k := range r.counts {
		rows := r.rows[c*rowsPerColumn:][:min(k, rowsPerColumn)]
		head := uint32(c0+c) * uint32(h)
		if k == 2 {
			runs.change(head + uint32(min(rows[0], rows[1])))
			runs.change(head + uint32(max(rows[0], rows[1])))
			continue
		}
		if k > rowsPerColumn {
			many = append(many[:0], rows...)
			for ; len(spill) > 0 && int(spill[0].column) == c; spill = spill[1:] {
				many = append(many, spill[0].row)
			}
			rows = many
		}
		slices.Sort(rows)
		for _, y := range rows {
			runs.change(head + uint32(y))
		}
	}
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
	u := float64(polygonScale*int64(first) + 3) // where the step across the middle of the first column ends
	x, y := float64(xs), float64(ys)
	if dx >= dy {
		slope := float64(ye-ys) / float64(dx)
		t := u - x
		if slope >= 0 {
			t-- // the beginning of the step has the smaller ordinate
		}
		for c := first - c0; c < end-c0; c++ {
			r.note(c, int64(y+float64(slope*t)+.5), h)
			t += polygonScale
		}
		return
	}
	slope, perColumn := float64(xe-xs)/float64(dy), float64(dy)/float64(xe-xs)
	for c := first - c0; c < end-c0; c++ {
		r.note(c, int64(y+firstStepAcross(x, slope, perColumn, u)-1), h)
		u += polygonScale
	}
}

// note adds a crossing of a column of the strip at scaled ordinate v: before row ceil((v+.5)/5 - .5), cut to the image.
func (r *Rasterizer) note(column int, v int64, h int) {
	row := int32(min(uint64(max(v+2, 0))/polygonScale, uint64(h)))
	k := r.counts[column]
	r.counts[column] = k + 1
	if k < rowsPerColumn {
		r.rows[column*rowsPerColumn+int(k)] = row
		return
	}
	r.spill = append(r.spill, crossing{int32(column), row})
}

// firstStepAcross is the first t > 0 at which (int)(x + slope*t + .5) lies on the other side of the step between u-1
// and u; inverse is about 1/slope.
func firstStepAcross(x, slope, inverse, u float64) float64 {
	t := float64(int64((u - .5 - x) * inverse)) // this one or the next, but for rounding
	for (x+float64(slope*(t-1))+.5 >= u) == (slope > 0) {
		t--
	}
	for (x+float64(slope*t)+.5 >= u) != (slope > 0) {
		t++
	}
	return t
}

// runsOfChanges turns ascending positions where a mask changes into its runs, from dst[base] on.
type runsOfChanges struct {
	dst  []uint32
	base int
	last uint32
}

// change takes the next position. One that comes twice is no change, also where the foot of a column is the head of the
// next.
func (r *runsOfChanges) change(p uint32) {
	if n := len(r.dst); p == r.last && n > r.base {
		r.last -= r.dst[n-1]
		r.dst = r.dst[:n-1]
		return
	}
	r.dst = append(r.dst, p-r.last)
	r.last = p
}

// end takes the number of pixels.
func (r *runsOfChanges) end(pixels uint32) []uint32 {
	if pixels == r.last && len(r.dst) > r.base {
		return r.dst
	}
	return append(r.dst, pixels-r.last)
}
