package cocoeval

// overlap measures how detections and annotations coincide.
type overlap interface {
	// ious fills out, D×G, for detections dets and annotations from … to-1 of one image.
	ious(dets []int32, from, to int32, out []float64) error
}

// An imageOverlap also compares across categories.
type imageOverlap interface {
	overlap
	// begin tells that the calls until the next begin are about annotations from … to-1, which are all of one image.
	begin(from, to int32)
	// others fills out, one value per annotation since begin, with the IoU of detection d and those of other categories than
	// k. In place of a value below MinOverlap it may give another one below.
	others(d, k int32, out []float64)
}

func newOverlap(p *Params, g *truth, d *detections) overlap {
	switch p.IoU {
	case BBox:
		return &boxes{g: g, d: d, truth: g.data.Box}
	case Keypoints:
		return newKeypoints(p, g, d)
	}
	return &masks{p: p, g: g, d: d}
}

// boxes is the IoU of boxes, bbIou of maskApi.c.
type boxes struct {
	g     *truth
	d     *detections
	truth [][4]float64

	from, to int32 // annotations of the image, for others
}

func (o *boxes) ious(dets []int32, from, to int32, out []float64) error {
	n := int(to - from)
	for j := from; j < to; j++ {
		b := &o.truth[o.g.entry[j]]
		area := b[2] * b[3]
		isCrowd := o.g.flags[j]&crowd != 0
		for i, d := range dets {
			out[i*n+int(j-from)] = boxIoU(&o.d.box[d], b, area, isCrowd)
		}
	}
	return nil
}

func (o *boxes) begin(from, to int32) { o.from, o.to = from, to }

func (o *boxes) others(d, k int32, out []float64) {
	for j := o.from; j < o.to; j++ {
		if out[j-o.from] = 0; o.g.category[j] != k {
			b := &o.truth[o.g.entry[j]]
			out[j-o.from] = boxIoU(&o.d.box[d], b, b[2]*b[3], o.g.flags[j]&crowd != 0)
		}
	}
}

// boxIoU is the IoU of a detection's box d and an annotation's box g of area ga; for a crowd, the intersection over d.
func boxIoU(d, g *[4]float64, ga float64, isCrowd bool) float64 {
	w := fmin(d[2]+d[0], g[2]+g[0]) - fmax(d[0], g[0])
	if w <= 0 {
		return 0
	}
	h := fmin(d[3]+d[1], g[3]+g[1]) - fmax(d[1], g[1])
	if h <= 0 {
		return 0
	}
	i, u := float64(w*h), float64(d[2]*d[3])
	if !isCrowd {
		u = u + ga - i
	}
	return i / u
}

// fmin and fmax are C's: NaN is the other argument.
func fmin(a, b float64) float64 {
	if a < b || b != b {
		return a
	}
	return b
}

func fmax(a, b float64) float64 {
	if a > b || b != b {
		return a
	}
	return b
}
