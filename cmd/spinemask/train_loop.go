package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spinemask/spinemask/train"
)

// loop trains to the end, and writes the model.
func (r *trainRun) loop(ctx context.Context) error {
	defer r.log.Close()
	err := r.train(ctx)
	var diverged *train.DivergedError
	if errors.As(err, &diverged) {
		hint := "a smaller --rate; it was " + number(r.recipe.Rate.Value)
		if r.progress.BestStep > 0 {
			hint += "; the best model before that is kept, " + r.path(trainBest)
		}
		return hinted{err, hint}
	}
	if saveErr := r.save(); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	if err == nil {
		err = r.finish(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && r.fold > 0:
		r.talk.say("interrupted in fold %d; go on with: %s", r.fold, resumeCommand())
		return exit(exitInterrupted)
	case ctx.Err() != nil:
		r.talk.say("interrupted after step %d; go on with: %s", r.trainer.StepDone(), resumeCommand())
		return exit(exitInterrupted)
	case errors.As(err, new(hinted)):
		return err
	}
	return hinted{err, "the state after the last good step is kept in " + r.flags.folder() + "; --resume goes on from there"}
}

// train makes the steps that are left.
func (r *trainRun) train(ctx context.Context) error {
	step := r.trainer.StepDone()
	if n := len(r.progress.Validated); step > 0 && r.due(step) && r.val != nil && (n == 0 || r.progress.Validated[n-1].Step < step) {
		if err := r.validate(ctx, step); err != nil { // the run was stopped before it
			return err
		}
	}
	if r.lostPatience() {
		return nil
	}
	err := r.trainer.Run(ctx, func(p train.Progress) error { return r.step(ctx, p) })
	if errors.Is(err, errPatience) {
		return nil
	}
	return err
}

var errPatience = errors.New("no better model")

// due says whether the network is validated after a step.
func (r *trainRun) due(step int) bool {
	return step%r.progress.Every == 0 || step == r.recipe.Steps
}

// step is called after each update.
func (r *trainRun) step(ctx context.Context, p train.Progress) error {
	if err := r.fitTime(p); err != nil {
		return err
	}
	r.interval.add(p)
	due := r.due(p.Step)
	known := r.flags.minutes == 0 || r.progress.Fitted // how many steps there will be
	if known && (due && r.val != nil || p.Step == p.Steps || time.Since(r.interval.said) > 10*time.Second) {
		validations := (r.recipe.Steps-p.Step)/r.progress.Every + 1
		rest := time.Duration(validations) * r.validating
		rest += time.Duration((r.timesOver() - 1) * float64(r.recipe.Steps) * float64(r.interval.took) / float64(r.interval.steps))
		r.interval.say(r.talk, "", p, r.recipe, len(r.set.Images), rest)
	}
	if p.Deviations > 8 {
		r.talk.say("warning: the loss of step %d, %.3f, lies %.0f standard deviations above that of the steps before", p.Step, p.Losses["total_loss"], p.Deviations)
	}
	err := r.logLine(struct {
		Step    int          `json:"step"`
		Rate    float64      `json:"learning_rate"`
		Seconds float64      `json:"seconds"`
		Waited  float64      `json:"waited"`
		Losses  train.Losses `json:"losses"`
	}{p.Step, p.Rate, p.Took.Seconds(), p.Waited.Seconds(), p.Losses})
	if err != nil {
		return err
	}
	if due && r.val != nil {
		if err := r.validate(ctx, p.Step); err != nil {
			return err
		}
	}
	if due || time.Since(r.lastSaved) > 30*time.Second {
		if err := r.save(); err != nil {
			return err
		}
	}
	if r.lostPatience() {
		return errPatience
	}
	return nil
}

func (r *trainRun) lostPatience() bool {
	if r.flags.patience == 0 || r.progress.Worse < r.flags.patience {
		return false
	}
	r.talk.say("stopped: %d validations without a better model", r.progress.Worse)
	return true
}

// validate measures the network, and keeps it if it is the best so far.
func (r *trainRun) validate(ctx context.Context, step int) error {
	began := time.Now()
	s, err := r.trainer.Validate(ctx, r.val)
	if err != nil {
		return err
	}
	r.validating = time.Since(began)
	v := validation{step, s.AP, s.AP50, s.BoxAP}
	g := &r.progress
	g.Validated = append(g.Validated, v)
	word := ""
	g.Worse++
	if better := g.BestStep == 0 || s.AP > g.BestAP; better || s.AP <= 0 && s.AP == g.BestAP { // of those that find nothing yet, the last one
		if better {
			g.Worse, word = 0, ", the best so far"
		}
		g.BestAP, g.BestStep, g.Threshold = s.AP, step, s.Threshold
		g.Best = scores{s.ByClass, s.Images}
		if err := r.writeModel(r.path(trainBest), s.Threshold); err != nil {
			return err
		}
	}
	r.talk.say("step %d: validation AP %.3f, AP50 %.3f, box AP %.3f, F1 %.3f from score %.2f on%s", step, s.AP, s.AP50, s.BoxAP, s.F1, s.Threshold, word)
	return r.logLine(struct {
		Step       int        `json:"step"`
		Validation validation `json:"validation"`
	}{step, v})
}

// finish puts the best model, or else the last, where it was asked for, and reports.
func (r *trainRun) finish(ctx context.Context) error {
	f, g := r.flags, &r.progress
	shown, folded := r.val, g.Folded
	switch {
	case g.Folds > 0:
		shown = r.set
		if err := r.takeFolds(ctx); err != nil {
			return err
		}
		if err := r.writeModel(f.out, g.Threshold); err != nil {
			return err
		}
	case g.BestStep == 0:
		shown = r.set
		s, err := r.trainer.Validate(ctx, r.set)
		if err != nil {
			return err
		}
		g.Best, g.Threshold = scores{s.ByClass, s.Images}, s.Threshold
		r.talk.say("on the images it was trained on, which says little of others: AP %.3f, AP50 %.3f; the display threshold, score %.2f, is from there too", s.AP, s.AP50, s.Threshold)
		if err := r.writeModel(f.out, s.Threshold); err != nil {
			return err
		}
	default:
		data, err := os.ReadFile(r.path(trainBest))
		if err != nil {
			return err
		}
		if err := writeFile(f.out, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			return err
		}
		r.talk.say("best     step %d, validation AP %.3f", g.BestStep, g.BestAP)
	}
	if _, err := os.Stat(r.path(trainReport)); !folded || err != nil { // else it is of this run, and its models are gone
		if err := r.report(ctx, shown); err != nil {
			return err
		}
	}
	if err := r.dropFolds(); err != nil {
		return err
	}
	r.talk.say("report   %s", r.path(trainReport))
	r.talk.say("wrote %s; try it: spinemask segment IMAGES -m %s -o out", f.out, quoted(f.out))
	return nil
}
