package rle

import "math"

// IoU is the intersection over union of a detection and a ground-truth mask, as rleIou: 0 where their boxes do not
// overlap, else -1 where their sizes differ; for a crowd the intersection over the detection's area. Runs that do not
// fill the mask, or zero runs inside, count as rleIou's loop counts them; where that loop would never end, IoU is NaN.
func IoU(dt, gt Mask, crowd bool) float64 {
	d, g := dt.Summary(), gt.Summary()
	if !d.Overlaps(g) {
		return 0
	}
	if dt.H != gt.H || dt.W != gt.W {
		return -1
	}
	if !d.Regular || !g.Regular {
		return irregularIoU(dt.Runs, gt.Runs, d.Area, crowd)
	}
	return Ratio(IntersectionArea(dt.Runs, gt.Runs), uint64(d.Area), uint64(g.Area), crowd)
}

// Ratio makes an IoU of areas in pixels: of the intersection, the detection and the ground truth.
func Ratio(intersection, dt, gt uint64, crowd bool) float64 {
	switch {
	case intersection == 0:
		return 0
	case crowd:
		return float64(intersection) / float64(dt)
	}
	return float64(intersection) / float64(dt+gt-intersection)
}

// IntersectionArea counts the pixels that are foreground in both masks.
func IntersectionArea(a, b []uint32) uint64 {
	if len(a) < 2 || len(b) < 2 {
		return 0
	}
	var area uint64
	i, j := 1, 1
	as, bs := uint64(a[0]), uint64(b[0])
	ae, be := as+uint64(a[1]), bs+uint64(b[1])
	for {
		start, end := max(as, bs), min(ae, be)
		if start < end {
			area += end - start
		}
		if ae <= be {
			if i += 2; i >= len(a) {
				return area
			}
			as = ae + uint64(a[i-1])
			ae = as + uint64(a[i])
		} else {
			if j += 2; j >= len(b) {
				return area
			}
			bs = be + uint64(b[j-1])
			be = bs + uint64(b[j])
		}
	}
}

// irregularIoU is the loop of rleIou with its 32-bit counters. It stops with NaN where a round changes nothing.
func irregularIoU(dt, gt []uint32, dtArea uint32, crowd bool) float64 {
	var intersection, union uint32
	va, vb := false, false
	ca, cb := dt[0], gt[0]
	a, b := 1, 1
	for more := uint32(1); more > 0; {
		c := min(ca, cb)
		if va || vb {
			union += c
			if va && vb {
				intersection += c
			}
		}
		ca, cb = ca-c, cb-c
		moved := c > 0
		if ca == 0 && a < len(dt) {
			ca, va, moved = dt[a], !va, true
			a++
		}
		if cb == 0 && b < len(gt) {
			cb, vb, moved = gt[b], !vb, true
			b++
		}
		more = ca + cb
		if more > 0 && !moved {
			return math.NaN()
		}
	}
	switch {
	case intersection == 0:
		union = 1
	case crowd:
		union = dtArea
	}
	return float64(intersection) / float64(union)
}
