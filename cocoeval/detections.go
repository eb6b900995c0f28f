package cocoeval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// detections is a batch of results as an evaluation looks at them: what pycocotools' loadRes makes of a list.
type detections struct {
	*coco.Annotations
	fail func(i int, field, msg string) error

	image    []int32      // of each entry: index into truth.images, or -1
	category []int64      // of each entry: id as the data set numbers them
	order    []int32      // entries by image, then place in the list; nil where that is their order already
	box      [][4]float64 // Annotations.Box, completed where the evaluation needs boxes
	maskArea bool         // the area is that of the mask, not w·h
	dropped  []bool       // LVIS: entries of no area, which are in Outcomes alone; nil without any
	areas    []float64    // of each entry, where the rule is not the same for all; nil otherwise
}

// area returns the area of entry i by which ranges of area choose.
func (d *detections) area(i int32) float64 {
	if d.areas != nil {
		return d.areas[i]
	}
	if d.maskArea {
		return float64(d.Mask[i].Area)
	}
	b := &d.box[i]
	return b[2] * b[3]
}

// newDetections finds the images of a list of results, completes it as loadRes does, and orders it.
func newDetections(a *coco.Annotations, fail func(i int, field, msg string) error, g *truth, p *Params, w *warnings) (*detections, error) {
	d := &detections{Annotations: a, fail: fail, box: a.Box}
	if a.Len() == 0 {
		w.add("no-results", "empty lists of results, on which pycocotools raises", func() string { return "[]" })
	}
	if err := d.findImages(g, p, w); err != nil {
		return nil, err
	}
	if err := d.findCategories(g, p, w); err != nil {
		return nil, err
	}
	if err := d.complete(g, p, w); err != nil {
		return nil, err
	}
	if p.Protocol == LVIS {
		d.limit(len(g.images.ids), p.MaxDets[0])
		for i := range d.image {
			if d.image[i] >= 0 && !lvisArea(d.area(int32(i))) {
				if p.MatchIoU == 0 {
					d.image[i] = -1
				} else {
					if d.dropped == nil {
						d.dropped = make([]bool, d.Len())
					}
					d.dropped[i] = true
				}
				w.add("lvis-area-results", "results of no area, which lvis-api drops", func() string { return d.name(i) })
			}
		}
	}
	if p.ClassAgnostic || !slices.IsSorted(d.image) {
		order := make([]int32, d.Len())
		for i := range order {
			order[i] = int32(i)
		}
		d.order = make([]int32, d.Len())
		countingSort(d.order, order, len(g.images.ids)+1, func(i *int32) int32 { return d.image[*i] + 1 })
	}
	d.lintCategories(g, w)
	return d, nil
}

// complete derives boxes and areas. In strict mode the first entry decides for all, as in loadRes: with a box, areas are
// those of the boxes and a missing mask is the box; without, areas and missing boxes are those of the masks; else of the
// keypoints. In corrected mode every entry goes by its own fields, and in an evaluation of masks areas are those of masks.
func (d *detections) complete(g *truth, p *Params, w *warnings) error {
	if d.Len() == 0 {
		return nil
	}
	if p.Mode == Corrected {
		return d.completeEach(g, p, w)
	}
	switch has := d.Has[0]; {
	case has&(coco.HasBox|coco.NullBox) != 0:
		for i, has := range d.Has {
			if has&coco.HasBox == 0 {
				return d.noBox(i)
			}
		}
	case d.maskKind(0) != coco.NoMask:
		d.maskArea = true
		for i := range d.Has {
			if k := d.Mask[i].Kind; k != coco.RunMask && k != coco.ListMask {
				return d.fail(i, "segmentation", orText(k, "polygons, want run lengths: the first result has no box"))
			}
		}
		if p.IoU == BBox {
			return d.boxesOfMasks(true)
		}
	case has&coco.HasKeypoints != 0:
		d.box, d.areas = slices.Clone(d.Box), make([]float64, d.Len())
		for i, has := range d.Has {
			if has&coco.HasKeypoints == 0 {
				return d.fail(i, "keypoints", "missing")
			}
			d.box[i] = keypointBox(d.Keypoints[i])
			d.areas[i] = d.box[i][2] * d.box[i][3]
		}
	default:
		return d.fail(0, "bbox, segmentation, keypoints", "missing")
	}
	return nil
}

