// Package evalcmd is the evaluation command: its flags, what it prints and how it ends. Both commands that evaluate,
// cocoeval and spinemask eval, are made of it.
package evalcmd

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// Options is what the flags say.
type Options struct {
	IoU           string
	Protocol      string
	Mode          string
	Numpy         string
	MaxDets       string
	IoUThresholds string
	Areas         string
	Categories    string
	Agnostic      bool
	PerClass      bool
	JSON          bool
	Strict        bool
	MinAP         *float64 // nil: none
	Partial       string

	// What the command finds before the evaluation, not flags.
	ImageIDs []int64            // the images to evaluate; nil: all
	Warnings []cocoeval.Warning // that come before those of the evaluation
}

// Flags adds the flags to fs. (With cobra: cmd.Flags().AddGoFlagSet.)
func (o *Options) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.IoU, "iou", "bbox", "what to compare detections and annotations by: a `list` of bbox, segm, boundary, keypoints")
	o.matching(fs)
	fs.StringVar(&o.Numpy, "numpy", "2", "sum the statistics in the order of this version of numpy: `2` or 1.24")
	fs.BoolVar(&o.PerClass, "per-class", false, "also print the numbers of every category")
	fs.BoolVar(&o.JSON, "json", false, "print JSON: the statistics by name and in full precision, the categories with --per-class, and the warnings")
	fs.BoolVar(&o.Strict, "strict", false, "turn every warning into an error (this has nothing to do with --mode strict)")
	fs.Func("min-ap", "end with exit code 3 if AP is below this `number`", func(s string) error {
		v, err := number(s)
		o.MinAP = &v
		return err
	})
	fs.StringVar(&o.Partial, "save-partial", "", "write what was matched to a `file` instead of printing numbers; such files, named in place of results, are merged")
}

// matching adds the flags that say what is compared and by which rules.
func (o *Options) matching(fs *flag.FlagSet) {
	fs.StringVar(&o.Protocol, "protocol", "coco", "the rules to evaluate by: `coco` or lvis")
	fs.StringVar(&o.Mode, "mode", "strict", "`strict` gives the numbers of pycocotools to the last bit; corrected repairs what is known to be wrong there, and also takes names for ids")
	fs.StringVar(&o.MaxDets, "max-dets", "", "a `list` of how many detections of an image and class count (default 1,10,100; for keypoints 20; for lvis 300 of an image)")
	fs.StringVar(&o.Categories, "categories", "", "a `list` of the ids of the categories to evaluate (default all)")
	fs.StringVar(&o.IoUThresholds, "iou-thresholds", "", "a `list` of IoU thresholds (default 0.5 to 0.95 in steps of 0.05)")
	fs.StringVar(&o.Areas, "areas", "", "a `list` of ranges of object area in square pixels, each label:min:max (default all, small, medium and large, as in COCO)")
	fs.BoolVar(&o.Agnostic, "class-agnostic", false, "take all categories for one")
}

// Matching reports whether a flag says what is compared and by which rules, which an evaluation and an analysis both depend on.
func Matching(name string) bool {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	new(Options).matching(fs)
	return fs.Lookup(name) != nil
}

// Check says what is wrong with the flags, before anything is read.
func (o *Options) Check() error {
	_, err := o.params()
	return err
}

