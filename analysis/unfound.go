package analysis

import (
	"cmp"
	"slices"
)

// ClassAnnotations is a number of annotations of a class.
type ClassAnnotations struct {
	Class
	Annotations int `json:"annotations"`
}

// Unfound lists the classes of whose annotations none has a detection of at least some score, those with most annotations
// first. TIDE does not show what a class costs of which nothing is found at any score: without the annotations that are
// missed it has none, and its AP stays 0.
func (a *Analysis) Unfound(score float64) []ClassAnnotations {
	found := make([]bool, len(a.counted))
	for g := range a.o.Annotations {
		if x := &a.o.Annotations[g]; !x.Ignored && a.matchedAt(g, score) {
			found[x.Category] = true
		}
	}
	list := []ClassAnnotations{}
	for k, n := range a.counted {
		if n > 0 && !found[k] {
			list = append(list, ClassAnnotations{a.class(k), n})
		}
	}
	slices.SortStableFunc(list, func(x, y ClassAnnotations) int { return cmp.Compare(y.Annotations, x.Annotations) })
	return list
}
