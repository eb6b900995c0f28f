package evalcmd

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/command/analysisreport"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
)

// AnalyseOptions is what the flags of analyse say.
type AnalyseOptions struct {
	Options
	Only         string
	Score        *float64 // nil: that of the best F1
	MatchIoU     float64
	TIDE         string
	DetectionECE bool
	Bootstrap    int
	Seed         uint64
	FailIf       []string
	Images       string
	SliceBy      []string
	Suspects     string
	CSV          string
	HTML         string

	// What the command says beside its flags.
	Command string // that makes the report but for --score, for people to repeat
	Before  string // that makes the results; "": they were there
	Whole   string // why Command makes no part of the report alone; "": with --only it does
	Truth   string // the data set; "": that of its file
	Name    string // of the only model; "": that of its file
}

// parts are what --only chooses from; without it all are made but cocoPlots, which matches seven times.
var parts = []string{"tide", "confusion", "threshold", "calibration", "images", "labels", "slices", cocoPlots}

const cocoPlots = "coco-plots"

// Flags adds the flags to fs.
func (o *AnalyseOptions) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.IoU, "iou", "bbox", "what to compare detections and annotations by: `bbox|segm|boundary`")
	o.matching(fs)
	fs.StringVar(&o.Only, "only", "", "make only some parts: a `list` of "+strings.Join(parts, ", "))
	fs.Func("score", "make the tables of detections from this `score` on (default: that of the best F1 of all classes pooled)", func(s string) error {
		v, err := number(s)
		o.Score = &v
		return err
	})
	fs.Float64Var(&o.MatchIoU, "match-iou", 0.5, "the `IoU` from which a detection matches an annotation")
	fs.StringVar(&o.TIDE, "tide", "coco", "whose matching TIDE's errors are found by: `coco`, that of the evaluation, or tidecv, for numbers that stand beside those of papers")
	fs.BoolVar(&o.DetectionECE, "d-ece", false, "also compute the calibration error over cells of score, place and size (D-ECE), five to an axis, of which those count that have 8 detections")
	fs.IntVar(&o.Bootstrap, "bootstrap", 0, "with two results: say how sure their difference is, by this `number` of samples of the images")
	fs.Uint64Var(&o.Seed, "seed", 1, "of the samples")
	fs.Func("fail-if", "end with exit code 3 if this `condition` holds, such as 'AP<0.37', 'tide.Miss>0.05' or, with two results, 'B-A.AP.hi<0'; may be repeated", func(s string) error {
		o.FailIf = append(o.FailIf, s)
		return nil
	})
	fs.StringVar(&o.Images, "images", "", "show images of this `folder` in the page")
	fs.Func("slice-by", "also compare images by this `field` of their entries in GT, such as a camera; may be repeated", func(s string) error {
		o.SliceBy = append(o.SliceBy, s)
		return nil
	})
	fs.StringVar(&o.Suspects, "suspects", "", "write annotations that may be wrong to this `file`, a COCO data set that labelling tools open; with two results those that both models name")
	fs.StringVar(&o.CSV, "csv", "", "write the counts of every image to this `file`")
	fs.StringVar(&o.HTML, "html", "", "write the page to this `file`")
	fs.BoolVar(&o.JSON, "json", false, "print everything as JSON")
	fs.BoolVar(&o.Strict, "strict", false, "turn every warning into an error (this has nothing to do with --mode strict)")
}

// Analyse says what is wrong with the results of a model on the data set gt, or of two models and how they differ: on stdout
// one screenful, or JSON, and as a page.
func Analyse(o *AnalyseOptions, gt string, results []string, stdout, stderr io.Writer) error {
	a, err := newAnalyser(o, gt, results)
	if err != nil {
		return err
	}
	for _, name := range results {
		if err := a.model(name); err != nil {
			return err
		}
	}
	if err := a.compare(); err != nil {
		return err
	}
	r := &a.report
	if o.Images != "" {
		if err := r.Draw(a.data, o.Images); err != nil {
			return err
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(stderr, "cocoeval: warning: %s [%s]\n", w, w.Code)
	}
	if o.Strict && len(r.Warnings) > 0 {
		return fmt.Errorf("%d warnings, and --strict makes them an error", len(r.Warnings))
	}
	failed, err := a.failed()
	if err != nil {
		return err
	}
	if err := a.files(); err != nil {
		return err
	}
	if o.JSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(r)
	} else {
		err = writeScreen(stdout, r)
	}
	if err != nil {
		return err
	}
	return failed
}