// params returns the settings of each evaluation.
func (o *Options) params() ([]cocoeval.Params, error) {
	var base cocoeval.Params
	switch o.Protocol {
	case "coco":
	case "lvis":
		base.Protocol = cocoeval.LVIS
	default:
		return nil, usage("--protocol %q, want coco or lvis", o.Protocol)
	}
	switch o.Mode {
	case "strict":
	case "corrected":
		base.Mode = cocoeval.Corrected
	default:
		return nil, usage("--mode %q, want strict or corrected", o.Mode)
	}
	switch o.Numpy {
	case "2":
	case "1.24":
		base.Summation = cocoeval.Numpy1_24
	default:
		return nil, usage("--numpy %q, want 2 or 1.24", o.Numpy)
	}
	var all []cocoeval.Params
	for _, name := range strings.Split(o.IoU, ",") {
		iou, err := cocoeval.ParseIoUType(strings.TrimSpace(name))
		if err != nil {
			return nil, usage("--iou %q, want a list of bbox, segm, boundary, keypoints", name)
		}
		p := cocoeval.NewParams(iou, base.Protocol)
		p.Mode, p.Summation, p.ClassAgnostic = base.Mode, base.Summation, o.Agnostic
		if err := o.lists(&p); err != nil {
			return nil, err
		}
		if err := p.Check(); err != nil {
			return nil, usageError{err}
		}
		all = append(all, p)
	}
	if o.Partial != "" && len(all) > 1 {
		return nil, usage("--save-partial wants one kind of --iou")
	}
	if o.Partial != "" && (o.JSON || o.PerClass || o.Strict || o.MinAP != nil) {
		return nil, usage("--save-partial writes no numbers: --json, --per-class, --strict and --min-ap are for the command that merges")
	}
	return all, nil
}

// lists sets what the flags with lists say.
func (o *Options) lists(p *cocoeval.Params) (err error) {
	if o.MaxDets != "" {
		if p.MaxDets, err = list(o.MaxDets, "--max-dets", strconv.Atoi); err != nil {
			return err
		}
	}
	if o.IoUThresholds != "" {
		if p.IoUThresholds, err = list(o.IoUThresholds, "--iou-thresholds", threshold); err != nil {
			return err
		}
	}
	if o.Categories != "" {
		id := func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }
		if p.CategoryIDs, err = list(o.Categories, "--categories", id); err != nil {
			return err
		}
	}
	if o.Areas != "" {
		if p.Areas, err = list(o.Areas, "--areas", area); err != nil {
			return err
		}
	}
	return nil
}

func list[T any](text, flag string, parse func(string) (T, error)) ([]T, error) {
	var out []T
	for _, s := range strings.Split(text, ",") {
		v, err := parse(strings.TrimSpace(s))
		if err != nil {
			return nil, usage("%s: %v", flag, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// number reads a number that can be compared.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if math.IsNaN(v) {
		err = fmt.Errorf("%q is no number", s)
	}
	return v, err
}

// threshold reads an IoU.
func threshold(s string) (float64, error) {
	v, err := number(s)
	if err == nil && !(v > 0 && v <= 1) {
		err = fmt.Errorf("%q, want more than 0 and at most 1", s)
	}
	return v, err
}

// area reads label:min:max.
func area(s string) (r cocoeval.AreaRange, err error) {
	part := strings.Split(s, ":")
	if len(part) != 3 {
		return r, fmt.Errorf("%q, want label:min:max", s)
	}
	if r.Min, err = number(part[1]); err == nil {
		r.Max, err = number(part[2])
	}
	if r.Label = strings.TrimSpace(part[0]); r.Label == "" {
		return r, fmt.Errorf("%q, want a label before the first colon", s)
	}
	if err == nil && !(r.Min <= r.Max) {
		err = fmt.Errorf("%q, want a min that is not above max", s)
	}
	return r, err
}

// A usageError is about the command line, not about the files.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errBelow says that AP is below --min-ap.
var errBelow = errors.New("below the minimum")

// errHolds says which conditions of --fail-if hold.
var errHolds = errors.New("--fail-if")

// Hint returns advice about an error, "" where there is none.
func Hint(err error) string {
	if e := (*coco.Error)(nil); errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// ExitStatus is the status that a command should end with after err: 0 for nil, 2 for a wrong command line, 3 for an AP
// below --min-ap or a condition of --fail-if that holds, 1 for everything else.
func ExitStatus(err error) int {
	var u usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &u):
		return 2
	case errors.Is(err, errBelow), errors.Is(err, errHolds):
		return 3
	}
	return 1
}
