package rle

import "math"

// BoundaryDilation is the width in pixels of the boundary of masks in an h×w image for Boundary IoU (Cheng et al., CVPR
// 2021): 0.02 of the diagonal, rounded half to even, at least 1, as mask_to_boundary of boundary-iou-api.
func BoundaryDilation(h, w int) int {
	diagonal := math.Sqrt(float64(uint64(h)*uint64(h) + uint64(w)*uint64(w))) // fits: h·w is below 2^32
	return max(1, int(math.RoundToEven(0.02*diagonal)))
}

// Boundary is the part of m within d pixels of its edge, by the larger of the horizontal and the vertical distance: m
// without its erosion by d rounds of a 3×3 square. Beyond the image is background, so the part of the mask's edge that
// the image cuts is boundary too.
func (m Mask) Boundary(d int) Mask {
	return Difference(m, m.erode(d))
}

// BoundaryIoU is the measure that boundary-iou-api evaluates: the smaller of the IoU of two masks and that of their
// boundaries, and for a crowd the first alone.
func BoundaryIoU(dt, gt, dtBoundary, gtBoundary Mask, crowd bool) float64 {
	iou := IoU(dt, gt, crowd)
	if crowd {
		return iou
	}
	return min(iou, IoU(dtBoundary, gtBoundary, false))
}

// erode keeps the pixels whose whole (2d+1)×(2d+1) neighbourhood is foreground.
//
// A square is eroded side by side: first each column on its own, then it is intersected with the d columns on either
// side. For that the columns are cut in blocks of 2d+1: a window of as many columns is the end of one block and the
// beginning of the next, so the intersections of blocks' ends and of blocks' beginnings, each made column by column, are
// all it takes (van Herk 1992). Columns outside the box of the mask are empty, and so is every window that has one.
func (m Mask) erode(d int) Mask {
	var b Builder
	b.Reset(m.H, m.W)
	x, _, w, h := m.Bounds()
	if d = max(d, 0); d >= w || d >= h {
		return b.Mask()
	}
	window := 2*d + 1
	columns := m.columns(x, w, d)
	var beginnings, ends columnSpans // ends in reverse order
	for i := range w {
		if i%window == 0 {
			beginnings.append(columns.at(i))
		} else {
			beginnings.appendIntersection(beginnings.at(i-1), columns.at(i))
		}
	}
	for i := range w {
		column := columns.at(w - 1 - i)
		if (w-1-i)%window == window-1 || i == 0 {
			ends.append(column)
		} else {
			ends.appendIntersection(ends.at(i-1), column)
		}
	}
	b.Run(false, (x+d)*m.H)
	var column columnSpans
	for i := d; i < w-d; i++ {
		column.reset()
		column.appendIntersection(ends.at(w-1-(i-d)), beginnings.at(i+d))
		row := 0
		for _, s := range column.at(0) {
			b.Run(false, int(s.y0)-row)
			b.Run(true, int(s.y1-s.y0))
			row = int(s.y1)
		}
		b.Run(false, m.H-row)
	}
	return b.Mask()
}
