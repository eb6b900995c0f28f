package cocoeval

// holds reports whether a range has a value; none has NaN, the value of what cannot be measured. COCO's areas have a rule of
// their own, by which NaN is nowhere outside.
func (r *AreaRange) holds(v float64) bool { return v >= r.Min && v <= r.Max }

// measure returns a quantity other than the area of annotation j.
func (g *truth) measure(j int32, of Quantity) float64 {
	return g.quantity(of, AnnotationBox(g.data, int(g.entry[j])), g.image[j])
}

// measure returns a quantity other than the area of detection e.
func (d *detections) measure(e int32, of Quantity, g *truth) float64 {
	return g.quantity(of, d.boxOf(e), d.image[e])
}

// quantity measures a box in an image. The aspect ratio of an empty box is 0; what has width alone, or is in an image of unknown
// size, has a measure that is infinite or NaN.
func (g *truth) quantity(of Quantity, box [4]float64, image int32) float64 {
	switch {
	case of == AspectRatio && box[2] == 0:
		return 0
	case of == AspectRatio:
		return box[2] / box[3]
	}
	return box[2] * box[3] / (float64(g.images.width[image]) * float64(g.images.height[image]))
}
