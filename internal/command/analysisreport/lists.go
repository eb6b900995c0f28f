package analysisreport

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/analysis"
)

// mostRows is how many rows of a list the page has at most, of each kind.
const mostRows = 100

// A Flip is what one of two models finds, or makes wrong, and the other does not.
type Flip struct {
	analysis.Place
	What       string
	Annotation any
	Score      float64
	model      int // whose detection it is
	detection  int // in its outcomes
	truth      int // in the outcomes, or -1
}

// flips lists the changes from A to B: what B misses, what it finds, what it makes wrong.
func (r *Report) flips() (list []Flip, more int) {
	if r.Comparison == nil || r.Comparison.Flips == nil {
		return nil, 0
	}
	f := r.Comparison.Flips
	found := func(l []analysis.Found, what string, model int) {
		for _, x := range l[:min(len(l), mostRows)] {
			list = append(list, Flip{x.Place, what, x.Annotation, x.Score, model, x.Detection, x.Index})
		}
		more += max(0, len(l)-mostRows)
	}
	found(f.FoundByA, "found by A, missed by B", 0)
	found(f.FoundByB, "found by B, missed by A", 1)
	for _, x := range f.Wrong[:min(len(f.Wrong), mostRows)] {
		list = append(list, Flip{x.Place, "wrong, of B alone", nil, x.Score, 1, x.Detection, -1})
	}
	return list, more + max(0, len(f.Wrong)-mostRows)
}

// ShownFlips are the first ones of each kind.
func (v *view) ShownFlips() []Flip { list, _ := v.flips(); return list }

// MoreFlips is the number of the others.
func (v *view) MoreFlips() int { _, more := v.flips(); return more }

// ShownSuspects are the most suspicious ones.
func (v *view) ShownSuspects() []analysis.Suspect {
	return v.Suspects[:min(len(v.Suspects), 2*mostRows)]
}

// MoreSuspects is the number of the others.
func (v *view) MoreSuspects() int { return len(v.Suspects) - len(v.ShownSuspects()) }

var suspectMeans = map[analysis.SuspectKind]string{
	analysis.Missing: "a sure detection where nothing is annotated", analysis.WrongClass: "a sure detection of another class in the same place",
	analysis.LooseBox: "a very sure detection that fits it badly", analysis.Ghost: "no detection of any class is there",
	analysis.Double: "annotated twice", analysis.Outside: "leaves the image", analysis.Empty: "a box or an area of nothing",
}

// SuspectMeans says what makes an annotation suspect.
func (v *view) SuspectMeans(k analysis.SuspectKind) string { return suspectMeans[k] }

// SuspectName is the kind of a suspect, and the class that it is annotated as where another is suspected.
func (v *view) SuspectName(s analysis.Suspect) string {
	name := strings.ReplaceAll(string(s.Kind), "_", " ")
	if s.Labelled != nil {
		name += ": annotated as " + v.class(s.Labelled.Index)
	}
	return name
}

var quantities = map[string]string{"area": "area", "aspect_ratio": "width over height", "relative_area": "share of the image"}

// Quantity is what slices of objects differ in.
func (v *view) Quantity(name string) string { return quantities[name] }

// Three is a number of an evaluation.
func (v *view) Three(x float64) string { return three(x) }

// Score3 is a threshold, if there is one.
func (v *view) Score3(x *float64) string {
	if x == nil {
		return "none"
	}
	return fmt.Sprintf("%.3f", *x)
}

// Percent is a share.
func (v *view) Percent(x float64) string { return fmt.Sprintf("%g %%", 100*x) }

// NameOf is the file of a model.
func (v *view) NameOf(i int) string { return filepath.Base(v.Models[i].Results) }

// Box is a box in whole pixels.
func (v *view) Box(b [4]float64) string {
	return fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", b[0], b[1], b[2], b[3])
}
