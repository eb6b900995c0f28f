package main

import (
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/internal/command/analysisreport"
	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

// exitBelow is the status of evalcmd for an AP that is too low, after which there is a report, too.
const exitBelow = 3

// writeAnalysis writes the page about what is wrong. given is the data set as it was named, gt the file that the evaluation
// reads.
func (e *evalRun) writeAnalysis(o evalcmd.Options, given, gt string, results []string) error {
	iou, _, _ := strings.Cut(o.IoU, ",")
	o.IoU, o.Warnings = strings.TrimSpace(iou), nil // they were printed
	a := &evalcmd.AnalyseOptions{Options: o, MatchIoU: 0.5, TIDE: "coco", Images: e.images, HTML: e.analyse}
	flags := []string{"--iou=" + o.IoU}
	if o.MaxDets != "" {
		flags = append(flags, "--max-dets="+o.MaxDets)
	}
	if o.Mode != "strict" {
		flags = append(flags, "--mode="+o.Mode)
	}
	command := []string{"cocoeval", "analyse", given}
	if !e.ran {
		if len(results) > 1 {
			return errors.New("--analyse wants one file of results")
		}
		command = append(command, results...)
	} else {
		keep := cmp.Or(e.keep, "run")
		a.Name = "the built-in model"
		before := []string{"spinemask", "eval", given, "--keep=" + keep}
		if e.images != "" {
			before = append(before, "--images="+e.images)
		}
		if e.model != "" {
			a.Name = filepath.Base(e.model)
			before = append(before, "--model="+e.model)
		}
		a.Before = analysisreport.Command(append(before, flags...)...)
		command = append(command, filepath.Join(keep, "results.json"))
	}
	a.Command = analysisreport.Command(append(command, flags...)...)
	return evalcmd.Analyse(a, gt, results, io.Discard, io.Discard)
}
