// Package analysisreport holds what an error analysis found, as JSON, and writes the page about it: what to fix first, curves,
// tables that count again when the score is moved, and pictures.
package analysisreport

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/core/page"
)

//go:embed report.html
var text string

var pageTemplate = page.New("analysis", text)

// A Report is the analysis of one model, or of several on the same data set. Parts that were not asked for are nil.
type Report struct {
	Command  string   `json:"command"`          // that makes the report again, without its output
	Unscored string   `json:"-"`                // the same without the score that was asked for; "": none was
	Whole    string   `json:"-"`                // why Command makes no part alone; "": it does
	Before   string   `json:"before,omitempty"` // the command that makes the results; "" if they were there
	Truth    string   `json:"truth"`            // file of the data set
	IoU      string   `json:"iou"`              // bbox, segm or boundary
	MatchIoU float64  `json:"match_iou"`
	Models   []*Model `json:"models"`
	// Comparison is that of the second model, B, with the first one, A.
	Comparison *Comparison        `json:"comparison,omitempty"`
	Warnings   []cocoeval.Warning `json:"warnings"`

	Pictures Pictures `json:"-"`
}

// A Model is what was found of one file of results.
type Model struct {
	Results     string                `json:"results"` // file
	Images      int                   `json:"images"`
	Annotations int                   `json:"annotations"`
	Detections  int                   `json:"detections"`
	Stats       Stats                 `json:"stats"` // of the evaluation
	Score       float64               `json:"score"` // that tables are made at
	At          []*analysis.Operating `json:"at"`    // that score, and others that people use
	// Unfound are the classes of which no annotation is found at that score.
	Unfound      []analysis.ClassAnnotations `json:"unfound"`
	TIDE         *analysis.TIDE              `json:"tide,omitempty"`
	TIDECV       *analysis.TIDE              `json:"tidecv,omitempty"`
	Confusion    *analysis.Confusion         `json:"confusion,omitempty"`
	Thresholds   *analysis.Thresholds        `json:"thresholds,omitempty"`
	Calibration  *analysis.Calibration       `json:"calibration,omitempty"`
	DetectionECE *float64                    `json:"d_ece,omitempty"` // over cells of score, place and size; nil: not asked for
	PerImage     []analysis.ImageCounts      `json:"per_image,omitempty"`
	Slices       *Slices                     `json:"slices,omitempty"`
	Suspects     []analysis.Suspect          `json:"suspects,omitempty"`
	COCOPlots    *analysis.ErrorTable        `json:"coco_plots,omitempty"`

	Outcomes *cocoeval.Outcomes `json:"-"`
	Found    *coco.Results      `json:"-"` // what the file holds
}

// A Comparison is how two models differ.
type Comparison struct {
	Stats     []Delta             `json:"stats"`
	Flips     *analysis.Flips     `json:"flips"`
	Bootstrap *analysis.Bootstrap `json:"bootstrap,omitempty"` // how sure they are; nil: not asked for
}

// Slices are how well some of the objects are found, and how well all in some of the images.
type Slices struct {
	Objects []analysis.ObjectSlice `json:"objects"`
	Images  []analysis.ImageSlice  `json:"images"`
}

// A Delta is a statistic of two models.
type Delta struct {
	Name  string  `json:"name"`
	A     float64 `json:"a"` // -1: no annotation counts
	B     float64 `json:"b"`
	Delta float64 `json:"delta"` // B - A; 0 where there is none
}

// Stats are statistics in the order of the evaluation's summary.
type Stats []cocoeval.Stat

// MarshalJSON writes an object of numbers in that order.
func (s Stats) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, x := range s {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		v, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%q:%s", sep, x.Name, v)
	}
	return []byte(b.String() + "}"), nil
}

// Get returns a statistic by its name.
func (s Stats) Get(name string) (float64, bool) {
	for _, x := range s {
		if x.Name == name {
			return x.Value, true
		}
	}
	return 0, false
}

// className is a category's name, or else "class 7" of its id.
func className(name string, id any) string {
	if name == "" {
		return fmt.Sprint("class ", id)
	}
	return name
}

