package analysis

import (
	"math"

	"github.com/spinemask/spinemask/cocoeval"
)

// Background is the IoU up to which a detection is on background to TIDE.
const Background = cocoeval.MinOverlap

// An ErrorType is one of TIDE's types of errors (Bolya et al. 2020, section 2.3).
type ErrorType uint8

const (
	Cls  ErrorType = iota // on an object of another class
	Loc                   // on an object of its class, but not well enough
	Both                  // neither class nor place are right
	Dupe                  // on an object that a better detection has
	Bkg                   // on background
	Miss                  // an annotation that no detection found, not even with the wrong class or place
	ErrorTypes
)

var errorNames = [...]string{"Cls", "Loc", "Both", "Dupe", "Bkg", "Miss"}

func (t ErrorType) String() string { return errorNames[t] }

// errorLetters are those of TIDE.Detections.
const errorLetters = "CLODBM"

// TIDE says how much average precision each type of error costs.
type TIDE struct {
	Rule    string  `json:"rule"` // coco or tidecv
	IoU     float64 `json:"iou"`
	AP      float64 `json:"ap"`      // at IoU, 0…1; -1 without classes
	Classes int     `json:"classes"` // that AP is the mean of

	Errors         [ErrorTypes]ErrorEffect `json:"errors"` // indexed by ErrorType
	FalsePositives float64                 `json:"false_positives_delta_ap"`
	FalseNegatives float64                 `json:"false_negatives_delta_ap"`
	PerClass       []ClassTIDE             `json:"per_class"`

	// A letter for each of the results: T right; C, L, O, D, B an error of type Cls, Loc, Both, Dupe, Bkg, in lower case for
	// detections that do not count; I does not count and has no type; . not looked at.
	Detections string `json:"detections"`
	// A letter for each of the annotations: T found, u found but for a Cls or Loc error, M missed, X crowd, . not looked at.
	Annotations string `json:"annotations"`
}

// ErrorEffect is what a type of error amounts to.
type ErrorEffect struct {
	Type    string  `json:"type"`
	Count   int     `json:"count"`
	DeltaAP float64 `json:"delta_ap"` // what AP would gain if these errors were repaired; they do not add up
}

// ClassTIDE is the part of a class.
type ClassTIDE struct {
	Class
	Annotations int                     `json:"annotations"`
	AP          float64                 `json:"ap"`
	Errors      [ErrorTypes]ErrorEffect `json:"errors"` // counts of Cls by the detected class
}

// errorsFound is what the rules of TIDE make of an image's or all detections.
type errorsFound struct {
	kind    []int8  // per detection: its ErrorType, or right, none
	ignored []bool  // per detection: does not count
	claims  []int32 // per detection: the annotation that repairing it would find, or -1
	usable  []bool  // per annotation: somebody claims it
}

// Values of errorsFound.kind beside error types.
const (
	right = -1 - iota
	none
)

func newErrorsFound(o *cocoeval.Outcomes) *errorsFound {
	nd := len(o.Detections)
	f := &errorsFound{kind: make([]int8, nd), ignored: make([]bool, nd), claims: make([]int32, nd), usable: make([]bool, len(o.Annotations))}
	for i := range f.claims {
		f.claims[i] = -1
	}
	return f
}

// classify finds the type of a wrong detection by what it overlaps of the annotations that count. used tells whether an
// annotation has a detection.
func (f *errorsFound) classify(o *cocoeval.Outcomes, d int, iou float64, counts, used func(g int32) bool) {
	same, other := cocoeval.Overlap{Annotation: -1}, cocoeval.Overlap{Annotation: -1}
	duplicate, best := 0.0, 0.0
	category := o.Detections[d].Category
	for _, x := range o.Overlaps(d) {
		if !counts(x.Annotation) {
			continue
		}
		best = max(best, x.IoU)
		if o.Annotations[x.Annotation].Category != category {
			if x.IoU > other.IoU {
				other = x
			}
			continue
		}
		if x.IoU > same.IoU {
			same = x
		}
		if used(x.Annotation) {
			duplicate = max(duplicate, x.IoU)
		}
	}
	claim := int32(-1)
	switch {
	case Background <= same.IoU && same.IoU <= iou:
		f.kind[d], claim = int8(Loc), same.Annotation
	case other.IoU >= iou:
		f.kind[d], claim = int8(Cls), other.Annotation
	case duplicate >= iou:
		f.kind[d] = int8(Dupe)
	case best <= Background:
		f.kind[d] = int8(Bkg)
	default:
		f.kind[d] = int8(Both)
	}
	if claim >= 0 && !used(claim) && !f.usable[claim] { // detections come by descending score: the first claim is the best
		f.usable[claim] = true
		f.claims[d] = claim
	}
}

// TIDE finds the errors of the evaluation's own matching, and takes AP as COCO does: classes without annotations do not count,
// those of which all annotations were repaired do. Effects are signed.
func (a *Analysis) TIDE() *TIDE {
	o := a.o
	f := newErrorsFound(o)
	counts := func(g int32) bool { return !o.Annotations[g].Ignored }
	used := func(g int32) bool { return o.Annotations[g].Detection >= 0 }
	for _, i := range a.ranked {
		switch d := &o.Detections[i]; {
		case d.Ignored:
			f.kind[i], f.ignored[i] = none, true
		case d.Right():
			f.kind[i] = right
		default:
			f.classify(o, int(i), o.Params.MatchIoU, counts, used)
		}
	}
	t := &TIDE{Rule: "coco", IoU: o.Params.MatchIoU}
	b := &balance{a: a, found: f, order: a.ranked, repaired: a.ranked, recalls: o.Params.RecallThresholds, eps: math.Nextafter(1, 2) - 1}
	b.annotations, b.missed, b.unfound = make([]int, len(a.counted)), make([]int, len(a.counted)), make([]int, len(a.counted))
	letters := notLookedAt(o.Dataset.Len())
	for g := range o.Annotations {
		switch x := &o.Annotations[g]; {
		case x.Crowd:
			letters[x.Entry] = 'X'
		case x.Ignored:
		default:
			b.annotation(x, x.Detection >= 0, f.usable[g], letters)
		}
	}
	t.Annotations = string(letters)
	b.fill(t)
	return t
}

