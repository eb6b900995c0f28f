package analysis

import (
	"cmp"
	"encoding/json"
	"math"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// An Analysis makes tables of outcomes. Its methods may be called from many goroutines.
type Analysis struct {
	o       *cocoeval.Outcomes
	ranked  []ranked // detections that count, in the order of Outcomes.Ranked
	counted []int    // annotations that count, per category
}

// ranked is what most tables need of a detection.
type ranked struct {
	score    float64
	index    int32 // in Outcomes.Detections
	category int32
	right    bool
}

// New begins an analysis of o, which must not change.
func New(o *cocoeval.Outcomes) *Analysis {
	a := &Analysis{o: o, ranked: make([]ranked, 0, len(o.Ranked)), counted: make([]int, len(o.Categories))}
	for _, i := range o.Ranked {
		if d := &o.Detections[i]; !d.Ignored {
			a.ranked = append(a.ranked, ranked{finite(d.Score), i, d.Category, d.Right()})
		}
	}
	for i := range o.Annotations {
		if x := &o.Annotations[i]; !x.Ignored {
			a.counted[x.Category]++
		}
	}
	return a
}

// compareScores orders scores downwards, NaN last.
func compareScores(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	case a == b:
		return 0
	}
	return cmp.Compare(b, a) // NaN is less than any number to cmp
}

// A Class names a category.
type Class struct {
	Index int    `json:"-"`  // in Outcomes.Categories
	ID    any    `json:"id"` // as the file has it: a number or a string
	Name  string `json:"name"`
}

// class returns the name of category k.
func (a *Analysis) class(k int) Class { return newClass(k, &a.o.Categories[k]) }

func newClass(k int, c *coco.Category) Class {
	if c.IDName != nil {
		return Class{k, id(*c.IDName), c.Name}
	}
	return Class{k, c.ID, c.Name}
}

// id returns an id as JSON has it.
func id(n coco.Name) any {
	switch n.Kind {
	case coco.NumberName:
		return json.Number(n.Text)
	case coco.StringName:
		return n.Text
	}
	return nil
}

// least is the least IoU that matches.
func (a *Analysis) least() float64 { return min(a.o.Params.MatchIoU, 1-1e-10) }

// matchedAt reports whether annotation g is given to a detection that counts and has at least some score.
func (a *Analysis) matchedAt(g int, score float64) bool {
	d := a.o.Annotations[g].Detection
	return d >= 0 && a.o.Detections[d].Score >= score
}

// ratio is n/of, and 0 for 0/0.
func ratio(n, of float64) float64 {
	if of == 0 {
		return 0
	}
	return n / of
}

// finite is a score as JSON can hold it.
func finite(score float64) float64 {
	if math.IsNaN(score) {
		return 0
	}
	return max(-math.MaxFloat64, min(score, math.MaxFloat64))
}