// analyser is an analysis in the making.
type analyser struct {
	o          *AnalyseOptions
	params     cocoeval.Params
	data       *coco.Dataset
	chosen     []string
	conditions []condition
	report     analysisreport.Report
	analyses   []*analysis.Analysis // of each model
	resamplers []*cocoeval.Resampler
}

// Check says what is wrong with the flags and with files of results that no analysis can be made of, before anything is evaluated.
func (o *AnalyseOptions) Check(results []string) error {
	_, err := o.begin(results)
	return err
}

// begin looks at all but the contents of the files.
func (o *AnalyseOptions) begin(results []string) (*analyser, error) {
	o.Numpy = "2"
	params, err := o.params()
	if err != nil {
		return nil, err
	}
	a := &analyser{o: o, params: params[0], chosen: parts[:len(parts)-1]}
	switch {
	case len(params) > 1 || params[0].IoU == cocoeval.Keypoints:
		return nil, usage("--iou %q, want bbox, segm or boundary", o.IoU)
	case len(results) > 2:
		return nil, usage("%d files of results, want one, or two to compare", len(results))
	case o.Bootstrap != 0 && len(results) < 2:
		return nil, usage("--bootstrap wants two files of results")
	case o.TIDE != "coco" && o.TIDE != "tidecv":
		return nil, usage("--tide %q, want coco or tidecv", o.TIDE)
	case !(o.MatchIoU >= cocoeval.MinOverlap && o.MatchIoU <= 1):
		return nil, usage("--match-iou %v, want %v to 1", o.MatchIoU, cocoeval.MinOverlap)
	case o.Images != "" && o.HTML == "":
		return nil, usage("--images shows images in the page: name it with --html")
	}
	if o.Only != "" {
		a.chosen = nil
		for _, p := range strings.Split(o.Only, ",") {
			if p = strings.TrimSpace(p); !slices.Contains(parts, p) {
				return nil, usage("--only %q, want a list of %s", p, strings.Join(parts, ", "))
			}
			a.chosen = append(a.chosen, p)
		}
	}
	a.params.MatchIoU, a.params.ImageIDs = o.MatchIoU, o.ImageIDs
	a.params.Areas = allFirst(&a.params)
	switch most := maxAreas - len(aspectCuts) - 1; {
	case o.CSV != "" && !a.wants("images"):
		return nil, usage("--csv is the table of the part images, which --only leaves out")
	case o.Suspects != "" && !a.wants("labels"):
		return nil, usage("--suspects is the list of the part labels, which --only leaves out")
	case (o.Bootstrap > 0 || a.wants("slices")) && len(a.params.IoUThresholds) > maxResampled:
		return nil, usage("%d --iou-thresholds, want at most %d for slices and --bootstrap", len(a.params.IoUThresholds), maxResampled)
	case a.wants("slices") && len(a.params.Areas)-1 > most:
		return nil, usage("%d --areas beside that of all, want at most %d for slices", len(a.params.Areas)-1, most)
	}
	for _, text := range o.FailIf {
		c, err := parseCondition(text)
		if err != nil {
			return nil, err
		}
		a.conditions = append(a.conditions, c)
	}
	for _, name := range results {
		if isPartial(name) {
			_, err := coco.OpenResults(name, 0) // which says what it is
			return nil, err
		}
	}
	return a, nil
}

// What cocoeval takes at most.
const (
	maxAreas     = 32
	maxResampled = 32 // IoU thresholds of a Resampler
)

