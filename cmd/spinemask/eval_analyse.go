package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/internal/command/analysisreport"
	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

// exitBelow is the status of evalcmd for an AP that is too low, after which there is a report, too.
const exitBelow = 3

// analyseOptions are those of the page about what is wrong, which is made by the first kind of --iou.
func (e *evalRun) analyseOptions(o evalcmd.Options) *evalcmd.AnalyseOptions {
	iou, _, _ := strings.Cut(o.IoU, ",")
	o.IoU, o.Warnings = strings.TrimSpace(iou), nil // they were printed
	return &evalcmd.AnalyseOptions{Options: o, MatchIoU: 0.5, TIDE: "coco", Images: e.images, HTML: e.analyse}
}

// checkAnalysis says what the page cannot be made of, before a model runs.
func (e *evalRun) checkAnalysis(t *talk, o *evalcmd.Options, results []string) error {
	if len(results) > 1 {
		return errors.New("--analyse wants one file of results")
	}
	a := e.analyseOptions(*o)
	if err := a.Check(results); err != nil {
		return err
	}
	if o.IoU != a.IoU {
		t.say("%s is about %s, the first kind of --iou", e.analyse, a.IoU)
	}
	return nil
}

// writeAnalysis writes the page. given is the data set as it was named, gt the file that the evaluation reads.
func (e *evalRun) writeAnalysis(flags *pflag.FlagSet, o evalcmd.Options, given, gt string, results []string) error {
	a := e.analyseOptions(o)
	a.Truth = given
	if e.ran {
		a.Name = "the built-in model"
		if e.model != "" {
			a.Name = filepath.Base(e.model)
		}
	}
	e.commands(a, flags, results)
	return evalcmd.Analyse(a, gt, results, io.Discard, io.Discard)
}

// unmade are flags of eval that change no number of the page.
var unmade = []string{"analyse", "keep", "json", "strict", "per-class", "min-ap", "save-partial", "numpy", "threads", "iou"}

// commands says which commands make the page again.
func (e *evalRun) commands(a *evalcmd.AnalyseOptions, flags *pflag.FlagSet, results []string) {
	typed := []string{"--iou=" + a.IoU}
	matching := slices.Clone(typed)
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		word := flagWord(f)
		if !slices.Contains(unmade, f.Name) {
			typed = append(typed, word)
		}
		if evalcmd.Matching(f.Name) {
			matching = append(matching, word)
		}
	})
	eval := func(more ...string) string {
		return analysisreport.Command(slices.Concat([]string{"spinemask", "eval", a.Truth}, more, typed)...)
	}
	switch {
	case e.other != nil:
		a.Whole = fmt.Sprintf("cocoeval analyse reads COCO's files; of %s, this command makes the whole page.", e.other.set.Kind)
	case a.ImageIDs != nil:
		a.Whole = "Images are left out, which cocoeval analyse cannot; this command makes the whole page."
	case e.ran:
		keep := cmp.Or(e.keep, "run")
		a.Before, results = eval("--keep="+keep), []string{filepath.Join(keep, "results.json")}
	}
	if a.Whole != "" {
		a.Command = eval("--analyse=" + e.analyse)
		return
	}
	a.Command = analysisreport.Command(slices.Concat([]string{"cocoeval", "analyse", a.Truth}, results, matching)...)
}