// view is what the template reads.
type view struct {
	*Report
	*Model
	Title  string
	Facts  []page.Fact
	Advice []string
	Bars   []bar
	Charts []page.Chart
	Made   []page.Fact
	Data   template.HTML
	Left   int
	Empty  string // why there is little to see
	Matrix bool   // few enough classes for one
	Now    []now
	// PerClass are the parts of the table of classes that do not depend on the score.
	PerClass []perClass
}

// now is a number that the page counts.
type now struct{ ID, Name string }

// perClass is a row of the table of classes.
type perClass struct {
	Class       int      `json:"i"`
	Annotations int      `json:"n"`
	Rest        []string `json:"rest"` // the best score, F1 there, AP
}

// A bar is a type of error.
type bar struct {
	Name, Means string
	Count       int
	Delta       float64
	Width       float64 // percent
}

// meanings of TIDE's types of errors.
var meanings = map[string]string{
	"Cls": "right place, wrong class", "Loc": "right class, not placed well enough", "Both": "wrong class and not placed well enough",
	"Dupe": "found again, although a better detection has it", "Bkg": "nothing is there", "Miss": "not found at all",
}

// mostOfMatrix is the number of classes up to which the confusion matrix is drawn as one.
const mostOfMatrix = 25

// Write writes the page about the last model, and how it compares to the first if there are two.
func (r *Report) Write(w io.Writer) error {
	m := r.Models[len(r.Models)-1]
	c := newCounts(m.Outcomes, m.Score, m.PerImage)
	data, err := c.packed()
	if err != nil {
		return err
	}
	v := view{Report: r, Model: m, Title: fmt.Sprintf("%s on %s: what is wrong", filepath.Base(m.Results), filepath.Base(r.Truth)), Data: data, Left: c.Left, Matrix: len(c.Classes) <= mostOfMatrix}
	for _, name := range []string{"AP", "AP50", "AP75"} {
		if s, ok := m.Stats.Get(name); ok && s != -1 { // without a value
			v.Facts = append(v.Facts, page.Fact{Name: name, Value: three(s)})
		}
	}
	v.Facts = append(v.Facts, page.Fact{Name: "images", Value: fmt.Sprint(m.Images)}, page.Fact{Name: "annotations", Value: fmt.Sprint(m.Annotations)}, page.Fact{Name: "detections", Value: fmt.Sprint(m.Detections)})
	switch {
	case m.Annotations == 0:
		v.Empty = "There is no annotation to compare with: every detection counts as wrong, and AP is none (-1)."
	case m.Detections == 0:
		v.Empty = "There is no detection: every annotation counts as missed."
	}
	v.Advice = m.Advice()
	v.Now = []now{{"precision", "precision"}, {"recall", "recall"}, {"f1", "F1"}, {"right", "right"}, {"wrong", "wrong"}, {"missed", "missed"}, {"ignored", "do not count"}}
	v.classes()
	v.bars()
	v.charts(c.Stops)
	if r.Before != "" {
		v.Made = append(v.Made, page.Fact{Name: "first", Value: r.Before})
	}
	v.Made = append(v.Made, []page.Fact{{Name: "command", Value: r.Command}, {Name: "data set", Value: r.Truth}, {Name: "results", Value: m.Results}, {Name: "compared by", Value: r.IoU}, {Name: "match from an IoU of", Value: fmt.Sprint(r.MatchIoU)}, {Name: "score of the tables", Value: fmt.Sprintf("%v (%s)", m.Score, v.scoreReason())}}...)
	return pageTemplate.Execute(w, &v)
}

// classes fills PerClass with the classes that have annotations or detections.
func (v *view) classes() {
	v.PerClass = []perClass{}
	if v.Thresholds == nil {
		return
	}
	ap := map[int]string{}
	if v.TIDE != nil {
		for _, k := range v.TIDE.PerClass {
			ap[k.Index] = three(k.AP)
		}
	}
	for _, k := range v.Thresholds.PerClass {
		r := perClass{k.Index, k.Annotations, []string{"", "", ap[k.Index]}}
		if b := k.Best; b != nil {
			r.Rest[0], r.Rest[1] = fmt.Sprintf("%.4g", b.Threshold), three(b.F)
		}
		v.PerClass = append(v.PerClass, r)
	}
}

