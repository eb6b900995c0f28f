package cocoeval

import (
	"cmp"
	"errors"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// MinOverlap is the least IoU that Outcomes.Overlaps holds: the background threshold of error analysis (TIDE, Bolya et al.
// 2020).
const MinOverlap = 0.1

// Outcomes says what became of every detection and every annotation in the matching at Params.MatchIoU and in the first area
// range, and which of them overlap, also across categories. Error analysis reads it and never matches again.
//
// Matching goes by descending score, so the outcomes of the detections of at least some score are those of a matching of
// these alone.
type Outcomes struct {
	Params     Params
	Dataset    *coco.Dataset
	Images     []int32         // index in Dataset.Images of each image, ascending by id
	Categories []coco.Category // ascending by id; one with id -1 in a class-agnostic evaluation
	Results    int             // detections that were added, in all

	Detections  []DetectionOutcome  // of each image, images in their order; those that were looked at, see DetectionOutcome
	Annotations []AnnotationOutcome // likewise, in the order of the file in each image
	Ranked      []int32             // indices of Detections by descending score, NaN last; equal scores in their order

	detections, annotations []int32 // where those of each image begin, and their number
	overlaps                []Overlap
}

// A DetectionOutcome is what became of a detection. There is none for detections of other images and categories than the
// evaluation's, nor for those below the highest maxDets of their image and category (LVIS: of their image).
type DetectionOutcome struct {
	Entry      int32 // place in the results, counted over all that were added; ascends in each image
	Image      int32 // index into Images
	Category   int32 // index into Categories
	Annotation int32 // index into Outcomes.Annotations of the one that it was given, or -1
	Score      float64
	Area       float64    // by which ranges of area choose
	Box        [4]float64 // x, y, width, height in pixels; that of the mask where the results have none
	Ignored    bool       // neither right nor wrong: it has an annotation that does not count, or none and is outside of the area range or unjudged
	Unjudged   bool       // LVIS: nobody looked for its category in the image, or not for every instance

	from, to int32 // of overlaps
}

// Right reports whether the detection is a true positive.
func (d *DetectionOutcome) Right() bool { return d.Annotation >= 0 && !d.Ignored }

// Wrong reports whether the detection is a false positive.
func (d *DetectionOutcome) Wrong() bool { return d.Annotation < 0 && !d.Ignored }

// An AnnotationOutcome is what became of an annotation.
type AnnotationOutcome struct {
	Entry     int32 // index in the data set; ascends in each image
	Image     int32 // index into Images
	Category  int32 // index into Categories
	Detection int32 // index into Outcomes.Detections of the one that was given it, of a crowd the first in the list; or -1
	Ignored   bool  // does not count
	Crowd     bool
}

// Overlap is an annotation that a detection overlaps.
type Overlap struct {
	Annotation int32   // index into Outcomes.Annotations
	IoU        float64 // at least MinOverlap; of a crowd the intersection over the detection
}

// Overlaps returns the annotations of all categories that detection d overlaps, in their order.
func (o *Outcomes) Overlaps(d int) []Overlap {
	x := &o.Detections[d]
	return o.overlaps[x.from:x.to]
}

// DetectionsOf returns where the detections of an image begin and end.
func (o *Outcomes) DetectionsOf(image int) (from, to int) {
	return int(o.detections[image]), int(o.detections[image+1])
}

// AnnotationsOf returns where the annotations of an image begin and end.
func (o *Outcomes) AnnotationsOf(image int) (from, to int) {
	return int(o.annotations[image]), int(o.annotations[image+1])
}

// seen is what a chunk leaves for Outcomes: its images, each with its detections. Annotations are indices of truth until
// Outcomes numbers them.
type seen struct {
	images     []pairHead
	detections []DetectionOutcome
	overlaps   []Overlap
}

// watch writes down for Outcomes what a matcher does, image by image.
type watch struct {
	m     *matcher
	at    imageOverlap
	filed []int32
	base  int // detections that were added before the batch
	seen  *seen

	word  int    // of the IoU of outcomes among the matcher's limits
	bit   uint64 // in it
	extra bool   // it is no threshold of the evaluation

	start  int       // of the image's detections in seen
	pairAt int       // of the pair's detections in seen
	iou    []float64 // of the image's detections and the annotations of their own category
	row    []row     // of each detection of the image
	order  []int32
	others []float64
	room   []DetectionOutcome
}

// row is where the IoUs of a detection with the annotations from … to-1 of its category are.
type row struct {
	at       int
	from, to int32
}

func newWatch(m *matcher, filed []int32, base int) *watch {
	w := &watch{m: m, at: m.shapes.(imageOverlap), filed: filed, base: base}
	i := slices.Index(m.p.IoUThresholds, m.p.MatchIoU)
	if i < 0 {
		i, w.extra = len(m.limits), true
		m.limits = append(m.limits, leastMatch(m.p.MatchIoU))
	}
	w.word, w.bit = i>>6, 1<<(i&63)
	return w
}

// begin begins an image.
func (w *watch) begin(image int32) {
	w.start, w.iou, w.row = len(w.seen.detections), w.iou[:0], w.row[:0]
	w.at.begin(w.m.g.start[image], w.m.g.start[image+1])
}

// pair begins the detections of a category. out has the area ranges that they are outside of.
func (w *watch) pair(k, image int32, dets []int32, unjudged bool, out []uint32) {
	w.pairAt = len(w.seen.detections)
	d := w.m.d
	for i, e := range dets {
		w.seen.detections = append(w.seen.detections, DetectionOutcome{
			Entry: int32(w.base) + e, Image: image, Category: k, Annotation: -1,
			Score: d.Score[e], Area: d.area(e), Box: d.boxOf(e), Ignored: out[i]&1 != 0, Unjudged: unjudged,
		})
		w.row = append(w.row, row{})
	}
}

// unlooked is pair for a category that nobody looked for in the image.
func (w *watch) unlooked(k, image int32, dets []int32) {
	out := make([]uint32, len(dets))
	for i := range out {
		out[i] = 1
	}
	w.pair(k, image, dets, true, out)
}

// dropped is pair for a detection of no area.
func (w *watch) dropped(e, image int32) {
	g := w.m.g
	k := g.categoryOf(w.m.d.category[e])
	if k < 0 {
		return
	}
	at := imageCategory{image, k}
	judged := g.absent[at] || slices.Contains(g.category[g.start[image]:g.start[image+1]], k)
	w.pair(k, image, []int32{e}, !judged || g.partial[at], []uint32{1})
}

// same keeps the pair's IoUs with the n annotations from on.
func (w *watch) same(iou []float64, from int32, n int) {
	rows := w.row[w.pairAt-w.start:]
	for i := range rows {
		rows[i] = row{len(w.iou) + i*n, from, from + int32(n)}
	}
	w.iou = append(w.iou, iou...)
}

// given notes that detection d of the pair got annotation j, and returns the bits that the evaluation wants to know of.
func (w *watch) given(d, a, word int, j int32, take uint64, unseen, ignored bool) uint64 {
	if word != w.word || take&w.bit == 0 {
		return take
	}
	if a == 0 && (ignored || !unseen) {
		x := &w.seen.detections[w.pairAt+d]
		x.Annotation, x.Ignored = j, ignored
	}
	if w.extra {
		return take &^ w.bit
	}
	return take
}

// end brings the image's detections into the order of the results and lists their overlaps.
func (w *watch) end(image int32) {
	g := w.m.g
	dets := w.seen.detections[w.start:]
	if len(dets) == 0 {
		return
	}
	first, end := g.start[image], g.start[image+1]
	w.others = append(w.others[:0], make([]float64, end-first)...)
	w.order, w.room = w.order[:0], append(w.room[:0], dets...)
	for i := range dets {
		w.order = append(w.order, int32(i))
	}
	slices.SortFunc(w.order, func(a, b int32) int { return cmp.Compare(w.room[a].Entry, w.room[b].Entry) })
	for to, i := range w.order {
		d, r := &dets[to], w.row[i]
		*d = w.room[i]
		d.from = int32(len(w.seen.overlaps))
		if end > first {
			w.at.others(d.Entry-int32(w.base), d.Category, w.others)
		}
		copy(w.others[max(r.from-first, 0):], w.iou[r.at:r.at+int(r.to-r.from)])
		for _, j := range w.filed[first:end] {
			if iou := w.others[j-first]; iou >= MinOverlap {
				w.seen.overlaps = append(w.seen.overlaps, Overlap{j, iou})
			}
		}
		d.to = int32(len(w.seen.overlaps))
	}
	w.seen.images = append(w.seen.images, pairHead{image, int32(len(dets))})
}

// filed lists the annotations by image, then place in the file.
func (g *truth) filed() []int32 {
	out := make([]int32, len(g.entry))
	for j := range out {
		out[j] = int32(j)
	}
	for i := range g.images.ids {
		part := out[g.start[i]:g.start[i+1]]
		slices.SortStableFunc(part, func(a, b int32) int { return cmp.Compare(g.entry[a], g.entry[b]) })
	}
	return out
}

// Outcomes returns what became of the detections that were added until now, and of all annotations. It wants Params.MatchIoU,
// and does not know detections that came by Merge.
func (e *Evaluator) Outcomes() (*Outcomes, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.p.MatchIoU == 0:
		return nil, errors.New("cocoeval: outcomes were not asked for: Params.MatchIoU is 0")
	case e.merged:
		return nil, errors.New("cocoeval: outcomes of partial results: they hold no pairs of detections and annotations")
	}
	o := &Outcomes{Params: *e.p, Dataset: e.g.data, Images: e.g.images.entry, Categories: e.g.categories, Results: e.results, annotations: e.g.start}
	number := make([]int32, len(e.filed)) // of each annotation of truth
	for i, j := range e.filed {
		number[j] = int32(i)
		f := e.g.flags[j]
		o.Annotations = append(o.Annotations, AnnotationOutcome{
			Entry: e.g.entry[j], Image: e.g.image[j], Category: e.g.category[j],
			Detection: -1, Ignored: e.g.ignoredIn(j, &e.p.Areas[0]), Crowd: f&crowd != 0,
		})
	}
	o.join(e.seen, number)
	o.rank()
	return o, nil
}

