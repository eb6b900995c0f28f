package cocoeval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// truth is the annotations that an evaluation looks at, ordered by image, then category, then place in the file.
type truth struct {
	data       *coco.Dataset
	images     imageTable
	categories []coco.Category // ascending by id; one nameless for a class-agnostic evaluation
	ids        []int64         // of the selected categories, ascending
	listed     []coco.Category // of ids
	rank       idTable         // index into ids

	placeImage, placeCategory *placer         // in corrected mode, when they are needed
	otherImage                map[int64]int32 // image ids of annotations that are written otherwise than in the list
	otherCategory             map[int64]int64 // category ids likewise, as those in the list

	start    []int32 // of each image in the columns below, and their length
	image    []int32 // index into images
	category []int32 // index into categories
	entry    []int32 // index of the annotation in the data set
	area     []float64
	flags    []truthFlags

	boxes           coco.BoxCheck
	absent, partial map[imageCategory]bool // LVIS: no instance; not every instance annotated
}

// imageCategory is an index into truth.images and one into truth.categories.
type imageCategory struct{ image, category int32 }

type truthFlags uint8

const (
	crowd   truthFlags = 1 << iota // IoU is measured over the detection, and several detections may match
	ignored                        // does not count; matching it does not count either
	unseen                         // id 0 in strict mode: a detection that matches it stays unmatched
)

// newTruth selects and orders the annotations of d, and checks that they have what the evaluation needs.
func newTruth(d *coco.Dataset, p *Params, w *warnings) (*truth, error) {
	if d.ByteOrderMark {
		w.add("byte-order-mark", "files begin with a byte order mark, which Python's json refuses", func() string { return d.File })
	}
	g := &truth{data: d}
	var err error
	if g.images, err = newImageTable(d, p, w); err != nil {
		return nil, err
	}
	if err := g.listCategories(d, p, w); err != nil {
		return nil, err
	}
	if p.Mode == Corrected {
		if err := g.placeAnnotations(d, p, w); err != nil {
			return nil, err
		}
	}
	order, err := g.order(d, p, w)
	if err != nil {
		return nil, err
	}
	n := len(order)
	g.image, g.category, g.entry = make([]int32, 0, n), make([]int32, 0, n), make([]int32, 0, n)
	g.area, g.flags = make([]float64, 0, n), make([]truthFlags, 0, n)
	g.start = make([]int32, 1, len(g.images.ids)+1)
	for _, o := range order {
		for int(o.image) >= len(g.start) {
			g.start = append(g.start, int32(len(g.entry)))
		}
		if err := g.add(d, p, w, o); err != nil {
			return nil, err
		}
	}
	for len(g.start) <= len(g.images.ids) {
		g.start = append(g.start, int32(n))
	}
	reportBoxes(&g.boxes, w, "annotations", "annotation-")
	g.lint(p, w)
	if p.Protocol == LVIS {
		return g, g.federate(d, p)
	}
	return g, nil
}

// place is an annotation's place in the order of an evaluation.
type place struct {
	category, image, entry int32
	rank                   int64 // within category and image, before the place in the file
}

// sortPlaces orders places by image, category, rank and their order until now.
func sortPlaces(order []place, categories, images int) []place {
	if slices.ContainsFunc(order, func(o place) bool { return o.rank != order[0].rank }) {
		slices.SortStableFunc(order, func(a, b place) int { return cmp.Compare(a.rank, b.rank) })
	}
	other := make([]place, len(order))
	countingSort(other, order, categories, func(o *place) int32 { return o.category })
	countingSort(order, other, images, func(o *place) int32 { return o.image })
	return order
}

// countingSort puts the elements of src into dst, stably by a key below n.
func countingSort[T any](dst, src []T, n int, key func(*T) int32) {
	at := make([]int32, n+1)
	for i := range src {
		at[key(&src[i])+1]++
	}
	for k := range n {
		at[k+1] += at[k]
	}
	for i := range src {
		k := key(&src[i])
		dst[at[k]] = src[i]
		at[k]++
	}
}

