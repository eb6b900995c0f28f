package analysis

import (
	"cmp"
	"slices"
	"sort"
)

// Thresholds says what comes of keeping the detections of at least some score.
type Thresholds struct {
	Beta        float64 `json:"beta"`
	Annotations int     `json:"annotations"` // that count
	Detections  int     `json:"detections"`  // that count
	Ignored     int     `json:"ignored"`     // detections that do not

	Micro       *Operating       `json:"micro_best"`   // the best F of all classes pooled; null without detections
	Macro       *MacroOperating  `json:"macro_best"`   // the best mean F of classes with annotations; null without
	Precision90 *Operating       `json:"precision_90"` // the lowest threshold of at least that precision, all classes pooled; null where there is none
	FROC        []FROCPoint      `json:"froc"`
	PerClass    []ClassThreshold `json:"per_class"`
	// Classes without annotations and with detections, all of which are wrong. Average precision does not see them.
	Unannotated []ClassDetections `json:"unannotated"`

	curve curve
}

// Operating is what a threshold gives.
type Operating struct {
	Threshold float64 `json:"threshold"`
	TP        int     `json:"tp"`
	FP        int     `json:"fp"`
	FN        int     `json:"fn"`
	Precision float64 `json:"precision"` // 0 without detections
	Recall    float64 `json:"recall"`    // 0 without annotations
	F         float64 `json:"f"`
}