// ClassName is the name of a class by its index.
func (v *view) ClassName(k int) string { return v.class(k) }

// MatchPercent is the IoU of matching as it stands behind AP.
func (v *view) MatchPercent() string { return fmt.Sprintf("%.0f", 100*v.MatchIoU) }

// scoreReason says where the score of the tables is from.
func (v *view) scoreReason() string {
	switch at := v.AtFirst(); {
	case v.Unscored != "":
		return "as asked for"
	case at.TP+at.FP == 0:
		return "no detection counts"
	}
	return "that of the best F1 of all classes pooled"
}

// AtFirst is what the score of the tables gives, all classes pooled.
func (v *view) AtFirst() *analysis.Operating { return v.At[0] }

func three(v float64) string {
	if v == -1 {
		return "none"
	}
	return fmt.Sprintf("%.3f", v)
}

// Also is the command with more flags, "" if it knows none of them.
func (r *Report) Also(flags string) string {
	if r.Whole != "" {
		return ""
	}
	return r.Command + " " + flags
}

// Only is the command that makes one part again.
func (r *Report) Only(part string) string { return r.Also("--only " + part) }

// AtScore is the command to which the page adds a score.
func (r *Report) AtScore() string {
	if r.Whole != "" {
		return ""
	}
	return cmp.Or(r.Unscored, r.Command) + " --score "
}

func (v *view) bars() {
	if v.TIDE == nil {
		return
	}
	most := 1e-9
	for _, e := range v.TIDE.Errors {
		most = max(most, e.DeltaAP)
	}
	for _, e := range v.TIDE.Errors {
		v.Bars = append(v.Bars, bar{e.Type, meanings[e.Type], e.Count, e.DeltaAP, max(0, 100*e.DeltaAP/most)})
	}
	byCost(v.Bars, func(b bar) float64 { return b.Delta })
}

// charts draws curves over the stops of the slider.
func (v *view) charts(stops []float64) {
	if t := v.Thresholds; t != nil {
		var p, r, f page.Line
		p.Name, r.Name, f.Name = "precision", "recall", "F"
		if t.Beta == 1 {
			f.Name = "F1"
		}
		for _, s := range stops {
			at := t.At(s)
			if at.TP+at.FP == 0 {
				break
			}
			p.X, p.Y = append(p.X, s), append(p.Y, at.Precision)
			r.X, r.Y = append(r.X, s), append(r.Y, at.Recall)
			f.X, f.Y = append(f.X, s), append(f.Y, at.F)
		}
		froc := page.Line{Name: "recall over false positives per image"}
		for _, x := range t.FROC {
			froc.X, froc.Y = append(froc.X, x.FalsePositives), append(froc.Y, x.Recall)
		}
		v.Charts = append(v.Charts, page.Chart{Title: "From which score on?", Top: 1, Lines: []page.Line{p, r, f}}, page.Chart{Title: "FROC", Top: 1, Lines: []page.Line{froc}})
	}
	if c := v.Calibration; c != nil {
		right := page.Line{Name: "share of right detections"}
		for _, b := range c.Bins {
			if b.Count > 0 && b.MeanScore >= 0 && b.MeanScore <= 1 {
				right.X, right.Y = append(right.X, b.MeanScore), append(right.Y, b.Accuracy)
			}
		}
		v.Charts = append(v.Charts, page.Chart{Title: fmt.Sprintf("Calibration: ECE %.3f", c.ECE), Top: 1, Lines: []page.Line{right, {Name: "if scores were probabilities", X: []float64{0, 1}, Y: []float64{0, 1}}}})
	}
}

// quoted is a word as a shell wants it.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,+@%", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Command is a command line of words.
func Command(words ...string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quoted(w)
	}
	return strings.Join(q, " ")
}
