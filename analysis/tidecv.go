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
	for i := range a.o.Images { // images do not touch one another, so any order will do
		r.image(i)
	}
	t := &TIDE{Rule: "tidecv", IoU: a.o.Params.MatchIoU}
	b := newBalance(a, r.f)
	b.detected = true
	for i := range 101 {
		b.recalls = append(b.recalls, float64(i)/100)
	}
	b.order, b.repaired = b.entries(r.order(r.filed)), b.entries(r.order(r.errorsFirst))
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
	list []int32
}

// image matches the detections of an image and finds the types of the others.
func (r *tidecv) image(image int) {
	from, to := r.o.DetectionsOf(image)
	list := r.list[:0]
	for d := from; d < to; d++ {
		r.f.kind[d] = unseen
		list = append(list, int32(d))
	}
	slices.SortStableFunc(list, func(i, j int32) int { return compareScores(r.o.Detections[i].Score, r.o.Detections[j].Score) })
	r.list = list
	list = list[:min(len(list), r.most)]
	for _, d := range list {
		r.match(d)
	}
	counts := func(g int32) bool { return !r.o.Annotations[g].Crowd }
	used := func(g int32) bool { return r.used[g] }
	for _, d := range list {
		if r.f.kind[d] == right {
			continue
		}
		r.f.classify(r.o, d, r.o.Params.MatchIoU, counts, used)
	}
}

// order lists the detections that were looked at by descending score, those of equal scores by before.
func (r *tidecv) order(before func(i, j int32) int) []int32 {
	list := make([]int32, 0, len(r.o.Ranked))
	for _, d := range r.o.Ranked {
		if r.f.kind[d] != unseen {
			list = append(list, d)
		}
	}
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && r.o.Detections[list[to]].Score == r.o.Detections[list[from]].Score {
			to++
		}
		if to-from > 1 {
			slices.SortFunc(list[from:to], before)
		}
		from = to
	}
	return list
}

// filed orders detections by the places of their images in the file, then by their own.
func (r *tidecv) filed(i, j int32) int {
	image := func(d int32) int32 { return r.o.Images[r.o.Detections[d].Image] }
	return cmp.Or(cmp.Compare(image(i), image(j)), cmp.Compare(i, j))
}

// errorsFirst is filed after the errors.
func (r *tidecv) errorsFirst(i, j int32) int {
	last := func(d int32) int {
		if r.f.kind[d] == right {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(last(i), last(j)), r.filed(i, j))
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
