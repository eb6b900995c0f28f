package analysisreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/analysis"
)

// byCost sorts a list by falling cost.
func byCost[T any](list []T, cost func(T) float64) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(cost(b), cost(a)) })
}

// A Confused is a pair of classes of which one is taken for the other.
type Confused struct {
	Truth, Detected string
	Count           int
}

// Confusions lists the pairs of classes that are taken for one another, most first.
func (m *Model) Confusions() (list []Confused) {
	if m.Confusion == nil {
		return nil
	}
	for _, c := range m.Confusion.Cells {
		if c.TruthIndex >= 0 && c.DetectedIndex >= 0 && c.TruthIndex != c.DetectedIndex {
			list = append(list, Confused{m.class(c.TruthIndex), m.class(c.DetectedIndex), c.Count})
		}
	}
	byCost(list, func(c Confused) float64 { return float64(c.Count) })
	return list
}

func (m *Model) class(k int) string {
	c := &m.Outcomes.Categories[k]
	return className(c.Name, m.Outcomes.Dataset.CategoryName(c.ID))
}

// Advice says in sentences what to fix first: what costs most comes first.
func (m *Model) Advice() (list []string) {
	if m.Annotations == 0 || m.Outcomes == nil {
		return m.unseen(nil)
	}
	list = m.costs()
	if c := m.Confusions(); len(c) > 0 {
		s := fmt.Sprintf("The most frequent confusion: %d of %s are taken for %s", c[0].Count, c[0].Truth, c[0].Detected)
		if len(c) > 1 {
			s += fmt.Sprintf(", then %d of %s for %s", c[1].Count, c[1].Truth, c[1].Detected)
		}
		list = append(list, s+".")
	}
	list = m.images(list)
	if c := m.Calibration; c != nil && c.Detections > 0 && c.ECE > 0.1 {
		list = append(list, fmt.Sprintf("Scores are no probabilities: on average they are %.2f away from the share of right detections (ECE).", c.ECE))
	}
	return m.unseen(list)
}

// costs says what costs most of AP: the two types of errors, and classes of which nothing is found, each of which has its
// share of the mean.
func (m *Model) costs() (list []string) {
	type cost struct {
		of   float64
		text string
	}
	var costs []cost
	if len(m.Unfound) > 0 {
		costs = append(costs, cost{1, m.nothingOf()})
	}
	if m.TIDE != nil {
		errors := slices.Clone(m.TIDE.Errors[:])
		byCost(errors, func(e analysis.ErrorEffect) float64 { return e.DeltaAP })
		for _, e := range errors[:2] {
			if e.DeltaAP > 0 {
				costs = append(costs, cost{e.DeltaAP, m.sentence(e)})
			}
		}
		if len(m.Unfound) > 0 {
			costs[0].of = float64(len(m.Unfound)) / float64(m.TIDE.Classes)
		}
	}
	byCost(costs, func(c cost) float64 { return c.of })
	for _, c := range costs {
		list = append(list, c.text)
	}
	return list
}

// nothingOf names the classes of which no annotation is found.
func (m *Model) nothingOf() string {
	first := m.Unfound[0]
	switch name := m.class(first.Index); {
	case len(m.Unfound) == 1 && first.Annotations == 1:
		return fmt.Sprintf("At scores from %.4g the model does not find the only annotation of %s.", m.Score, name)
	case len(m.Unfound) == 1:
		return fmt.Sprintf("At scores from %.4g the model finds none of the %d annotations of %s.", m.Score, first.Annotations, name)
	}
	var names []string
	for _, u := range m.Unfound {
		names = append(names, fmt.Sprintf("%s (%d)", m.class(u.Index), u.Annotations))
	}
	return fmt.Sprintf("At scores from %.4g the model finds none of the annotations of %d classes: %s", m.Score, len(names), some(names))
}

// some ends a sentence with a list of names, of which the first three stand for many.
func some(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + ", …"
	}
	return strings.Join(names, ", ") + "."
}

// sentence says what a type of error costs, and in which class it is most frequent.
func (m *Model) sentence(e analysis.ErrorEffect) string {
	words := map[string]string{
		"Cls": "detections of the wrong class", "Loc": "detections that are not placed well enough", "Both": "detections of the wrong class that are not placed well enough either",
		"Dupe": "second detections of the same object", "Bkg": "detections of nothing", "Miss": "objects that are not found",
	}
	s := fmt.Sprintf("%d %s (%s) cost %.3f of AP at an IoU of %g", e.Count, words[e.Type], e.Type, e.DeltaAP, m.TIDE.IoU)
	worst, name := 0, ""
	for _, k := range m.TIDE.PerClass {
		for _, x := range k.Errors {
			if x.Type == e.Type && x.Count > worst {
				worst, name = x.Count, m.class(k.Index)
			}
		}
	}
	if len(m.TIDE.PerClass) > 1 && 4*worst >= e.Count {
		s += fmt.Sprintf("; %d of them are of %s", worst, name)
	}
	return s + "."
}

// images says how much the worst images have of all mistakes.
func (m *Model) images(list []string) []string {
	all, some, n := 0, 0, min(10, (len(m.PerImage)+9)/10)
	for i, x := range m.PerImage {
		all += x.FP + x.FN
		if i < n {
			some += x.FP + x.FN
		}
	}
	if all == 0 || n == 0 {
		return list
	}
	return append(list, fmt.Sprintf("The worst %s %s %.0f %% of all mistakes; the first is %s.", counted(n, "image"), plural(n, "has", "have"), 100*float64(some)/float64(all), imageName(&m.PerImage[0])))
}

// unseen tells detections that AP does not see.
func (m *Model) unseen(list []string) []string {
	if m.Thresholds == nil || len(m.Thresholds.Unannotated) == 0 {
		return list
	}
	n := 0
	var names []string
	for _, u := range m.Thresholds.Unannotated {
		n += u.Detections
		names = append(names, m.class(u.Index))
	}
	return append(list, fmt.Sprintf("AP does not see %s of classes without an annotation: %s", counted(n, "detection"), some(names)))
}

func imageName(c *analysis.ImageCounts) string {
	if c.File != "" {
		return c.File
	}
	return fmt.Sprint("image ", c.ID)
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// counted is "1 image", "2 images".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