// balance takes average precision with and without errors.
type balance struct {
	a        *Analysis
	found    *errorsFound
	order    []int32 // detections by descending score
	repaired []int32 // likewise, after a repair: the original orders equal scores anew
	recalls  []float64
	eps      float64
	// detected says that a class counts which has detections or annotations left, not one which had annotations.
	detected bool

	annotations, missed, unfound []int // per category: that count; those of type Miss; those that are not found
	rankings                     []ranking
}

// annotation counts an annotation and writes its letter.
func (b *balance) annotation(x *cocoeval.AnnotationOutcome, found, usable bool, letters []byte) {
	b.annotations[x.Category]++
	letter := byte('T')
	if !found {
		b.unfound[x.Category]++
		if letter = 'u'; !usable {
			letter = 'M'
			b.missed[x.Category]++
		}
	}
	letters[x.Entry] = letter
}

// averages returns the AP of each class after keep, which says of each detection its class, whether it is right and whether
// it is there at all. less is what the annotations of each class are fewer by. in tells which classes count.
func (b *balance) averages(order []int32, less []int, keep func(i int32) (class int32, right, there bool)) (ap []float64, in []bool) {
	if b.rankings == nil {
		b.rankings = make([]ranking, len(b.annotations))
	}
	for k := range b.rankings {
		b.rankings[k].reset()
	}
	for _, i := range order {
		if k, right, there := keep(i); there {
			b.rankings[k].add(right)
		}
	}
	ap, in = make([]float64, len(b.rankings)), make([]bool, len(b.rankings))
	for k := range b.rankings {
		r := &b.rankings[k]
		n := b.annotations[k]
		in[k] = n > 0
		if less != nil {
			n -= less[k]
		}
		if b.detected {
			in[k] = n > 0 || r.wrong > 0 || len(r.right) > 0
		}
		ap[k] = r.average(n, b.recalls, b.eps)
	}
	return ap, in
}

// mean returns the mean over the classes that count, and their number.
func mean(ap []float64, in []bool) (float64, int) {
	sum, n := 0.0, 0
	for k, v := range ap {
		if in[k] {
			sum += v
			n++
		}
	}
	if n == 0 {
		return -1, 0
	}
	return sum / float64(n), n
}

// fill computes everything but the letters of annotations.
func (b *balance) fill(t *TIDE) {
	dets, kind := b.a.o.Detections, b.found.kind
	plain := func(i int32) (int32, bool, bool) { return dets[i].Category, kind[i] == right, !b.found.ignored[i] }
	base, in := b.averages(b.order, nil, plain)
	t.AP, t.Classes = mean(base, in)
	gain := func(ap []float64, in []bool) float64 {
		if v, n := mean(ap, in); n > 0 && t.Classes > 0 {
			return v - t.AP
		}
		return 0
	}
	counts := b.counts()
	at := map[int]int{} // place of a class in PerClass
	t.PerClass = []ClassTIDE{}
	for k := range base {
		if in[k] {
			at[k] = len(t.PerClass)
			t.PerClass = append(t.PerClass, ClassTIDE{Class: b.a.class(k), Annotations: b.annotations[k], AP: base[k]})
		}
	}
	for e := range ErrorTypes {
		less := []int(nil)
		keep := func(i int32) (int32, bool, bool) {
			if kind[i] != int8(e) {
				return plain(i)
			}
			g := b.found.claims[i]
			if g < 0 {
				return 0, false, false
			}
			return b.a.o.Annotations[g].Category, true, true
		}
		if e == Miss {
			less, keep = b.missed, plain
		}
		ap, now := b.averages(b.repaired, less, keep)
		total := 0
		for k := range ap {
			total += counts[e][k]
			if i, ok := at[k]; ok {
				t.PerClass[i].Errors[e] = ErrorEffect{e.String(), counts[e][k], ap[k] - base[k]}
			}
		}
		t.Errors[e] = ErrorEffect{e.String(), total, gain(ap, now)}
	}
	// Without false positives; classes that have nothing else still count where they did.
	ap, _ := b.averages(b.repaired, nil, func(i int32) (int32, bool, bool) { return dets[i].Category, true, kind[i] == right })
	t.FalsePositives = gain(ap, in)
	t.FalseNegatives = gain(b.averages(b.repaired, b.unfound, plain))
	t.Detections = b.letters()
}

// counts returns the number of errors per type and class.
func (b *balance) counts() (counts [ErrorTypes][]int) {
	for e := range counts {
		counts[e] = make([]int, len(b.annotations))
	}
	copy(counts[Miss], b.missed)
	for i := range b.found.kind {
		if e := b.found.kind[i]; e >= 0 {
			counts[e][b.a.o.Detections[i].Category]++
		}
	}
	return counts
}

// letters returns TIDE.Detections.
func (b *balance) letters() string {
	letters := notLookedAt(b.a.o.Results)
	for _, i := range b.order {
		d := &b.a.o.Detections[i]
		switch e := b.found.kind[i]; {
		case e == right:
			letters[d.Entry] = 'T'
		case e == none:
			letters[d.Entry] = 'I'
		case b.found.ignored[i]:
			letters[d.Entry] = errorLetters[e] | 0x20
		default:
			letters[d.Entry] = errorLetters[e]
		}
	}
	return string(letters)
}