// noBox reports that entry i has no box.
func (d *detections) noBox(i int) error {
	switch has := d.Has[i]; {
	case has&coco.NullBox != 0:
		return d.fail(i, "bbox", "null, want 4 numbers")
	case has&coco.EmptyBox != 0:
		return hinted(d.fail(i, "bbox", "empty list, want 4 numbers"), "leave bbox away where there is a segmentation: its box is taken then; or compare masks alone, --iou segm")
	}
	return d.fail(i, "bbox", "missing")
}

// orText is kindText, or text for a kind that has none.
func orText(k coco.MaskKind, text string) string {
	if int(k) < len(kindText) {
		return kindText[k]
	}
	return text
}

// maskKind returns the kind of entry i's mask, also where no masks were read.
func (d *detections) maskKind(i int) coco.MaskKind {
	if i < len(d.Mask) {
		return d.Mask[i].Kind
	}
	return coco.NoMask
}

// boxesOfMasks completes the boxes by those of the masks; strictly, an empty list stands for itself.
func (d *detections) boxesOfMasks(strict bool) error {
	d.box = slices.Clone(d.Box)
	for i, has := range d.Has {
		if has&coco.HasBox != 0 {
			continue
		}
		if strict && has&(coco.EmptyBox|coco.NullBox) != 0 {
			return d.noBox(i)
		}
		m := &d.Mask[i]
		d.box[i] = [4]float64{float64(m.X), float64(m.Y), float64(m.BoxW), float64(m.BoxH)}
	}
	return nil
}

// completeEach is complete for corrected mode.
func (d *detections) completeEach(g *truth, p *Params, w *warnings) error {
	d.box, d.areas = slices.Clone(d.Box), make([]float64, d.Len())
	masks := p.IoU == Segm || p.IoU == Boundary
	for i, has := range d.Has {
		b := &d.box[i]
		kind := d.maskKind(i)
		fromMask := masks || has&coco.HasBox == 0
		switch {
		case fromMask && (kind == coco.RunMask || kind == coco.ListMask):
			m := &d.Mask[i]
			d.areas[i] = float64(m.Area)
			if has&coco.HasBox == 0 {
				*b = [4]float64{float64(m.X), float64(m.Y), float64(m.BoxW), float64(m.BoxH)}
			}
		case fromMask && kind == coco.PolygonMask && d.image[i] >= 0:
			h, w := g.images.height[d.image[i]], g.images.width[d.image[i]]
			if msg := checkImage(h, w, "polygons", func() string { return d.ImageName(d.ImageID[i]) }); msg != "" {
				return d.fail(i, "segmentation", msg)
			}
			m := polygonMask(proper(d.Polygons(i)), h, w)
			d.areas[i] = float64(m.Area())
			if has&coco.HasBox == 0 {
				x, y, bw, bh := m.Bounds()
				*b = [4]float64{float64(x), float64(y), float64(bw), float64(bh)}
			}
		case has&coco.HasBox != 0:
			d.areas[i] = b[2] * b[3]
		case has&coco.HasKeypoints != 0:
			*b = keypointBox(d.Keypoints[i])
			d.areas[i] = b[2] * b[3]
		case d.image[i] >= 0:
			return d.fail(i, "bbox, segmentation, keypoints", "missing")
		}
		if masks && kind != coco.NoMask && has&d.Has[0]&coco.HasBox != 0 && d.areas[i] != b[2]*b[3] {
			w.add("mask-area", "results with a mask and a box, of which pycocotools takes the area of the box; that of the mask was taken", func() string { return d.name(i) })
		}
	}
	return nil
}

// keypointBox is the box around all keypoints, as loadRes makes it.
func keypointBox(k []float64) (b [4]float64) {
	if len(k) < 2 {
		return b
	}
	x0, y0, x1, y1 := k[0], k[1], k[0], k[1]
	for j := 3; j+1 < len(k); j += 3 {
		x0, x1, y0, y1 = min(x0, k[j]), max(x1, k[j]), min(y0, k[j+1]), max(y1, k[j+1])
	}
	return [4]float64{x0, y0, x1 - x0, y1 - y0}
}

