package main

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights"
)

// modelFlags say which model looks at pictures, what of its findings is kept, and how much of the machine it gets.
type modelFlags struct {
	score      float64
	scoreGiven bool
	nms        float64
	max        int
	classes    []string
	workers    int
	atOnce     int // workers of this run
	threads    int
	model      string
	fast       bool
	weights    weights.Options // about a foreign model file
	raw        bool            // keep detections beyond the border, for an evaluation
	masksFor   string          // the flag that a model without masks cannot serve; "": none
}

// findingFlags are about what is kept of a picture, which is an image, or a frame.
func (f *modelFlags) findingFlags(fl *pflag.FlagSet, picture string) {
	fl.Float64Var(&f.score, "score", 0, "keep instances with at least this `score`, 0 to 1 (default: the model's own)")
	fl.Float64Var(&f.nms, "nms", 0, "drop the one with the lower score of two instances of a class whose boxes overlap by this `IoU`, 0.01 to 1 (default: the model's own)")
	fl.IntVar(&f.max, "max-detections", 0, "keep at most this `number` of instances of "+picture+" (default: the model's own)")
	fl.StringSliceVar(&f.classes, "class", nil, "keep only instances of these `classes`")
}

// runFlags are about the model and the machine.
func (f *modelFlags) runFlags(cmd *cobra.Command, pictures string) {
	fl := cmd.Flags()
	fl.IntVar(&f.workers, "workers", 0, fmt.Sprintf("`number` of %s at once, each with memory of its own (default: one a thread, up to %d)", pictures, maxWorkers))
	fl.IntVar(&f.threads, "threads", 0, "`number` of CPU threads, shared by the workers (default: all)")
	fl.StringVarP(&f.model, "model", "m", "", "model `file` (default: the built-in model for cell nuclei)")
	fl.BoolVar(&f.fast, "fast", false, fastHelp)
	weightFlags(cmd, &f.weights, modelConfig)
}

const fastHelp = "less time and memory on processors that multiply tiles of bfloat16 (AMX), with larger rounding errors"

func (f *modelFlags) check() error {
	if !(f.score >= 0 && f.score <= 1) {
		return fmt.Errorf("--score %g: want 0 to 1", f.score)
	}
	if f.nms != 0 && !(f.nms >= 0.01 && f.nms <= 1) {
		return fmt.Errorf("--nms %g: want 0.01 to 1", f.nms)
	}
	if f.threads > mostThreads {
		return fmt.Errorf("--threads %d: want at most %d", f.threads, mostThreads)
	}
	return nil
}

// checkKind wants a detector, with masks if they are needed.
func (f *modelFlags) checkKind(kind config.Model) error {
	switch {
	case !kind.Detects():
		return hinted{fmt.Errorf("%s classifies whole images, it finds no instances", f.model), "spinemask classify PATH… -m " + quoted(f.model)}
	case f.masksFor != "" && !kind.HasMasks():
		return hinted{fmt.Errorf("%s wants masks, and %s makes boxes alone", f.masksFor, f.model), "boxes are evaluated with --iou bbox"}
	}
	return nil
}

// positive wants numbers that are given to be more than nothing. Cameras count from 0; scores are looked at by check.
func positive(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		switch f.Value.Type() {
		case "int", "int64", "float64":
			v, _ := strconv.ParseFloat(f.Value.String(), 64)
			switch {
			case err != nil || v > 0 || f.Name == "score":
			case f.Name != "camera":
				err = fmt.Errorf("--%s %s: want a positive number", f.Name, f.Value)
			case v < 0:
				err = fmt.Errorf("--%s %s: want 0 or more", f.Name, f.Value)
			}
		}
	})
	return err
}

// share shares the threads among workers for a number of pictures.
func (f *modelFlags) share(o *spinemask.Options, pictures int) {
	cores := f.threads
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	f.atOnce, o.Threads = share(cores, pictures, f.workers)
	o.Workspaces = f.atOnce
}

// open opens the model for a number of pictures, and fills in what it decides.
func (f *modelFlags) open(t *talk, pictures int) (*spinemask.Model, error) {
	least := float64(spinemask.DisplayScore)
	if f.scoreGiven {
		least = f.score
	}
	return f.openFrom(t, pictures, least)
}

// openFrom does that for a model that gives all instances from the least score on.
func (f *modelFlags) openFrom(t *talk, pictures int, least float64) (*spinemask.Model, error) {
	options := spinemask.Options{MinScore: least, NMSIoU: f.nms, MaxDetections: f.max, Raw: f.raw, Fast: f.fast, Weights: f.weights}
	f.share(&options, pictures)
	model, err := openModel(t, f.model, &options)
	if err != nil {
		return nil, err
	}
	c := model.Config()
	if err := f.checkKind(c.Model); err != nil {
		model.Close()
		return nil, err
	}
	if !f.scoreGiven {
		f.score = c.Detections.DisplayThreshold
	}
	f.nms, f.max = c.Detections.NMSIoU, c.Detections.Max
	if err := checkClasses(f.classes, c); err != nil {
		model.Close()
		return nil, err
	}
	return model, nil
}
