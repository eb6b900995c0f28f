package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
)

// A filter is what merge keeps of finished runs. It leaves what a run with the same options of segment would have found; --max-detections counts after --class.
type filter struct {
	score   float64
	classes []string
	max     int
}

func (f *filter) flags(fl *pflag.FlagSet) {
	fl.Float64Var(&f.score, "score", 0, "keep only instances with at least this `score`, 0 to 1")
	fl.StringSliceVar(&f.classes, "class", nil, "keep only instances of these `classes`")
	fl.IntVar(&f.max, "max-detections", 0, "keep only this `number` of instances of an image, those with the best scores")
}

func (f *filter) check() error {
	if !(f.score >= 0 && f.score <= 1) {
		return fmt.Errorf("--score %g: want 0 to 1", f.score)
	}
	return nil
}

// isSet is false for a filter that keeps all.
func (f *filter) isSet() bool { return f.score > 0 || len(f.classes) > 0 || f.max > 0 }

// header is that of a run whose instances went through the filter. The run must have what is asked for.
func (f *filter) header(folder string, h journal.Header) (journal.Header, error) {
	if f.score > 0 {
		if f.score < h.Info.MinScore {
			return h, hinted{fmt.Errorf("--score %g: %s has only instances with a score of at least %g", f.score, folder, h.Info.MinScore), "spinemask segment finds those with less"}
		}
		h.Info.MinScore = f.score
	}
	if len(f.classes) > 0 {
		known := h.Info.Classes
		if len(known) == 0 {
			for _, k := range h.Categories {
				known = append(known, k.Name)
			}
		}
		for _, name := range f.classes {
			if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
				return h, hinted{fmt.Errorf("--class %q: %s has no such class", name, folder), "it has " + strings.Join(known, ", ")}
			}
		}
		if h.Info.NoOverlap && slices.ContainsFunc(known, func(k string) bool { return !f.keeps(k) }) {
			return h, hinted{fmt.Errorf("--class: %s was made with --no-overlap, and pixels that other classes got would stay away", folder), "spinemask segment --class … --no-overlap gives them to these classes"}
		}
		h.Info.Classes = f.classes
	}
	if f.max > 0 {
		h.Info.MaxDetections = min(f.max, h.Info.MaxDetections)
	}
	return h, nil
}

// keeps says whether instances of a class are kept.
func (f *filter) keeps(class string) bool {
	return len(f.classes) == 0 || slices.ContainsFunc(f.classes, func(name string) bool { return strings.EqualFold(name, class) })
}

// apply leaves out what is not kept.
func (f *filter) apply(p *export.Picture) {
	p.Instances = slices.DeleteFunc(p.Instances, func(in export.Instance) bool {
		return float64(in.Score) < f.score || !f.keeps(in.Name)
	})
	if f.max > 0 {
		p.Instances = p.Instances[:min(f.max, len(p.Instances))]
	}
}
