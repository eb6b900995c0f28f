package analysis

import (
	"cmp"
	"slices"

	"github.com/spinemask/spinemask/cocoeval"
)

// TIDECV finds errors by the rules of tidecv 1.0.1, for numbers that stand beside those of papers. It differs from TIDE: 100
// detections per image over all classes (300 of LVIS); of equal IoUs the first annotation; detections in crowds have a type and
// count as an error; a class with detections only counts as 0, and one that a repair empties no longer; after a repair errors
// come before right detections of the same score. Effects are not below 0, but for those of FalsePositives and
// FalseNegatives. Where tidecv divides by zero, they are 0. The evaluation must have kept as many detections of a class.
func (a *Analysis) TIDECV() *TIDE {
	r := &tidecv{a: a, o: a.o, f: newErrorsFound(a.o), used: make([]bool, len(a.o.Annotations)), most: 100}
	if a.o.Params.Protocol == cocoeval.LVIS {
		r.most = 300
	}
	images := make([]int, len(a.o.Images))
	for i := range images {
		images[i] = i
	}
	slices.SortFunc(images, func(i, j int) int { return cmp.Compare(a.o.Images[i], a.o.Images[j]) })
	for _, i := range images {
		r.image(i)
	}
	recalls := make([]float64, 101)
	for i := range recalls {
		recalls[i] = float64(i) / 100
	}
	byScore := func(i, j int32) int { return compareScores(a.o.Detections[i].Score, a.o.Detections[j].Score) }
	repaired := slices.Concat(r.wrong, r.right)
	slices.SortStableFunc(r.order, byScore)
	slices.SortStableFunc(repaired, byScore)

	t := &TIDE{Rule: "tidecv", IoU: a.o.Params.MatchIoU}
	b := &balance{a: a, found: r.f, order: r.order, repaired: repaired, recalls: recalls, detected: true}
	n := len(a.counted)
	b.annotations, b.missed, b.unfound = make([]int, n), make([]int, n), make([]int, n)
	letters := notLookedAt(a.o.Dataset.Len())
	for g := range a.o.Annotations {
		if x := &a.o.Annotations[g]; x.Crowd {
			letters[x.Entry] = 'X'
		} else {
			b.annotation(x, r.used[g], r.f.usable[g], letters)
		}
	}
	t.Annotations = string(letters)
	b.fill(t)
	for e := range t.Errors {
		t.Errors[e].DeltaAP = max(t.Errors[e].DeltaAP, 0)
	}
	return t
}

// tidecv matches as tidecv does, on the overlaps of the evaluation.
type tidecv struct {
	a    *Analysis
	o    *cocoeval.Outcomes
	f    *errorsFound
	used []bool // per annotation
	most int    // detections per image

	order, wrong, right []int32 // detections of the images until now, each by descending score: all, errors, right ones
}

// image matches the detections of an image and finds the types of the others.
func (r *tidecv) image(image int) {
	from, to := r.o.DetectionsOf(image)
	list := make([]int32, 0, to-from)
	for d := from; d < to; d++ {
		r.f.kind[d] = none
		r.f.ignored[d] = true
		list = append(list, int32(d))
	}
	slices.SortStableFunc(list, func(i, j int32) int { return compareScores(r.o.Detections[i].Score, r.o.Detections[j].Score) })
	list = list[:min(len(list), r.most)]
	for _, d := range list {
		r.match(d)
	}
	counts := func(g int32) bool { return !r.o.Annotations[g].Crowd }
	used := func(g int32) bool { return r.used[g] }
	for _, d := range list {
		if r.f.kind[d] == right {
			r.right = append(r.right, d)
			continue
		}
		r.f.classify(r.o, int(d), r.o.Params.MatchIoU, counts, used)
		r.wrong = append(r.wrong, d)
	}
	r.order = append(r.order, list...)
}

// match gives a detection the free annotation of its class of the highest IoU.
func (r *tidecv) match(d int32) {
	x := &r.o.Detections[d]
	best, found := 0.0, int32(-1)
	ignored := x.Unjudged
	for _, y := range r.o.Overlaps(int(d)) {
		switch g := &r.o.Annotations[y.Annotation]; {
		case g.Category != x.Category:
		case g.Crowd:
			ignored = ignored || y.IoU > r.o.Params.MatchIoU
		case !r.used[y.Annotation] && y.IoU > best:
			best, found = y.IoU, y.Annotation
		}
	}
	if found >= 0 && best >= r.o.Params.MatchIoU {
		r.used[found] = true
		r.f.kind[d], r.f.ignored[d] = right, false
		return
	}
	r.f.ignored[d] = ignored
}
