package evalcmd

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/dataset"
)

// LintOptions is what the flags of lint say.
type LintOptions struct {
	Images string
	Strict bool
	JSON   bool
}

// Flags adds the flags to fs.
func (o *LintOptions) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.Images, "images", "", "also look for the images in this `folder`, compare their sizes, and find those that are there twice")
	fs.BoolVar(&o.Strict, "strict", false, "end with exit code 1 if anything looks wrong")
	fs.BoolVar(&o.JSON, "json", false, "print JSON")
}

// A finding is one kind of thing that looks wrong in a file.
type finding struct {
	File     string   `json:"file"`
	Code     string   `json:"code"`
	Severity string   `json:"severity"` // "error": no training or evaluation takes it; else "warning"
	Count    int      `json:"count"`
	Text     string   `json:"text"`             // of the first case, or of all
	Places   []string `json:"places,omitempty"` // of the first ten cases: in the file, or ids

	each bool // the text is that of the first case
}

const maxPlaces = 10

// Lint prints what looks wrong in a data set and in results on it, before any number is made of them: by the rules of a
// training, which look at each object, and by those of the evaluator.
func Lint(o *LintOptions, gt string, results []string, stdout io.Writer) error {
	d, err := coco.OpenDataset(gt, coco.AllFields)
	if err != nil {
		return err
	}
	var read []*coco.Results
	for _, name := range results {
		r, err := coco.OpenResults(name, coco.AllFields)
		if err != nil {
			return err
		}
		read = append(read, r)
	}
	var l findings
	set, found := dataset.Lint(d, read, o.Images)
	l.problems(gt, set)
	for i, list := range found {
		l.problems(results[i], list)
	}
	for _, iou := range compared(d, read) {
		if len(read) == 0 {
			l.evaluate(d, nil, iou)
		}
		for _, r := range read { // each alone: several may be those of models on the same images
			l.evaluate(d, r, iou)
		}
	}
	order := append([]string{gt}, results...)
	slices.SortStableFunc(l.list, func(a, b *finding) int { return slices.Index(order, a.File) - slices.Index(order, b.File) })
	if err := l.write(o, stdout); err != nil {
		return err
	}
	if o.Strict && len(l.list) > 0 {
		return fmt.Errorf("%s, and --strict makes them an error", l.total())
	}
	return nil
}

// compared says by what data set and results can be compared: by what both have somewhere.
func compared(d *coco.Dataset, results []*coco.Results) (list []cocoeval.IoUType) {
	boxes := func(a *coco.Annotations) bool {
		return slices.ContainsFunc(a.Has, func(h coco.Has) bool { return h&coco.HasBox != 0 })
	}
	masks := func(a *coco.Annotations) bool {
		return slices.ContainsFunc(a.Mask, func(m coco.Mask) bool { return m.Kind >= coco.PolygonMask })
	}
	segm := masks(&d.Annotations)
	for _, r := range results {
		segm = segm && (masks(&r.Annotations) || r.Len() == 0)
	}
	if boxes(&d.Annotations) || d.Len() == 0 {
		list = append(list, cocoeval.BBox)
	}
	if segm {
		list = append(list, cocoeval.Segm)
	}
	return list
}

// findings are collected by file and code.
type findings struct{ list []*finding }

func (l *findings) find(file, code string) *finding {
	for _, f := range l.list {
		if f.File == file && f.Code == code {
			return f
		}
	}
	return nil
}

// problems takes what the rules of a training find.
func (l *findings) problems(file string, list []dataset.Problem) {
	for _, p := range list {
		f := l.find(file, p.Code)
		if f == nil {
			f = &finding{File: file, Code: p.Code, Severity: "warning", Text: p.Message, each: true}
			l.list = append(l.list, f)
		}
		if p.Severity == dataset.Error {
			f.Severity = "error"
		}
		f.Count++
		place := strings.TrimPrefix(strings.TrimPrefix(p.Place, file), ": ")
		if place == "" {
			place = p.Message // of the file as a whole
		}
		if len(f.Places) < maxPlaces {
			f.Places = append(f.Places, place)
		}
	}
}