// order returns the annotations to evaluate, ordered.
func (g *truth) order(d *coco.Dataset, p *Params, w *warnings) ([]place, error) {
	last, err := lastOfID(d, p, w)
	if err != nil {
		return nil, err
	}
	order := make([]place, 0, d.Len())
	for i := range d.Len() {
		image := g.imageOf(d, i)
		if image < 0 {
			if p.ImageIDs == nil {
				w.add("unknown-image-annotations", "annotations of images that are not listed; dropped", func() string { return d.ImageName(d.ImageID[i]) })
			}
			continue
		}
		j := i
		if last != nil {
			// Whatever has this id: the last one, but in place of this one.
			j = int(last[d.ID[i]])
		}
		k := g.categoryOf(g.categoryID(d, j))
		if k < 0 || !p.ClassAgnostic && g.categoryOf(g.categoryID(d, i)) < 0 {
			if p.CategoryIDs == nil {
				w.add("unknown-category-annotations", "annotations of categories that are not listed; dropped", func() string { return d.CategoryName(d.CategoryID[i]) })
			}
			continue
		}
		o := place{category: k, image: image, entry: int32(j)}
		if last != nil {
			// The reference goes through the images first, so a twin keeps the place that its own image gives it.
			if o.image = g.imageOf(d, j); o.image < 0 {
				continue
			}
			o.rank = int64(image)
		}
		if p.ClassAgnostic {
			o.rank |= int64(g.rank.of(g.categoryID(d, j))) << 32
		}
		if p.Protocol == LVIS && d.Has[i]&coco.HasArea != 0 && !lvisArea(d.Area[i]) {
			w.add("lvis-area-annotations", "annotations of no area, which lvis-api drops", func() string { return annotationName(d, i) })
			continue
		}
		order = append(order, o)
	}
	return sortPlaces(order, len(g.categories), len(g.images.ids)), nil
}

// lastOfID returns, for a strict evaluation of a data set with duplicate ids, the last annotation of each id: the reference
// keeps annotations in a dictionary. Otherwise it returns nil.
func lastOfID(d *coco.Dataset, p *Params, w *warnings) (map[int64]int32, error) {
	seen := newIDSet(d.Len())
	twins := 0
	for i, id := range d.ID {
		switch {
		case d.Has[i]&coco.HasID == 0:
			if p.Mode == Strict {
				return nil, d.Fail(i, "id", "missing")
			}
			w.add("no-id", "annotations without an id; numbered", func() string { return "annotations[" + fmt.Sprint(i) + "]" })
		case !seen.add(id):
			twins++
			w.add("duplicate-ids", duplicateText[p.Mode], func() string { return annotationName(d, i) })
		}
		if d.IDNames != nil && p.Mode == Strict && d.IDNames[id].Kind == coco.StringName && d.Has[i]&coco.HasID != 0 {
			return nil, d.Fail(i, "id", "string, of which pycocotools can make no number")
		}
	}
	if twins == 0 || p.Mode == Corrected {
		return nil, nil
	}
	last := make(map[int64]int32, d.Len())
	for i, id := range d.ID {
		last[id] = int32(i)
	}
	return last, nil
}

var duplicateText = [...]string{
	Strict:    "annotations with the id of another; the last of an id counts once for each",
	Corrected: "annotations with the id of another; counted as they are",
}

