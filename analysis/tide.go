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

// errorsFound is what the rules of TIDE make of detections.
type errorsFound struct {
	kind    []int8  // per detection: its ErrorType, or right, none, unseen
	ignored []bool  // per detection: does not count
	claims  []int32 // per detection: the annotation that repairing it would find, or -1
	usable  []bool  // per annotation: somebody claims it
}

// Values of errorsFound.kind beside error types.
const (
	right  = -1 - iota
	none   // does not count and has no type
	unseen // is not looked at
)

func newErrorsFound(o *cocoeval.Outcomes) *errorsFound {
	nd := len(o.Detections)
	f := &errorsFound{kind: make([]int8, nd), ignored: make([]bool, nd), claims: make([]int32, nd), usable: make([]bool, len(o.Annotations))}
	for i := range f.claims {
		f.kind[i], f.ignored[i], f.claims[i] = none, true, -1
	}
	return f
}

// classify finds the type of a wrong detection by what it overlaps of the annotations that count. used tells whether an
// annotation has a detection. Detections must come by descending score, at least in each image.
func (f *errorsFound) classify(o *cocoeval.Outcomes, d int32, iou float64, counts, used func(g int32) bool) {
	same, other := cocoeval.Overlap{Annotation: -1}, cocoeval.Overlap{Annotation: -1} // the best, the first of equal ones
	duplicate := 0.0
	category := o.Detections[d].Category
	for _, x := range o.Overlaps(int(d)) {
		if !counts(x.Annotation) {
			continue
		}
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
	case max(same.IoU, other.IoU) <= Background:
		f.kind[d] = int8(Bkg)
	default:
		f.kind[d] = int8(Both)
	}
	if claim >= 0 && !used(claim) && !f.usable[claim] { // the first claim is that of the highest score
		f.usable[claim] = true
		f.claims[d] = claim
	}
}

// TIDE finds the errors of the evaluation's own matching, and takes AP as COCO does: classes without annotations do not
// count, and a repair does not change which do. Effects are signed.
func (a *Analysis) TIDE() *TIDE {
	o := a.o
	f := newErrorsFound(o)
	counts := func(g int32) bool { return !o.Annotations[g].Ignored }
	used := func(g int32) bool { return o.Annotations[g].Detection >= 0 }
	order := make([]int32, len(a.ranked))
	for i := range a.ranked {
		d := &a.ranked[i]
		order[i] = d.index
		f.ignored[d.index] = false
		if d.right {
			f.kind[d.index] = right
		} else {
			f.classify(o, d.index, o.Params.MatchIoU, counts, used)
		}
	}
	b := newBalance(a, f)
	b.recalls, b.eps = o.Params.RecallThresholds, math.Nextafter(1, 2)-1
	b.order = b.entries(order)
	b.repaired = b.order
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
	t := &TIDE{Rule: "coco", IoU: o.Params.MatchIoU, Annotations: string(letters)}
	b.fill(t)
	return t
}

// balance takes average precision with and without errors.
type balance struct {
	a        *Analysis
	found    *errorsFound
	order    []entry // detections that count or have a type, by descending score
	repaired []entry // likewise, after a repair: tidecv orders equal scores anew
	recalls  []float64
	eps      float64 // added to the number of detections that precision is over
	// detected says that a class counts which has detections or annotations left, not one which had annotations.
	detected bool

	annotations, missed, unfound []int // per category: that count; those of type Miss; those that are not found
	rankings                     []ranking
}

// entry is a detection as balance looks at it.
type entry struct {
	category int32
	claimed  int32 // category of the annotation that it finds when it is repaired, or -1
	kind     int8
	ignored  bool
}

func newBalance(a *Analysis, f *errorsFound) *balance {
	n := len(a.counted)
	return &balance{
		a: a, found: f,
		annotations: make([]int, n), missed: make([]int, n), unfound: make([]int, n), rankings: make([]ranking, n),
	}
}

// entries lists detections.
func (b *balance) entries(list []int32) []entry {
	out := make([]entry, len(list))
	for i, d := range list {
		e := entry{category: b.a.o.Detections[d].Category, claimed: -1, kind: b.found.kind[d], ignored: b.found.ignored[d]}
		if g := b.found.claims[d]; g >= 0 {
			e.claimed = b.a.o.Annotations[g].Category
		}
		out[i] = e
	}
	return out
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

// nothing is no ErrorType.
const nothing = ErrorTypes

// averages returns the AP of each class where the errors of one type are repaired: a detection that claims an annotation
// becomes right, in its class, and the others vanish. less is what the annotations of each class are fewer by, or nil; wrong
// tells whether other wrong detections are there. in tells which classes count.
func (b *balance) averages(order []entry, repair ErrorType, less []int, wrong bool) (ap []float64, in []bool) {
	for k := range b.rankings {
		b.rankings[k].reset()
	}
	for i := range order {
		switch e := &order[i]; {
		case e.kind == right:
			b.rankings[e.category].add(true)
		case e.kind == int8(repair):
			if e.claimed >= 0 {
				b.rankings[e.claimed].add(true)
			}
		case wrong && !e.ignored:
			b.rankings[e.category].add(false)
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
	base, in := b.averages(b.order, nothing, nil, true)
	t.AP, t.Classes = mean(base, in)
	gain := func(ap []float64, in []bool) float64 {
		if v, n := mean(ap, in); n > 0 && t.Classes > 0 {
			return v - t.AP
		}
		return 0
	}
	t.PerClass = []ClassTIDE{}
	for k := range base {
		if in[k] {
			t.PerClass = append(t.PerClass, ClassTIDE{Class: b.a.class(k), Annotations: b.annotations[k], AP: base[k]})
		}
	}
	counts := b.counts()
	for e := range ErrorTypes {
		less := []int(nil)
		if e == Miss {
			less = b.missed
		}
		ap, now := b.averages(b.repaired, e, less, true)
		total := 0
		for _, n := range counts[e] {
			total += n
		}
		t.Errors[e] = ErrorEffect{e.String(), total, gain(ap, now)}
		for i := range t.PerClass {
			c := &t.PerClass[i]
			c.Errors[e] = ErrorEffect{e.String(), counts[e][c.Index], ap[c.Index] - base[c.Index]}
		}
	}
	ap, _ := b.averages(b.repaired, nothing, nil, false)
	t.FalsePositives = gain(ap, in) // without false positives a class still counts where it did
	t.FalseNegatives = gain(b.averages(b.repaired, nothing, b.unfound, true))
	t.Detections = b.letters()
}

// counts returns the number of errors per type and class.
func (b *balance) counts() (counts [ErrorTypes][]int) {
	for e := range counts {
		counts[e] = make([]int, len(b.annotations))
	}
	copy(counts[Miss], b.missed)
	for i := range b.order {
		if e := &b.order[i]; e.kind >= 0 {
			counts[e.kind][e.category]++
		}
	}
	return counts
}

// letters returns TIDE.Detections.
func (b *balance) letters() string {
	letters := notLookedAt(b.a.o.Results)
	for i, kind := range b.found.kind {
		letter := &letters[b.a.o.Detections[i].Entry]
		switch {
		case kind == right:
			*letter = 'T'
		case kind == none:
			*letter = 'I'
		case kind == unseen:
		case b.found.ignored[i]:
			*letter = errorLetters[kind] | 0x20
		default:
			*letter = errorLetters[kind]
		}
	}
	return string(letters)
}