func newAnalyser(o *AnalyseOptions, gt string, results []string) (*analyser, error) {
	a, err := o.begin(results)
	if err != nil {
		return nil, err
	}
	if a.data, err = coco.OpenDataset(gt, a.params.IoU.Fields()); err != nil {
		return nil, err
	}
	a.report = analysisreport.Report{
		Command: o.Command, Before: o.Before, Whole: o.Whole, Truth: cmp.Or(o.Truth, gt), IoU: a.params.IoU.String(), MatchIoU: o.MatchIoU,
		Warnings: slices.Clone(o.Warnings),
	}
	if o.Score != nil {
		a.report.Unscored = o.Command
		a.report.Command += fmt.Sprint(" --score ", *o.Score)
	}
	return a, nil
}

// allFirst returns the ranges of area with that of all objects first: outcomes are those of the first range, slices those of the others.
func allFirst(p *cocoeval.Params) []cocoeval.AreaRange {
	all := cocoeval.NewParams(p.IoU, p.Protocol).Areas[:1]
	isAll := func(r cocoeval.AreaRange) bool { return r.Label == all[0].Label }
	if i := slices.IndexFunc(p.Areas, isAll); i >= 0 {
		all = p.Areas[i : i+1]
	}
	return slices.Concat(all, slices.DeleteFunc(slices.Clone(p.Areas), isAll))
}

func (a *analyser) wants(part string) bool { return slices.Contains(a.chosen, part) }

// model analyses a file of results.
func (a *analyser) model(name string) error {
	r, err := coco.OpenResults(name, a.params.IoU.Fields())
	if err != nil {
		return err
	}
	e, err := cocoeval.New(a.data, a.params)
	if err != nil {
		return err
	}
	if err := e.AddResults(r); err != nil {
		return err
	}
	x, err := e.Evaluate()
	if err != nil {
		return err
	}
	for _, w := range x.Warnings {
		if !slices.ContainsFunc(a.report.Warnings, func(o cocoeval.Warning) bool { return o.String() == w.String() }) {
			a.report.Warnings = append(a.report.Warnings, w)
		}
	}
	out, err := e.Outcomes()
	if err != nil {
		return err
	}
	t := analysis.New(out)
	m := &analysisreport.Model{Results: cmp.Or(a.o.Name, name), Images: x.Images, Annotations: x.Annotations, Detections: x.Detections, Stats: x.Stats(), Outcomes: out, Found: r}
	if err := a.tables(m, t); err != nil {
		return err
	}
	a.report.Models, a.analyses = append(a.report.Models, m), append(a.analyses, t)
	if a.o.Bootstrap > 0 || a.wants("slices") {
		s, err := e.Resampler()
		if err != nil {
			return err
		}
		a.resamplers = append(a.resamplers, s)
		if a.wants("slices") {
			if m.Slices, err = a.slices(t, r, s); err != nil {
				return err
			}
		}
	}
	if a.wants("labels") {
		if m.Suspects, err = t.Suspects(); err != nil {
			return err
		}
	}
	if a.wants(cocoPlots) {
		curves, err := cocoeval.NewErrorCurves(a.data, r, a.params)
		if err != nil {
			return err
		}
		m.COCOPlots = analysis.NewErrorTable(curves, false)
	}
	return nil
}

// tables makes the parts that were chosen. All need the thresholds, of which the score is one.
func (a *analyser) tables(m *analysisreport.Model, t *analysis.Analysis) error {
	thresholds := t.Thresholds(1)
	if m.Score = t.Score(); a.o.Score != nil {
		m.Score = *a.o.Score
	}
	for _, s := range []float64{m.Score, 0.25, 0.5} {
		m.At = append(m.At, thresholds.At(s))
	}
	m.Unfound = t.Unfound(m.Score)
	if a.wants("threshold") {
		m.Thresholds = thresholds
	}
	if a.wants("tide") {
		if m.TIDE = t.TIDE(); a.o.TIDE == "tidecv" {
			m.TIDECV = t.TIDECV()
		}
	}
	if a.wants("confusion") {
		m.Confusion = t.Confusion(m.Score, analysis.ClassFirst)
	}
	if a.wants("calibration") {
		m.Calibration = t.Calibration(10)
		if a.o.DetectionECE {
			ece, ok := t.DetectionECE(analysis.DetectionECE{Center: true, Size: true, Bins: 5, Least: 8})
			if !ok {
				return fmt.Errorf("%s: --d-ece wants the size of every image", a.report.Truth)
			}
			m.DetectionECE = &ece
		}
	}
	if a.wants("images") {
		m.PerImage = t.Images(m.Score)
	}
	return nil
}