// add appends the annotation at o to the columns.
func (g *truth) add(d *coco.Dataset, p *Params, w *warnings, o place) error {
	i := int(o.entry)
	has := d.Has[i]
	var f truthFlags
	isCrowd := has&coco.IsCrowd != 0
	if has&coco.HasCrowd == 0 && p.Protocol == COCO {
		w.add("no-iscrowd", "annotations without iscrowd, or with null; taken as 0", func() string { return annotationName(d, i) })
	}
	switch {
	case p.Protocol == LVIS:
		// lvis-api knows no crowds, and keeps the flag ignore.
		if has&coco.Ignore != 0 {
			f |= ignored
		}
	case isCrowd:
		f |= crowd | ignored
	case has&coco.Ignore != 0 && (p.Mode == Corrected || p.IoU == Boundary):
		f |= ignored // pycocotools overwrites the flag with iscrowd; boundary-iou-api does not
	case has&coco.Ignore != 0:
		w.add("ignore-flag", "annotations with ignore = 1, which pycocotools does not look at", func() string { return annotationName(d, i) })
	}
	if p.IoU == Keypoints {
		if has&coco.HasVisible == 0 {
			return d.Fail(i, "num_keypoints", "missing")
		}
		if d.Visible[i] == 0 {
			f |= ignored
		}
		if has&coco.HasKeypoints == 0 {
			return d.Fail(i, "keypoints", "missing")
		}
		if n := len(d.Keypoints[i]); n != 3*len(p.Sigmas) {
			return d.Fail(i, "keypoints", fmt.Sprintf("%d numbers, want %d", n, 3*len(p.Sigmas)))
		}
	}
	if d.ID[i] == 0 && has&coco.HasID != 0 {
		if p.Mode == Strict {
			f |= unseen
		}
		w.add("id-0", idZeroText[p.Mode], func() string { return annotationName(d, i) })
	}
	area := d.Area[i]
	if has&coco.HasArea == 0 && (f&ignored == 0 || p.IoU == Keypoints) {
		if p.Mode == Strict {
			return d.Fail(i, "area", "missing")
		}
		var ok bool
		if area, ok = areaOf(d, i, g.images.height[o.image], g.images.width[o.image]); !ok {
			return d.Fail(i, "area", "missing, and neither mask nor box to take it from")
		}
		w.add("no-area", "annotations without an area; taken of the mask or the box", func() string { return annotationName(d, i) })
	}
	if err := checkShape(d, p, w, i, g.images.height[o.image], g.images.width[o.image]); err != nil {
		return err
	}
	if p.IoU == BBox {
		g.boxes.Add(&d.Box[i], g.images.height[o.image], g.images.width[o.image])
	}
	g.image, g.category, g.entry = append(g.image, o.image), append(g.category, o.category), append(g.entry, o.entry)
	g.area, g.flags = append(g.area, area), append(g.flags, f)
	return nil
}

var idZeroText = [...]string{
	Strict:    "annotations with id 0, which pycocotools cannot match: what is right there counts as wrong",
	Corrected: "annotations with id 0, matched like any other",
}

// annotationName names annotation i in a warning.
func annotationName(d *coco.Dataset, i int) string {
	if d.Has[i]&coco.HasID != 0 {
		return d.IDName(i)
	}
	return fmt.Sprintf("annotations[%d]", i)
}

// federate reads what LVIS says about the categories of its images.
func (g *truth) federate(d *coco.Dataset, p *Params) error {
	g.absent, g.partial = map[imageCategory]bool{}, map[imageCategory]bool{}
	for i := range d.Images {
		im := &d.Images[i]
		n := g.images.index.of(im.ID)
		if n < 0 {
			continue
		}
		if im.Negative == nil || im.NotExhaustive == nil {
			return fmt.Errorf("cocoeval: %s: images[%d] (id %s): neg_category_ids or not_exhaustive_category_ids: missing", d.File, i, d.ImageName(im.ID))
		}
		for _, id := range im.Negative {
			g.absent[imageCategory{n, g.categoryOf(id)}] = true
		}
		for _, id := range im.NotExhaustive {
			g.partial[imageCategory{n, g.categoryOf(id)}] = true
		}
	}
	for i := range g.categories {
		if f := g.categories[i].Frequency; f != "r" && f != "c" && f != "f" {
			return fmt.Errorf("cocoeval: %s: categories (id %d): frequency: %q, want r, c or f", d.File, g.categories[i].ID, f)
		}
	}
	return nil
}
