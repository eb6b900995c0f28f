package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// SuspectKind is what may be wrong with an annotation.
type SuspectKind string

const (
	Missing    SuspectKind = "missing"     // a sure detection where no annotation is
	WrongClass SuspectKind = "wrong_class" // a sure detection on an annotation of another class
	LooseBox   SuspectKind = "loose_box"   // a very sure detection that fits its annotation badly
	Ghost      SuspectKind = "ghost"       // an annotation where no detection is
	Double     SuspectKind = "double"      // two annotations of one class in the same place
	Outside    SuspectKind = "outside"     // a box that leaves the image
	Empty      SuspectKind = "empty"       // a box or an area of nothing
)

// What suspects are made of. Scores of other models may want other limits, but a list that a person looks through is short
// with any: it is ranked.
const (
	sureScore     = 0.7  // Missing, WrongClass
	verySureScore = 0.9  // LooseBox
	seenScore     = 0.05 // a detection of less is none to Ghost
	classIoU      = 0.8  // WrongClass: at least
	looseIoU      = 0.7  // LooseBox: less
	doubleIoU     = 0.9  // Double: at least
	outsidePixels = 1    // Outside: more
)

// A Suspect is an annotation, or the lack of one, for a person to look at.
type Suspect struct {
	Kind SuspectKind `json:"kind"`
	Place
	Labelled   *Class  `json:"labelled,omitempty"`        // WrongClass: the annotation's class; Class is the detection's
	Annotation any     `json:"annotation_id,omitempty"`   // not of Missing
	Twin       any     `json:"annotation_id_2,omitempty"` // Double
	Score      float64 `json:"score,omitempty"`           // of the detection
	IoU        float64 `json:"iou,omitempty"`             // of the detection, or the twin, with the annotation
	Rank       float64 `json:"rank"`                      // score × IoU, or the score; 1 for what needs no model, 0 for Ghost
	Models     int     `json:"models"`                    // that name it

	Index     int `json:"-"` // in Outcomes.Annotations, or -1
	Detection int `json:"-"` // in Outcomes.Detections, or -1
}

// Suspects lists annotations that may be wrong by one model's detections, the most suspicious first. Ignored annotations and
// detections are not looked at.
//
// An annotation is without detection, for WrongClass, if the detections of at least the score that makes a detection sure
// leave it so: what they do not take may be taken by one that nobody believes.
func (a *Analysis) Suspects() ([]Suspect, error) {
	doubles, err := a.doubles()
	if err != nil {
		return nil, err
	}
	list := slices.Concat(a.fromDetections(), a.ghosts(), doubles, a.broken())
	sortSuspects(list)
	return list, nil
}

// sortSuspects orders by rank; of equal ones by image, kind and place in the files.
func sortSuspects(list []Suspect) {
	slices.SortStableFunc(list, func(x, y Suspect) int {
		return cmp.Or(cmp.Compare(y.Rank, x.Rank), cmp.Compare(x.Image, y.Image), cmp.Compare(x.Kind, y.Kind),
			cmp.Compare(x.Index, y.Index), cmp.Compare(x.Detection, y.Detection))
	})
}

// fromDetections finds what detections say: Missing, WrongClass and LooseBox.
func (a *Analysis) fromDetections() (list []Suspect) {
	o := a.o
	for i := range o.Detections {
		d := &o.Detections[i]
		switch {
		case d.Wrong() && d.Score >= sureScore:
			if len(o.Overlaps(i)) == 0 { // none of at least MinOverlap
				list = append(list, Suspect{
					Kind: Missing, Place: a.place(d.Image, d.Category, d.Box),
					Score: finite(d.Score), Rank: finite(d.Score), Models: 1, Index: -1, Detection: i,
				})
			} else if g, iou := a.otherClass(i); g >= 0 {
				s := a.suspect(WrongClass, g)
				class := a.class(int(o.Annotations[g].Category))
				s.Labelled, s.Class = &class, a.class(int(d.Category))
				s.Score, s.IoU, s.Rank, s.Detection = finite(d.Score), iou, finite(d.Score*iou), i
				list = append(list, s)
			}
		case d.Right() && d.Score >= verySureScore:
			if iou := a.iou(i, int(d.Annotation)); iou < looseIoU {
				s := a.suspect(LooseBox, int(d.Annotation))
				s.Score, s.IoU, s.Rank, s.Detection = finite(d.Score), iou, finite(d.Score*iou), i
				list = append(list, s)
			}
		}
	}
	return list
}

