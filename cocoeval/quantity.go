package cocoeval

import (
	"math"

	"github.com/spinemask/spinemask/coco"
)

// holds reports whether a range has a value; none has NaN, the value of what cannot be measured. COCO's areas have a rule of
// their own, by which NaN is nowhere outside.
func (r *AreaRange) holds(v float64) bool { return v >= r.Min && v <= r.Max }

// measure returns a quantity other than the area of annotation j.
func (g *truth) measure(j int32, of Quantity) float64 {
	i := int(g.entry[j])
	return g.quantity(of, annotationBox(&g.data.Annotations, i), g.image[j])
}

// measure returns a quantity other than the area of detection e.
func (d *detections) measure(e int32, of Quantity, g *truth) float64 {
	return g.quantity(of, d.boxOf(e), d.image[e])
}

// quantity measures a box in an image. It is NaN or infinite for a box without height, or where the image's size is unknown.
func (g *truth) quantity(of Quantity, box [4]float64, image int32) float64 {
	if of == AspectRatio {
		return box[2] / box[3]
	}
	return box[2] * box[3] / (float64(g.images.width[image]) * float64(g.images.height[image]))
}

// boxOf returns the box of detection e, that of its mask where it was given none.
func (d *detections) boxOf(e int32) [4]float64 {
	if d.Has[e]&coco.HasBox == 0 {
		if box, ok := maskBox(d.Annotations, int(e)); ok {
			return box
		}
	}
	return d.box[e]
}

// annotationBox returns the box of annotation i, that of its mask where it has none.
func annotationBox(a *coco.Annotations, i int) [4]float64 {
	if a.Has[i]&coco.HasBox != 0 {
		return a.Box[i]
	}
	if box, ok := maskBox(a, i); ok {
		return box
	}
	if i >= len(a.Mask) || a.Mask[i].Kind != coco.PolygonMask {
		return [4]float64{}
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, xy := range a.Polygons(i) {
		for k := 0; k+1 < len(xy); k += 2 {
			x0, x1, y0, y1 = min(x0, xy[k]), max(x1, xy[k]), min(y0, xy[k+1]), max(y1, xy[k+1])
		}
	}
	return [4]float64{x0, y0, x1 - x0, y1 - y0}
}

// maskBox returns the box of a mask of run lengths.
func maskBox(a *coco.Annotations, i int) (box [4]float64, ok bool) {
	if i >= len(a.Mask) || a.Mask[i].Kind != coco.RunMask && a.Mask[i].Kind != coco.ListMask {
		return box, false
	}
	m := &a.Mask[i]
	return [4]float64{float64(m.X), float64(m.Y), float64(m.BoxW), float64(m.BoxH)}, true
}