// MacroOperating is what one threshold for all classes gives on average.
type MacroOperating struct {
	Threshold float64 `json:"threshold"`
	Classes   int     `json:"classes"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F         float64 `json:"f"`
}

// FROCPoint is the highest recall at no more than some false positives per image, of all classes pooled and all images,
// those without annotations and detections too.
type FROCPoint struct {
	FalsePositives float64  `json:"false_positives_per_image"`
	Recall         float64  `json:"recall"`
	Threshold      *float64 `json:"threshold"` // the lowest; null where even the highest score gives more
}

// ClassThreshold is the part of a class.
type ClassThreshold struct {
	Class
	Annotations int        `json:"annotations"`
	Detections  int        `json:"detections"`
	Best        *Operating `json:"best"`         // null without annotations or without detections
	Precision90 *Operating `json:"precision_90"` // likewise, and where there is none
}

// ClassDetections is a number of detections of a class.
type ClassDetections struct {
	Class
	Detections int `json:"detections"`
}

// curve counts detections by descending score. Those of one score are one step: a threshold keeps all of them or none.
type curve struct {
	beta        float64
	annotations int
	steps       []step
}

// step is the number of detections of at least a score, and of right ones among them.
type step struct {
	score    float64
	n, right int32
}

// add appends a detection, whose score is not above that of the last.
func (c *curve) add(score float64, right bool) {
	if n := len(c.steps); n == 0 || c.steps[n-1].score != score {
		s := step{score: score}
		if n > 0 {
			s.n, s.right = c.steps[n-1].n, c.steps[n-1].right
		}
		c.steps = append(c.steps, s)
	}
	s := &c.steps[len(c.steps)-1]
	s.n++
	if right {
		s.right++
	}
}

// f is the F score of n detections of which some are right.
func (c *curve) f(s *step) float64 {
	b := float64(c.beta * c.beta)
	return ratio((1+b)*float64(s.right), float64(b*float64(c.annotations))+float64(s.n))
}

// operating describes a step.
func (c *curve) operating(s step) *Operating {
	return &Operating{
		Threshold: finite(s.score), TP: int(s.right), FP: int(s.n - s.right), FN: c.annotations - int(s.right),
		Precision: ratio(float64(s.right), float64(s.n)), Recall: ratio(float64(s.right), float64(c.annotations)), F: c.f(&s),
	}
}

// best returns the step of the highest F, of equal ones the lowest threshold; nil without detections.
func (c *curve) best() *Operating {
	at, most := -1, 0.0
	for i := range c.steps {
		if f := c.f(&c.steps[i]); at < 0 || f >= most {
			at, most = i, f
		}
	}
	if at < 0 {
		return nil
	}
	return c.operating(c.steps[at])
}

// precise returns the lowest threshold of at least some precision.
func (c *curve) precise(least float64) *Operating {
	for i := len(c.steps) - 1; i >= 0; i-- {
		if s := c.steps[i]; float64(s.right) >= least*float64(s.n) {
			return c.operating(s)
		}
	}
	return nil
}

// at returns the step of a threshold.
func (c *curve) at(score float64) step {
	n := sort.Search(len(c.steps), func(i int) bool { return !(c.steps[i].score >= score) })
	s := step{score: score}
	if n > 0 {
		s.n, s.right = c.steps[n-1].n, c.steps[n-1].right
	}
	return s
}

// At returns what a threshold gives, all classes pooled.
func (t *Thresholds) At(score float64) *Operating { return t.curve.operating(t.curve.at(score)) }

// Score returns the threshold of the best F1 of all classes pooled, the score at which the other tables are made unless one
// is given; 0.5 without detections.
func (a *Analysis) Score() float64 {
	all, _ := a.curves(1, false)
	if best := all.best(); best != nil {
		return best.Threshold
	}
	return 0.5
}

// curves counts the detections that count, of all classes and of each.
func (a *Analysis) curves(beta float64, each bool) (all curve, classes []curve) {
	all.beta = beta
	if each {
		classes = make([]curve, len(a.counted))
	}
	for k, n := range a.counted {
		all.annotations += n
		if each {
			classes[k] = curve{beta: beta, annotations: n}
		}
	}
	all.steps = make([]step, 0, len(a.ranked))
	for i := range a.ranked {
		d := &a.ranked[i]
		all.add(d.score, d.right)
		if each {
			classes[d.category].add(d.score, d.right)
		}
	}
	return all, classes
}

// Thresholds looks for the best threshold by the F score of some beta: 1 weighs precision and recall alike, 2 recall more.
func (a *Analysis) Thresholds(beta float64) *Thresholds {
	all, classes := a.curves(beta, true)
	t := &Thresholds{
		Beta: beta, Annotations: all.annotations, curve: all,
		Micro: all.best(), Macro: a.macro(classes), Precision90: all.precise(0.9),
		PerClass: []ClassThreshold{}, Unannotated: []ClassDetections{},
	}
	if n := len(all.steps); n > 0 {
		t.Detections = int(all.steps[n-1].n)
	}
	t.Ignored = len(a.o.Detections) - t.Detections
	for k := range classes {
		c := &classes[k]
		x := ClassThreshold{Class: a.class(k), Annotations: c.annotations}
		if n := len(c.steps); n > 0 {
			x.Detections = int(c.steps[n-1].n)
		}
		switch {
		case c.annotations > 0:
			x.Best, x.Precision90 = c.best(), c.precise(0.9)
		case x.Detections == 0:
			continue
		default:
			t.Unannotated = append(t.Unannotated, ClassDetections{x.Class, x.Detections})
		}
		t.PerClass = append(t.PerClass, x)
	}
	slices.SortStableFunc(t.Unannotated, func(x, y ClassDetections) int { return cmp.Compare(y.Detections, x.Detections) })
	for _, fp := range []float64{1. / 8, 1. / 4, 1. / 2, 1, 2, 4, 8} {
		t.FROC = append(t.FROC, all.froc(fp, len(a.o.Images)))
	}
	return t
}

// froc finds the recall at no more than some false positives per image.
func (c *curve) froc(fp float64, images int) FROCPoint {
	p := FROCPoint{FalsePositives: fp}
	n := sort.Search(len(c.steps), func(i int) bool { return float64(c.steps[i].n-c.steps[i].right) > fp*float64(images) })
	if n > 0 {
		s := c.steps[n-1]
		p.Recall, p.Threshold = ratio(float64(s.right), float64(c.annotations)), &s.score
	}
	return p
}

// macro returns the threshold of the highest mean F of the classes with annotations, of equal ones the lowest. The sum of F
// is kept from threshold to threshold; sums that differ by no more than their rounding errors are equal.
func (a *Analysis) macro(classes []curve) *MacroOperating {
	const equal = 1e-9
	n := 0
	for _, of := range a.counted {
		if of > 0 {
			n++
		}
	}
	counts, f := make([]step, len(classes)), make([]float64, len(classes))
	sum, most := 0.0, 0.0
	var m *MacroOperating
	for i := range a.ranked {
		d := &a.ranked[i]
		if c := &classes[d.category]; c.annotations > 0 {
			s := &counts[d.category]
			s.n++
			if d.right {
				s.right++
			}
			now := c.f(s)
			sum += now - f[d.category]
			f[d.category] = now
		}
		if i+1 < len(a.ranked) && a.ranked[i+1].score == d.score || sum < most-equal || n == 0 {
			continue
		}
		m, most = &MacroOperating{Threshold: d.score, Classes: n}, max(most, sum)
	}
	if m == nil {
		return nil
	}
	for k := range classes {
		if c := &classes[k]; c.annotations > 0 {
			o := c.operating(c.at(m.Threshold))
			m.Precision += o.Precision / float64(n)
			m.Recall += o.Recall / float64(n)
			m.F += o.F / float64(n)
		}
	}
	return m
}