// compare compares two models.
func (a *analyser) compare() error {
	m := a.report.Models
	if len(m) < 2 {
		return nil
	}
	c := &analysisreport.Comparison{}
	for i, s := range m[0].Stats {
		d := analysisreport.Delta{Name: s.Name, A: s.Value, B: m[1].Stats[i].Value}
		if d.A != -1 && d.B != -1 {
			d.Delta = d.B - d.A
		}
		c.Stats = append(c.Stats, d)
	}
	if a.o.Bootstrap > 0 {
		var err error
		if c.Bootstrap, err = analysis.Compare(a.resamplers[0], a.resamplers[1], a.o.Bootstrap, a.o.Seed, 0.95); err != nil {
			return usageError{err}
		}
	}
	var err error
	c.Flips, err = analysis.CompareOutcomes(a.analyses[0], a.analyses[1], m[0].Score, m[1].Score)
	a.report.Comparison = c
	return err
}

// files writes the files that were asked for.
func (a *analyser) files() error {
	m := a.report.Models[len(a.report.Models)-1]
	if a.o.CSV != "" {
		if err := write(a.o.CSV, func(w io.Writer) error { return writeCSV(w, m.PerImage) }); err != nil {
			return err
		}
	}
	if a.o.Suspects != "" {
		if err := a.suspects(); err != nil {
			return err
		}
	}
	if a.o.HTML == "" {
		return nil
	}
	return write(a.o.HTML, a.report.Write)
}

// suspects writes those of the only model, or those that both name.
func (a *analyser) suspects() error {
	var lists [][]analysis.Suspect
	for _, m := range a.report.Models {
		lists = append(lists, m.Suspects)
	}
	list := lists[0]
	if len(lists) > 1 {
		list = analysis.Agree(lists, len(lists), a.o.MatchIoU)
	}
	return write(a.o.Suspects, func(w io.Writer) error {
		return a.analyses[0].WriteSuspects(w, list, a.report.Models[0].Found)
	})
}

// write writes a file that appears when it is complete.
func write(name string, content func(w io.Writer) error) error {
	f, err := atomicfile.Create(name)
	if err != nil {
		return err
	}
	defer f.Discard()
	return cmp.Or(content(f), f.Commit())
}

func writeCSV(w io.Writer, list []analysis.ImageCounts) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"image_id", "file_name", "tp", "fp", "fn"})
	for _, x := range list {
		_ = c.Write([]string{fmt.Sprint(x.ID), x.File, strconv.Itoa(x.TP), strconv.Itoa(x.FP), strconv.Itoa(x.FN)})
	}
	c.Flush()
	return c.Error()
}

// notShown are flags that say what is written where, and are no part of the command that makes a number again.
var notShown = []string{"html", "json", "csv", "only", "score", "images", "fail-if", "strict", "suspects"}

// CommandOf returns the command line that makes the report again: words, the flags that were set but for those that only say
// what is written where, and files.
func (o *AnalyseOptions) CommandOf(fs *flag.FlagSet, files []string, words ...string) string {
	fs.Visit(func(f *flag.Flag) {
		if !slices.Contains(notShown, f.Name) && f.Value.String() != "" {
			words = append(words, strings.TrimSuffix("--"+f.Name+"="+f.Value.String(), "=true"))
		}
	})
	for _, field := range o.SliceBy { // a flag that may be repeated has no value of its own
		words = append(words, "--slice-by="+field)
	}
	return analysisreport.Command(append(words, files...)...)
}