// inspect checks entry i, which will be evaluated, and counts what looks wrong with it.
func (d *detections) inspect(i int, g *truth, p *Params, w *warnings, l *coco.BoxCheck) error {
	// The usual entry passes a few comparisons and no more.
	if score := d.Score[i]; score-score != 0 {
		if p.Mode == Corrected {
			return d.fail(i, "score", fmt.Sprintf("%v", score))
		}
		w.add("score", "results with a score that is not finite", func() string { return d.name(i) })
	}
	switch p.IoU {
	case BBox:
		b := &d.box[i]
		if s := b[0] + b[1] + b[2] + b[3]; s-s != 0 {
			if p.Mode == Corrected {
				return d.fail(i, "bbox", fmt.Sprintf("%v: not finite", *b))
			}
			w.add("box", "results with a box that is not finite", func() string { return d.name(i) })
		} else if !(b[2] > 0 && b[3] > 0) {
			w.add("box-size", "results with a box whose width or height is not above 0", func() string { return d.name(i) })
		}
		l.Add(b, g.images.height[d.image[i]], g.images.width[d.image[i]])
	case Keypoints:
		if d.Has[i]&coco.HasKeypoints == 0 {
			return d.fail(i, "keypoints", "missing")
		}
		if n := len(d.Keypoints[i]); n != 3*len(p.Sigmas) {
			return d.fail(i, "keypoints", fmt.Sprintf("%d numbers, want %d", n, 3*len(p.Sigmas)))
		}
	default:
		return d.inspectMask(i, g, p, w)
	}
	return nil
}

// name names entry i in a warning.
func (d *detections) name(i int) string { return fmt.Sprintf("results[%d]", i) }

// inspectMask is the part of inspect for the mask of entry i.
func (d *detections) inspectMask(i int, g *truth, p *Params, w *warnings) error {
	name := func() string { return d.name(i) }
	corrected := p.Mode == Corrected
	h, wd := g.images.height[d.image[i]], g.images.width[d.image[i]]
	switch k := d.maskKind(i); k {
	case coco.NoMask:
		if msg := checkImage(h, wd, "taken as a mask,", func() string { return d.ImageName(d.ImageID[i]) }); msg != "" {
			return d.fail(i, "bbox", msg)
		}
		b := &d.box[i]
		if s := b[0] + b[1] + b[2] + b[3]; s-s != 0 {
			return d.fail(i, "bbox", fmt.Sprintf("%v: not finite, and taken as a mask", *b))
		}
		return nil
	case coco.NullMask, coco.EmptyMask:
		if !corrected {
			return d.fail(i, "segmentation", kindText[k])
		}
		w.add("empty-mask", "results without a segmentation; the box or nothing was taken", name)
	case coco.PolygonMask:
		if msg := checkImage(h, wd, "polygons", func() string { return d.ImageName(d.ImageID[i]) }); msg != "" {
			return d.fail(i, "segmentation", msg)
		}
		if msg := checkPolygons(d.Annotations, i, h, wd, corrected, w, name); msg != "" {
			return hinted(d.fail(i, "segmentation", msg), correctedHint)
		}
	default:
		if k == coco.ListMask && d.Has[0]&coco.HasBox == 0 {
			w.add("listed-runs", "results with run lengths as a list of numbers, which pycocotools refuses; taken", name)
		}
		m := &d.Mask[i]
		if m.Filled && int(m.H) == h && int(m.W) == wd && !m.Bytes {
			return nil
		}
		return checkRuns(m, h, wd, corrected, w, name, func(msg string) error { return d.fail(i, "segmentation", msg) })
	}
	return nil
}

// limit keeps the n detections of each image with the highest scores, over all categories, as lvis-api does.
func (d *detections) limit(images, n int) {
	count := make([]int32, images)
	for _, im := range d.image {
		if im >= 0 {
			count[im]++
		}
	}
	if len(count) == 0 || int(slices.Max(count)) <= n {
		return
	}
	of := map[int32][]int32{}
	for i, im := range d.image {
		if im >= 0 && int(count[im]) > n {
			of[im] = append(of[im], int32(i))
		}
	}
	for _, list := range of {
		slices.SortStableFunc(list, func(a, b int32) int { return compareScores(d.Score[a], d.Score[b]) })
		for _, i := range list[n:] {
			d.image[i] = -1
		}
	}
}

// lvisArea reports whether lvis-api's get_ann_ids finds what has this area, be it an annotation or a detection.
func lvisArea(area float64) bool { return area > 0 && area < math.Inf(1) }

// compareScores orders scores downwards, NaN last, as numpy's argsort of the negative scores does.
func compareScores(a, b float64) int {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return cmp.Compare(btoi(math.IsNaN(a)), btoi(math.IsNaN(b)))
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
