package evalcmd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/command/analysisreport"
)

// Run evaluates results files, or partial results, against the annotation file gt and prints the outcome to stdout, warnings
// to stderr. Nothing is printed to stdout if there is an error, but that AP is below the minimum.
func Run(o *Options, gt string, results []string, stdout, stderr io.Writer) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	var fields coco.Fields
	for i := range params {
		fields |= params[i].IoU.Fields()
	}
	d, err := coco.OpenDataset(gt, fields)
	if err != nil {
		return err
	}
	if o.Categories != "" && d.CategoryNames != nil {
		return usage("--categories wants ids that are numbers of 64 bits; those of %s are strings or others", gt)
	}
	// The results are read while the evaluators look at the data set.
	var read []input
	var rerr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range results {
			var in input
			if in, rerr = openInput(name, fields); rerr != nil {
				return
			}
			read = append(read, in)
		}
	}()
	for i := range params {
		params[i].ImageIDs = o.ImageIDs
	}
	evaluators, err := prepare(params, d)
	<-done
	if err := cmp.Or(err, rerr); err != nil {
		return err
	}
	for _, e := range evaluators {
		for _, in := range read {
			if err := in.addTo(e); err != nil {
				return err
			}
		}
	}
	if o.Partial != "" {
		if o.ImageIDs != nil {
			return usage("--save-partial wants all images of %s: a part of them cannot be merged with others", gt)
		}
		for _, w := range o.Warnings {
			fmt.Fprintf(stderr, "cocoeval: warning: %s [%s]\n", w.String(), w.Code)
		}
		return write(o.Partial, evaluators[0].WritePartial)
	}
	return finish(o, evaluators, stdout, stderr)
}

// input is a file of results or a partial result.
type input struct {
	name    string
	results *coco.Results
	partial []byte
}

func openInput(name string, fields coco.Fields) (in input, err error) {
	in.name = name
	if isPartial(name) {
		in.partial, err = os.ReadFile(name)
		return in, err
	}
	in.results, err = coco.OpenResults(name, fields)
	return in, err
}

// isPartial tells a partial result by its first bytes.
func isPartial(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false // whoever reads it says so
	}
	defer f.Close()
	var start [8]byte
	n, _ := io.ReadFull(f, start[:])
	return cocoeval.IsPartial(start[:n])
}

func (in *input) addTo(e *cocoeval.Evaluator) error {
	if in.results != nil {
		return e.AddResults(in.results)
	}
	if err := e.Merge(bytes.NewReader(in.partial)); err != nil {
		return fmt.Errorf("%s: %w", in.name, err)
	}
	return nil
}

// prepare makes the evaluators.
func prepare(params []cocoeval.Params, d *coco.Dataset) (all []*cocoeval.Evaluator, err error) {
	for _, p := range params {
		e, err := cocoeval.New(d, p)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// finish evaluates and reports.
func finish(o *Options, evaluators []*cocoeval.Evaluator, stdout, stderr io.Writer) error {
	var all []*cocoeval.Evaluation
	for _, e := range evaluators {
		x, err := e.Evaluate()
		if err != nil {
			return err
		}
		all = append(all, x)
	}
	return report(o, all, stdout, stderr)
}

// report prints evaluations and judges them.
func report(o *Options, all []*cocoeval.Evaluation, stdout, stderr io.Writer) error {
	warned := map[string]bool{}
	for _, e := range all {
		e.Warnings = append(o.Warnings[:len(o.Warnings):len(o.Warnings)], e.Warnings...)
		for _, w := range e.Warnings {
			if s := w.String(); !warned[s] {
				warned[s] = true
				fmt.Fprintf(stderr, "cocoeval: warning: %s [%s]\n", s, w.Code)
			}
		}
	}
	if o.Strict && len(warned) > 0 {
		return fmt.Errorf("%d warnings, and --strict makes them an error", len(warned))
	}
	var out bytes.Buffer
	if o.JSON {
		if err := writeJSON(&out, o, all); err != nil {
			return err
		}
	} else {
		for _, e := range all {
			if len(all) > 1 {
				fmt.Fprintf(&out, "%v\n", e.Params.IoU)
			}
			if err := e.WriteText(&out); err != nil {
				return err
			}
			if o.PerClass {
				writeClasses(&out, e)
			}
		}
	}
	if _, err := stdout.Write(out.Bytes()); err != nil {
		return err
	}
	if o.MinAP == nil {
		return nil
	}
	for _, e := range all {
		if ap := e.Stats()[0].Value; !(ap >= *o.MinAP) {
			return fmt.Errorf("%v AP %.6g is %w %g", e.Params.IoU, ap, errBelow, *o.MinAP)
		}
	}
	return nil
}

// writeClasses writes a table of the statistics of each category.
func writeClasses(out io.Writer, e *cocoeval.Evaluation) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for k := range e.Categories {
		stats := e.ClassStats(k)
		if k == 0 {
			fmt.Fprint(t, "id\tcategory\t")
			for _, s := range stats {
				fmt.Fprint(t, s.Name, "\t")
			}
			fmt.Fprintln(t)
		}
		fmt.Fprintf(t, "%v\t%s\t", categoryID(&e.Categories[k]), e.Categories[k].Name)
		for _, s := range stats {
			fmt.Fprintf(t, "%.3f\t", s.Value)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// categoryID is the id of a category as the file has it, a string or a number.
func categoryID(c *coco.Category) any {
	if n := c.IDName; n != nil {
		switch n.Kind {
		case coco.StringName:
			return n.Text
		case coco.NumberName:
			return json.Number(n.Text)
		}
	}
	return c.ID
}

// report of one evaluation in JSON
type jsonEvaluation struct {
	IoU         string               `json:"iou"`
	Images      int                  `json:"images"`
	Annotations int                  `json:"annotations"`
	Detections  int                  `json:"detections"`
	MaxDets     []int                `json:"max_dets"`
	Stats       analysisreport.Stats `json:"stats"`
	Classes     []jsonClass          `json:"classes,omitempty"`
	Warnings    []cocoeval.Warning   `json:"warnings"`
}

type jsonClass struct {
	ID    any                  `json:"id"` // as in the file
	Name  string               `json:"name"`
	Stats analysisreport.Stats `json:"stats"`
}

func writeJSON(out io.Writer, o *Options, all []*cocoeval.Evaluation) error {
	doc := struct {
		Mode        string           `json:"mode"`
		Protocol    string           `json:"protocol"`
		Numpy       string           `json:"numpy"`
		Evaluations []jsonEvaluation `json:"evaluations"`
	}{o.Mode, o.Protocol, o.Numpy, nil}
	for _, e := range all {
		j := jsonEvaluation{
			IoU: e.Params.IoU.String(), Images: e.Images, Annotations: e.Annotations, Detections: e.Detections,
			MaxDets: e.Params.MaxDets, Stats: e.Stats(), Warnings: append([]cocoeval.Warning{}, e.Warnings...),
		}
		if o.PerClass {
			for k, c := range e.Categories {
				j.Classes = append(j.Classes, jsonClass{categoryID(&c), c.Name, e.ClassStats(k)})
			}
		}
		doc.Evaluations = append(doc.Evaluations, j)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}