// otherClass finds the annotation of another class, free of sure detections, that detection i fits best.
func (a *Analysis) otherClass(i int) (best int, iou float64) {
	best = -1
	for _, x := range a.o.Overlaps(i) {
		g := &a.o.Annotations[x.Annotation]
		if x.IoU >= classIoU && x.IoU > iou && !g.Ignored && g.Category != a.o.Detections[i].Category && !a.matchedAt(int(x.Annotation), sureScore) {
			best, iou = int(x.Annotation), x.IoU
		}
	}
	return best, iou
}

// suspect begins a suspect that is annotation g.
func (a *Analysis) suspect(kind SuspectKind, g int) Suspect {
	x := &a.o.Annotations[g]
	return Suspect{
		Kind: kind, Place: a.place(x.Image, x.Category, cocoeval.AnnotationBox(a.o.Dataset, int(x.Entry))),
		Annotation: a.annotationID(g), Models: 1, Index: g, Detection: -1,
	}
}

// ghosts finds annotations that no detection of any class overlaps.
func (a *Analysis) ghosts() (list []Suspect) {
	seen := make([]bool, len(a.o.Annotations))
	for i := range a.o.Detections {
		if a.o.Detections[i].Score >= seenScore {
			for _, x := range a.o.Overlaps(i) {
				seen[x.Annotation] = true
			}
		}
	}
	for g := range a.o.Annotations {
		if !seen[g] && !a.o.Annotations[g].Ignored {
			list = append(list, a.suspect(Ghost, g))
		}
	}
	return list
}

// doubles finds pairs of annotations of one class in the same place: an evaluation of the annotations as if they were
// detections.
func (a *Analysis) doubles() ([]Suspect, error) {
	o := a.o
	p := o.Params
	p.Protocol, p.MatchIoU = cocoeval.COCO, 0
	p.Areas, p.IoUThresholds, p.MaxDets = p.Areas[:1], []float64{doubleIoU}, []int{math.MaxInt32}
	var batch []int32 // indices in Outcomes.Annotations of the detections
	var mu sync.Mutex
	type pair struct {
		first, second int32 // in Outcomes.Annotations
		iou           float64
	}
	var pairs []pair                // in no order until all are there
	number := make(map[int32]int32) // of entries of the data set
	p.Observe = func(m *cocoeval.Match) {
		for d, entry := range m.Detections {
			for g, other := range m.Annotations {
				first := batch[entry]
				second, counts := number[other]
				iou := m.IoU[d*len(m.Annotations)+g]
				if !counts || first >= second || !(iou >= doubleIoU) {
					continue
				}
				mu.Lock()
				pairs = append(pairs, pair{first, second, iou})
				mu.Unlock()
			}
		}
	}
	ev, err := cocoeval.New(o.Dataset, p)
	if err != nil {
		return nil, fmt.Errorf("analysis: comparing the annotations with themselves: %w", err)
	}
	results := coco.Results{File: o.Dataset.File}
	add := func() error {
		if len(batch) == 0 {
			return nil
		}
		results.ImageNames, results.CategoryNames = o.Dataset.ImageNames, o.Dataset.CategoryNames
		if err := ev.AddResults(&results); err != nil {
			return fmt.Errorf("analysis: comparing the annotations with themselves: %w", err)
		}
		batch, results = batch[:0], coco.Results{File: o.Dataset.File}
		return nil
	}
	for image := range o.Images {
		from, to := o.AnnotationsOf(image)
		of := map[int32]int{} // annotations that count, per class
		for g := from; g < to; g++ {
			of[o.Annotations[g].Category] += btoi(!o.Annotations[g].Ignored)
		}
		for g := from; g < to; g++ {
			x := &o.Annotations[g]
			if x.Ignored || of[x.Category] < 2 {
				continue
			}
			number[x.Entry] = int32(g)
			e := o.Dataset.Entry(int(x.Entry))
			e.Box, e.Score, e.Has = cocoeval.AnnotationBox(o.Dataset, int(x.Entry)), 1, coco.HasBox|coco.HasScore
			results.Append(&e)
			batch = append(batch, int32(g))
		}
		if len(batch) >= doubleBatch {
			if err := add(); err != nil {
				return nil, err
			}
		}
	}
	if err := add(); err != nil {
		return nil, err
	}
	slices.SortFunc(pairs, func(x, y pair) int { return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(x.second, y.second)) })
	list := make([]Suspect, len(pairs))
	for i, p := range pairs {
		list[i] = a.suspect(Double, int(p.first))
		list[i].Twin, list[i].IoU, list[i].Rank = a.annotationID(int(p.second)), p.iou, p.iou
	}
	return list, nil
}

