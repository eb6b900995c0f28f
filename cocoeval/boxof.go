package cocoeval

import (
	"math"

	"github.com/spinemask/spinemask/coco"
)

// BoxIoU is the IoU of two boxes: x, y, width, height.
func BoxIoU(a, b [4]float64) float64 { return boxIoU(&a, &b, b[2]*b[3], false) }

// AnnotationBox returns the box of annotation i of d, that of its mask where it has none: x, y, width, height in pixels.
func AnnotationBox(d *coco.Dataset, i int) [4]float64 {
	a := &d.Annotations
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

// boxOf returns the box of detection e, that of its mask where it was given none.
func (d *detections) boxOf(e int32) [4]float64 {
	if d.Has[e]&coco.HasBox == 0 {
		if box, ok := maskBox(d.Annotations, int(e)); ok {
			return box
		}
	}
	return d.box[e]
}

// maskBox returns the box of a mask of run lengths.
func maskBox(a *coco.Annotations, i int) (box [4]float64, ok bool) {
	if i >= len(a.Mask) || a.Mask[i].Kind != coco.RunMask && a.Mask[i].Kind != coco.ListMask {
		return box, false
	}
	m := &a.Mask[i]
	return [4]float64{float64(m.X), float64(m.Y), float64(m.BoxW), float64(m.BoxH)}, true
}
