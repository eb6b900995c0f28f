package cocoeval

import (
	"fmt"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// minPolygon is the least count of numbers with which the reference takes a list for a polygon: 4 are a box to it.
const minPolygon = 6

// checkShape reports that annotation i, in an image of h×w pixels, lacks what its IoU is computed from.
func checkShape(d *coco.Dataset, p *Params, w *warnings, i, imageH, imageW int) error {
	switch p.IoU {
	case BBox, Keypoints:
		switch has := d.Has[i]; {
		case has&coco.HasBox != 0:
			b := &d.Box[i]
			if s := b[0] + b[1] + b[2] + b[3]; s-s != 0 {
				w.add("annotation-box", "annotations with a box that is not finite", func() string { return annotationName(d, i) })
			} else if p.IoU == BBox && !(b[2] > 0 && b[3] > 0) {
				w.add("annotation-box-size", "annotations with a box whose width or height is not above 0", func() string { return annotationName(d, i) })
			}
		case has&coco.EmptyBox != 0:
			return d.Fail(i, "bbox", "empty list, want 4 numbers")
		case has&coco.NullBox != 0:
			return d.Fail(i, "bbox", "null, want 4 numbers")
		default:
			return d.Fail(i, "bbox", "missing")
		}
		return nil
	}
	m := &d.Mask[i]
	corrected := p.Mode == Corrected
	name := func() string { return annotationName(d, i) }
	switch m.Kind {
	case coco.NoMask, coco.NullMask, coco.EmptyMask:
		if !corrected {
			return d.Fail(i, "segmentation", kindText[m.Kind])
		}
		if m.Kind != coco.EmptyMask && d.Has[i]&coco.HasBox != 0 {
			w.add("box-as-mask", "annotations without a segmentation; the box was taken", name)
		} else {
			w.add("empty-mask", "annotations without a segmentation; taken as empty", name)
		}
	case coco.PolygonMask:
		if msg := checkImage(imageH, imageW, "polygons", func() string { return d.ImageName(d.ImageID[i]) }); msg != "" {
			return d.Fail(i, "segmentation", msg)
		}
		if msg := checkPolygons(&d.Annotations, i, imageH, imageW, corrected, w, name); msg != "" {
			return hinted(d.Fail(i, "segmentation", msg), correctedHint)
		}
	default:
		if err := checkRuns(m, imageH, imageW, corrected, w, name, func(msg string) error { return d.Fail(i, "segmentation", msg) }); err != nil {
			return err
		}
	}
	return nil
}

// checkImage reports that what is no mask of run lengths cannot become one in an image of h×w pixels.
func checkImage(h, w int, what string, image func() string) string {
	if h == 0 || w == 0 {
		return what + " in an image without height and width"
	}
	if rle.CheckSize(h, w) != nil {
		return fmt.Sprintf("%s in image %s of %d×%d pixels, want at most %d pixels", what, image(), h, w, uint64(rle.MaxPixels))
	}
	return ""
}

const correctedHint = "--mode corrected takes it, with a warning"

var kindText = [...]string{coco.NoMask: "missing", coco.NullMask: "null, want polygons or run lengths", coco.EmptyMask: "empty list, want polygons"}

// checkPolygons returns what the reference would refuse; in corrected mode it warns instead.
func checkPolygons(a *coco.Annotations, i, h, w int, corrected bool, warn *warnings, name func() string) string {
	polygons := a.Polygons(i)
	if a.Mask[i].Flat {
		if !corrected {
			return "a flat list of numbers, as VIA writes it; want a list of polygons"
		}
		warn.add("flat-polygon", "masks of numbers without a list around each polygon, which pycocotools refuses; taken as one polygon", name)
	}
	if !corrected {
		if n := len(polygons[0]); n < minPolygon-1 {
			return fmt.Sprintf("polygon of %d numbers, want at least %d", n, minPolygon)
		}
		return ""
	}
	odd, short, outside := false, false, false
	for _, xy := range polygons {
		odd, short = odd || len(xy)&1 == 1, short || len(xy) < minPolygon
		for j := 0; j+1 < len(xy); j += 2 {
			outside = outside || !(-1 <= xy[j] && xy[j] <= float64(w)+1 && -1 <= xy[j+1] && xy[j+1] <= float64(h)+1)
		}
	}
	if short {
		warn.add("short-polygon", "masks with polygons of fewer than 3 points; those were dropped", name)
	}
	if odd {
		warn.add("odd-polygon", "masks with polygons of an odd count of numbers; the last number was dropped", name)
	}
	if outside {
		warn.add("polygon-outside", "masks with polygons that leave the image by more than a pixel; cut", name)
	}
	return ""
}

// checkRuns looks at the size and the sum of run lengths. fail makes an error of the entry.
func checkRuns(m *coco.Mask, h, w int, corrected bool, warn *warnings, name func() string, fail func(msg string) error) error {
	if m.Bytes {
		if !corrected {
			return hinted(fail("counts: the text of Python bytes, b'…', which pycocotools misreads; want the string itself"), "write counts.decode(); "+correctedHint)
		}
		warn.add("bytes-counts", "masks whose counts are the text of Python bytes, b'…'; the string inside was taken", name)
	}
	if (int(m.H) != h || int(m.W) != w) && h > 0 && w > 0 {
		reason := ""
		if turned(m, h, w) {
			reason = ": the two are exchanged, as where one side turned the picture by its EXIF orientation and the other did not"
		}
		if corrected {
			return fail(fmt.Sprintf("size %d×%d, want the image's %d×%d%s", m.H, m.W, h, w, reason))
		}
		warn.add("rle-size", "masks of another size than their image; they match nothing of it", name)
		if reason != "" {
			warn.add("exif-orientation", "masks have the height and width of their image exchanged: one side turned the picture by its EXIF orientation, the other did not", name)
		}
	}
	if !m.Filled {
		if corrected {
			return fail(fmt.Sprintf("runs do not sum to %d×%d", m.H, m.W))
		}
		warn.add("rle-sum", "masks whose runs do not sum to height × width", name)
	}
	return nil
}

// areaOf returns the area of annotation i's mask if it was read, else of its box.
func areaOf(d *coco.Dataset, i, h, w int) (area float64, ok bool) {
	if d.Mask != nil {
		switch m := &d.Mask[i]; m.Kind {
		case coco.PolygonMask:
			if rle.CheckSize(h, w) == nil {
				return float64(polygonMask(d.Polygons(i), h, w).Area()), true
			}
		case coco.RunMask, coco.ListMask:
			return float64(m.Area), true
		}
	}
	b := &d.Box[i]
	return b[2] * b[3], d.Has[i]&coco.HasBox != 0
}

// polygonMask rasterises the union of polygons.
func polygonMask(polygons [][]float64, h, w int) rle.Mask {
	var r rle.Rasterizer
	return rle.Mask{H: h, W: w, Runs: r.AppendPolygons(nil, polygons, h, w)}
}

// proper returns the polygons of at least 3 points: what corrected mode makes of a mask.
func proper(polygons [][]float64) [][]float64 {
	for i, xy := range polygons {
		if len(xy) < minPolygon {
			out := append([][]float64{}, polygons[:i]...)
			for _, xy := range polygons[i:] {
				if len(xy) >= minPolygon {
					out = append(out, xy)
				}
			}
			return out
		}
	}
	return polygons
}