// evaluate takes what the evaluator warns of, or refuses. r is nil for the data set alone.
func (l *findings) evaluate(d *coco.Dataset, r *coco.Results, iou cocoeval.IoUType) {
	p := cocoeval.NewParams(iou, cocoeval.COCO)
	for mode, name := range []string{cocoeval.Strict: "strict", cocoeval.Corrected: "corrected"} {
		p.Mode = cocoeval.Mode(mode)
		file, err := l.pass(d, r, p)
		if err == nil {
			return
		}
		if code := "refused-" + name; l.find(file, code) == nil {
			text := fmt.Sprintf("cannot be compared by %v in --mode %s: %s", iou, name, strings.TrimPrefix(err.Error(), "coco: "+file+": "))
			l.list = append(l.list, &finding{File: file, Code: code, Severity: "error", Count: 1, Text: text, each: true})
		}
	}
}

// pass is one evaluation, of which only the warnings matter. It names the file that was looked at when it failed.
func (l *findings) pass(d *coco.Dataset, r *coco.Results, p cocoeval.Params) (file string, err error) {
	e, err := cocoeval.New(d, p)
	if err != nil {
		return d.File, err
	}
	known := map[string]int{}
	take := func(file string) error {
		x, err := e.Evaluate()
		if err != nil {
			return err
		}
		for _, w := range x.Warnings {
			if n := w.Count - known[w.Code]; n > 0 {
				known[w.Code], w.Count = w.Count, n
				l.warning(file, w)
			}
		}
		return nil
	}
	if err := take(d.File); err != nil || r == nil {
		return d.File, err
	}
	if err := e.AddResults(r); err != nil {
		return r.File, err
	}
	return r.File, take(r.File)
}

// warning takes one of the evaluator's, unless the rules of a training have said it object by object: their codes are the same
// but for the word that tells annotations and results apart.
func (l *findings) warning(file string, w cocoeval.Warning) {
	code := strings.TrimPrefix(w.Code, "annotation-")
	if strings.HasPrefix(code, "unknown-") {
		code = strings.TrimSuffix(strings.TrimSuffix(code, "-annotations"), "-results")
	}
	if l.find(file, code) == nil {
		l.list = append(l.list, &finding{File: file, Code: code, Severity: "warning", Count: w.Count, Text: w.Text, Places: w.Examples})
	}
}

// total is the sum of all in a sentence.
func (l *findings) total() string {
	n := 0
	for _, f := range l.list {
		n += f.Count
	}
	if len(l.list) == 1 {
		return fmt.Sprintf("1 kind of thing looks wrong, %d in all", n)
	}
	return fmt.Sprintf("%d kinds of things look wrong, %d in all", len(l.list), n)
}

func (l *findings) write(o *LintOptions, w io.Writer) error {
	if o.JSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Findings []*finding `json:"findings"`
		}{append([]*finding{}, l.list...)})
	}
	var b strings.Builder
	for _, f := range l.list {
		fmt.Fprintf(&b, "%s: %s: %s\n", f.File, f.Severity, f.line())
	}
	if len(l.list) == 0 {
		fmt.Fprintln(&b, "nothing looks wrong")
	} else {
		fmt.Fprintln(&b, l.total())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is, for example, "annotations[5] (id 6): the box … lies outside of the image; and 2 more: annotations[7] (id 8),
// annotations[9] (id 10) [box-outside]".
func (f *finding) line() string {
	const shown = 3
	if !f.each {
		w := cocoeval.Warning{Count: f.Count, Text: f.Text, Examples: f.Places[:min(len(f.Places), shown)]}
		return fmt.Sprintf("%s [%s]", w, f.Code)
	}
	s := f.Text
	if len(f.Places) > 0 && f.Places[0] != f.Text {
		s = f.Places[0] + ": " + s
	}
	if f.Count > 1 {
		rest := f.Places[1:]
		s += fmt.Sprintf("; and %d more: %s", f.Count-1, strings.Join(rest[:min(len(rest), shown)], ", "))
		if f.Count-1 > shown {
			s += ", …"
		}
	}
	return fmt.Sprintf("%s [%s]", s, f.Code)
}