// doubleBatch is how many annotations have their masks in memory at a time, and a few more.
const doubleBatch = 4096

// broken finds boxes that leave their image, and those of nothing.
func (a *Analysis) broken() (list []Suspect) {
	for g := range a.o.Annotations {
		x := &a.o.Annotations[g]
		d := a.o.Dataset
		b := cocoeval.AnnotationBox(d, int(x.Entry))
		im := &d.Images[a.o.Images[x.Image]]
		kind := SuspectKind("")
		switch {
		case x.Ignored:
		case !(b[2] > 0 && b[3] > 0) || d.Has[x.Entry]&coco.HasArea != 0 && !(d.Area[x.Entry] > 0):
			kind = Empty
		case im.Width == 0 || im.Height == 0: // unknown
		case b[0] < -outsidePixels || b[1] < -outsidePixels ||
			b[0]+b[2] > float64(im.Width+outsidePixels) || b[1]+b[3] > float64(im.Height+outsidePixels):
			kind = Outside
		}
		if kind != "" {
			s := a.suspect(kind, g)
			s.Rank = 1
			list = append(list, s)
		}
	}
	return list
}

// Agree keeps of several models' lists, made on the same data, what at least need of them name: the same kind at the same
// annotation or, where there is none, at a place that overlaps by the IoU given, and with the same class. The rank is the mean
// over the models that name it.
func Agree(lists [][]Suspect, need int, iou float64) []Suspect {
	type spot struct {
		kind         SuspectKind
		image, class int
	}
	at := map[spot][]int{} // indices into found
	var found []Suspect
	var last []int // of each: the list that named it last, so that none does twice
	for m, list := range lists {
		for _, s := range list {
			key := spot{s.Kind, s.Image, s.Class.Index}
			best, bestIoU := -1, math.Inf(-1)
			for _, f := range at[key] {
				same := found[f].Index == s.Index && found[f].Twin == s.Twin
				v := cocoeval.BoxIoU(found[f].Box, s.Box)
				if last[f] < m && same && (s.Index >= 0 || v >= iou) && v > bestIoU {
					best, bestIoU = f, v
				}
			}
			if best < 0 {
				at[key] = append(at[key], len(found))
				found, last = append(found, s), append(last, m)
				continue
			}
			f := &found[best]
			f.Rank += (s.Rank - f.Rank) / float64(f.Models+1)
			f.Models++
			last[best] = m
		}
	}
	found = slices.DeleteFunc(found, func(s Suspect) bool { return s.Models < need })
	sortSuspects(found)
	return found
}