// join puts the images of all chunks in order.
func (o *Outcomes) join(parts []*seen, number []int32) {
	type head struct {
		*seen
		image    int32
		from, to int32
	}
	var heads []head
	nd, no := 0, 0
	for _, s := range parts {
		at := int32(0)
		for _, h := range s.images {
			heads = append(heads, head{s, h.image, at, at + h.n})
			at += h.n
		}
		nd, no = nd+len(s.detections), no+len(s.overlaps)
	}
	slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(a.image, b.image) })
	o.Detections, o.overlaps = make([]DetectionOutcome, 0, nd), make([]Overlap, 0, no)
	o.detections = make([]int32, len(o.Images)+1)
	for _, h := range heads {
		o.detections[h.image+1] = h.to - h.from
		for _, d := range h.seen.detections[h.from:h.to] {
			over := h.seen.overlaps[d.from:d.to]
			d.from = int32(len(o.overlaps))
			for _, x := range over {
				o.overlaps = append(o.overlaps, Overlap{number[x.Annotation], x.IoU})
			}
			d.to = int32(len(o.overlaps))
			if d.Annotation >= 0 {
				d.Annotation = number[d.Annotation]
				if a := &o.Annotations[d.Annotation]; a.Detection < 0 {
					a.Detection = int32(len(o.Detections))
				}
			}
			o.Detections = append(o.Detections, d)
		}
	}
	for i := range o.Images {
		o.detections[i+1] += o.detections[i]
	}
}

// rank fills Ranked.
func (o *Outcomes) rank() {
	list := make([]scored, len(o.Detections))
	for i := range list {
		list[i] = scored{scoreKey(o.Detections[i].Score), int32(i)}
	}
	list = sortScores(list, make([]scored, len(list)))
	o.Ranked = make([]int32, len(list))
	for i := range list {
		o.Ranked[i] = list[i].at
	}
}
