package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/train"
)

// trainRun is one run of the command.
type trainRun struct {
	flags     *trainFlags
	talk      *talk
	set, val  *dataset.Set
	whole     *dataset.Set // with what is held out
	heldOut   bool         // val is a part of the data set
	recipe    *train.Recipe
	start     *train.Start
	source    string
	trainer   *train.Trainer
	progress  trainProgress
	began     time.Time
	log       *os.File
	done      bool // there is nothing more to do
	lastSaved time.Time
	interval  trainInterval

	timed struct { // steps whose time says how many fit into --minutes
		steps int
		took  time.Duration
	}
	validating time.Duration // the last validation
	fold       int           // that is trained now, from 1; 0: none
}

// prepare reads the data, resolves the recipe, and makes the trainer.
func (r *trainRun) prepare(ctx context.Context, stdout io.Writer) error {
	f := r.flags
	if err := r.readData(); err != nil {
		return err
	}
	if f.resume {
		if err := r.checkData(false); err != nil {
			return err
		}
		return r.goOn()
	}
	var err error
	if r.recipe, err = f.makeRecipe(len(r.set.Images)); err != nil {
		return err
	}
	if f.printRecipe {
		r.done = true
		return writeJSON(stdout, r.recipe)
	}
	if r.start, r.source, err = f.start(r.talk, r.set, r.recipe.Name); err != nil {
		return err
	}
	if err := r.checkData(r.start.Config.Model.HasMasks()); err != nil {
		return err
	}
	r.sayStart()
	if r.trainer, err = train.New(r.start.Config, r.start, r.set, r.recipe, r.options()); err != nil {
		if m := (*backprop.MemoryError)(nil); errors.As(err, &m) {
			return r.tooLarge(m.Need, m.Limit)
		}
		if f.size == "" && r.start.Config.Input.Fit != config.FitFixedSize {
			return hinted{err, "add --train-size 640x640, for instance"}
		}
		return err
	}
	if f.preview != "" {
		r.done = true
		return r.preview()
	}
	if err := r.fitsMemory(); err != nil {
		return err
	}
	if f.check {
		r.done = true
		return r.forecast(ctx)
	}
	return r.begin()
}

func (r *trainRun) options() *train.Options {
	return &train.Options{Threads: r.flags.threads, MemoryLimit: availableMemory()}
}

// forecast makes two steps and says what the run would take.
func (r *trainRun) forecast(ctx context.Context) error {
	var took time.Duration
	for range 2 {
		start := time.Now()
		if _, err := r.trainer.Step(ctx); err != nil {
			return err
		}
		took = time.Since(start) // the first one reads pictures and makes room
	}
	steps := r.recipe.Steps
	epoch := max(1, len(r.set.Images)/r.recipe.Batch)
	without := "without validation"
	if n := len(r.folds()); n > 0 {
		without = fmt.Sprintf("and %s more for the %d folds", roundTime(time.Duration((r.timesOver()-1)*float64(took)*float64(steps))), n)
	}
	r.talk.say("time     %s a step of %d images, %s an epoch, %s for %d steps, %s; %d MB of memory for a batch",
		took.Round(time.Millisecond), r.recipe.Batch, roundTime(took*time.Duration(epoch)), roundTime(took*time.Duration(steps)), steps, without, r.trainer.Bytes()>>20)
	return nil
}

func roundTime(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
