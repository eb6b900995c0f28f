package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/train"
)

// A data set below ten images has none to hold out, so that what is measured on it is
// measured on images that the model was trained on, and looks better than it is. The
// display threshold is therefore taken by folds: after the model, one more is trained for
// each part of the images, without it, and shown it. A model of n folds sees (n − 1)/n of
// the images, and is trained for as large a part of the steps, so that it sees each as
// often as the model does.

// folds are those of the run; none where there are images for validation.
func (r *trainRun) folds() []train.Fold {
	if r.val != nil || r.flags.folds == 0 {
		return nil
	}
	return train.Folds(r.set, r.flags.folds, r.flags.seed)
}

// timesOver is how many times the time of the model's own steps a run takes.
func (r *trainRun) timesOver() float64 {
	return max(1, float64(len(r.folds()))) // n models, (n − 1)/n of the steps each, and the model
}

// part is that which a model of n folds does not see.
func part(n int) string {
	switch n {
	case 2:
		return "a half"
	case 3:
		return "a third"
	case 4:
		return "a quarter"
	}
	return fmt.Sprintf("a part of %d", n)
}

// foldPath is the model of a fold, foldState what its training goes on from.
func (r *trainRun) foldPath(i int) string {
	return r.path(fmt.Sprintf(trainFold+"%d.safetensors", i+1))
}
func (r *trainRun) foldState(i int) string {
	return r.path(fmt.Sprintf(trainFold+"%d.state.safetensors", i+1))
}

// takeFolds trains a model for each fold that has none yet, and takes the display threshold,
// and what the report shows, from all of them.
func (r *trainRun) takeFolds(ctx context.Context) error {
	g := &r.progress
	if !g.Folded {
		folds := r.folds()
		r.trainer = nil // its state is saved; there is memory for one
		for i := range folds {
			debug.FreeOSMemory()
			r.fold = i + 1
			if _, err := os.Stat(r.foldPath(i)); err == nil {
				continue
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := r.trainFold(ctx, i, &folds[i]); err != nil {
				return err
			}
		}
		debug.FreeOSMemory()
		var err error
		if r.trainer, _, err = train.Resume(r.path(trainState), r.set, r.options()); err != nil {
			return err
		}
		models, err := r.openFolds(&spinemask.Options{Threads: r.flags.threads})
		if err != nil {
			return err
		}
		defer models.close()
		s, err := r.trainer.ValidateWith(ctx, r.set, models.of)
		if err != nil {
			return err
		}
		r.fold = 0
		g.Best, g.BestAP, g.Threshold, g.Folded = scores{s.ByClass, s.Images}, s.AP, s.Threshold, true
		if err := r.save(); err != nil {
			return err
		}
	}
	r.talk.say("folds    AP %.3f, of models that were trained without %s of the images and shown that part; the display threshold, score %.2f, is from there", g.BestAP, part(g.Folds), g.Threshold)
	return nil
}

// foldSaved is kept with the state of a fold.
type foldSaved struct {
	Seconds float64 `json:"seconds"` // that the run has taken
}

// trainFold trains the model of a fold.
func (r *trainRun) trainFold(ctx context.Context, i int, fold *train.Fold) error {
	t, err := r.startFold(i, fold)
	if err != nil {
		return err
	}
	n := r.progress.Folds
	save := func() error {
		r.lastSaved = time.Now()
		return writeFile(r.foldState(i), func(w io.Writer) error { return t.WriteState(w, foldSaved{r.spent().Seconds()}) })
	}
	r.lastSaved = time.Now()
	interval := trainInterval{}
	err = t.Run(ctx, func(p train.Progress) error {
		interval.add(p)
		if last := p.Step == p.Steps; last || time.Since(interval.said) > 10*time.Second {
			interval.say(r.talk, fmt.Sprintf("fold %d of %d: ", i+1, n), p, t.Recipe(), len(fold.Train.Images), 0)
		}
		if time.Since(r.lastSaved) > 30*time.Second {
			return save()
		}
		return nil
	})
	if diverged := (*train.DivergedError)(nil); errors.As(err, &diverged) {
		return hinted{fmt.Errorf("fold %d: %w", i+1, err), "a smaller --rate, or --folds 0"}
	}
	if err != nil {
		return errors.Join(err, save())
	}
	c := t.Config()
	c.Name = fmt.Sprintf("fold %d", i+1)
	if err := writeFile(r.foldPath(i), func(w io.Writer) error { return t.WriteModel(w, r.provenanceOf(t, len(fold.Train.Images))) }); err != nil {
		return err
	}
	if err := os.Remove(r.foldState(i)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// startFold begins with what the model began with, or goes on.
func (r *trainRun) startFold(i int, fold *train.Fold) (*train.Trainer, error) {
	t, extra, err := train.Resume(r.foldState(i), fold.Train, r.options())
	if err == nil {
		var saved foldSaved
		if err := json.Unmarshal(extra, &saved); err != nil {
			return nil, fmt.Errorf("%s: %w", r.foldState(i), err)
		}
		r.progress.Seconds = max(r.progress.Seconds, saved.Seconds)
		return t, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if r.start == nil { // of a run that was gone on with
		if r.start, _, err = r.flags.start(&talk{w: io.Discard, quiet: true}, r.set, r.recipe.Name); err != nil {
			return nil, err
		}
	}
	recipe := *r.recipe
	n := r.progress.Folds
	if t, err = train.New(r.start.Config, r.start, fold.Train, &recipe, r.options()); err == nil {
		t.SetSteps(max(1, recipe.Steps*(n-1)/n))
	}
	return t, err
}

// foldModels are open models, and which is for an image of the set.
type foldModels struct {
	open  []*spinemask.Model
	which []int // nil: the first is for all
}

func (m *foldModels) add(path string, o *spinemask.Options) error {
	model, err := spinemask.Open(path, o)
	if err == nil {
		m.open = append(m.open, model)
	}
	return err
}

func (m *foldModels) of(image int) *spinemask.Model {
	if m.which == nil {
		return m.open[0]
	}
	return m.open[m.which[image]]
}

func (m *foldModels) close() {
	for _, model := range m.open {
		model.Close()
	}
}

// openFolds opens the models of the folds, if they are there.
func (r *trainRun) openFolds(o *spinemask.Options) (*foldModels, error) {
	m := &foldModels{}
	for i, fold := range r.folds() {
		if m.which == nil {
			m.which = make([]int, len(r.set.Images))
		}
		for _, k := range fold.Images {
			m.which[k] = i
		}
		if err := m.add(r.foldPath(i), o); errors.Is(err, fs.ErrNotExist) { // a finished run that was gone on with
			m.close()
			return &foldModels{}, nil
		} else if err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

// dropFolds removes the models of the folds when nothing needs them any more.
func (r *trainRun) dropFolds() error {
	for i := range r.folds() {
		if err := os.Remove(r.foldPath(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
