package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/train"
	"github.com/spinemask/spinemask/weights"
)

// Files in the folder of a run.
const (
	trainState  = "state.safetensors"
	trainLog    = "train.jsonl"
	trainBest   = "best.safetensors"
	trainRecipe = "recipe.json"
	trainSplit  = "validation.txt"
)

// trainRun is one run of the command.
type trainRun struct {
	flags     *trainFlags
	talk      *talk
	set, val  *dataset.Set
	heldOut   bool // val is a part of the data set
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
}

// trainProgress is kept with the state.
type trainProgress struct {
	Every     int           `json:"every"` // steps between validations
	BestAP    float64       `json:"best_ap"`
	BestStep  int           `json:"best_step"` // 0: none yet
	Threshold float64       `json:"threshold"`
	Worse     int           `json:"worse"` // validations since the best
	Validated []validation  `json:"validated,omitempty"`
	Recipe    *train.Recipe `json:"-"`
}

type validation struct {
	Step int     `json:"step"`
	AP   float64 `json:"ap"`
	AP50 float64 `json:"ap50"`
	Box  float64 `json:"box_ap"`
}

// prepare reads the data, resolves the recipe, and makes the trainer.
func (r *trainRun) prepare(ctx context.Context, stdout io.Writer) error {
	f := r.flags
	if err := r.readData(); err != nil {
		return err
	}
	var err error
	if r.recipe, err = f.makeRecipe(len(r.set.Images), nil); err != nil {
		return err
	}
	if f.resume {
		if err := r.recipeOfRun(); err != nil {
			return err
		}
	}
	if f.printRecipe {
		r.done = true
		return writeJSON(stdout, r.recipe)
	}
	if r.start, r.source, err = f.start(r.talk, r.set); err != nil {
		return err
	}
	s := r.start
	r.talk.say("from     %s: %d arrays kept, %d with the rows of known classes, %d made anew, %d left out", r.source, len(s.Kept), len(s.Classes), len(s.New), len(s.Left))
	if r.recipe.Norms.Frozen {
		r.talk.say("norms    keep their statistics: batches of %d images are too few for new ones", r.recipe.Batch)
	}
	if f.preview != "" {
		r.done = true
		return errors.New("--preview: not there")
	}
	if r.trainer, err = train.New(s.Config, s, r.set, r.recipe, &train.Options{Threads: f.threads}); err != nil {
		return err
	}
	if f.check {
		r.done = true
		return r.forecast(ctx)
	}
	return r.openFolder()
}

// readData reads the data set and what is for validation, and says what they are.
func (r *trainRun) readData() error {
	f := r.flags
	set, err := dataset.Open(f.data, dataset.Options{Images: f.images})
	if err != nil {
		return err
	}
	r.set = set
	if f.val != "" {
		images := f.valImages
		if images == "" {
			images = f.images
		}
		if r.val, err = dataset.Open(f.val, dataset.Options{Images: images}); err != nil {
			return err
		}
	} else if len(set.Images) >= 10 {
		r.set, r.val = train.HoldOut(set, f.seed)
		r.heldOut = true
	}
	n := 0
	for _, im := range r.set.Images {
		n += len(im.Objects)
	}
	r.talk.say("data     %d images, %d objects, classes %s", len(r.set.Images), n, strings.Join(categoryNames(set), ", "))
	switch {
	case r.heldOut:
		r.talk.say("         %d of the images are held out for validation, see %s", len(r.val.Images), filepath.Join(f.folder(), trainSplit))
	case r.val == nil:
		r.talk.say("         fewer than ten images: none is held out, so there is no validation and no best model, only the last one")
	default:
		r.talk.say("         %d images for validation", len(r.val.Images))
	}
	return nil
}

func categoryNames(s *dataset.Set) (names []string) {
	for _, c := range s.Categories {
		name := c.Name
		if name == "" {
			name = fmt.Sprint("class ", c.ID)
		}
		names = append(names, name)
	}
	return names
}

// recipeOfRun takes the recipe of the run that goes on: the number of steps may have
// followed from the time that they took.
func (r *trainRun) recipeOfRun() error {
	path := filepath.Join(r.flags.folder(), trainRecipe)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("%s holds no run that could go on", r.flags.folder()), "leave --resume away"}
	}
	if err != nil {
		return reason(path, err)
	}
	recipe, err := train.ParseRecipe(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.recipe = recipe
	return nil
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
	r.talk.say("time     %s a step of %d images, %s an epoch, %s for %d steps, without validation; %d MB of memory for a batch",
		took.Round(time.Millisecond), r.recipe.Batch, roundTime(took*time.Duration(epoch)), roundTime(took*time.Duration(steps)), steps, r.trainer.Bytes()>>20)
	return nil
}

func roundTime(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}

// openFolder begins the folder of the run, or goes on with it.
func (r *trainRun) openFolder() error {
	f := r.flags
	if err := os.MkdirAll(f.folder(), 0o777); err != nil {
		return err
	}
	r.progress.Every = f.every
	if r.progress.Every == 0 {
		r.progress.Every = max(1, r.recipe.Steps/20)
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	state := filepath.Join(f.folder(), trainState)
	if f.resume {
		extra, err := r.trainer.ReadState(state)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(extra, &r.progress); err != nil {
			return fmt.Errorf("%s: %w", state, err)
		}
		r.talk.say("goes on  after step %d of %d", r.trainer.StepDone(), r.recipe.Steps)
	} else {
		flags |= os.O_TRUNC
	}
	var err error
	r.log, err = os.OpenFile(filepath.Join(f.folder(), trainLog), flags, 0o666)
	return err
}

// loop trains to the end, and writes the model.
func (r *trainRun) loop(ctx context.Context) error {
	defer r.log.Close()
	f := r.flags
	if !f.resume {
		if err := r.writeBeginning(); err != nil {
			return err
		}
	}
	err := r.trainer.Run(ctx, func(p train.Progress) error { return r.step(ctx, p) })
	if errors.Is(err, errPatience) {
		err = nil
	}
	if err != nil {
		if saveErr := r.save(); saveErr != nil {
			return errors.Join(err, saveErr)
		}
		if ctx.Err() != nil {
			r.talk.say("interrupted after step %d; go on with: %s", r.trainer.StepDone(), resumeCommand())
			return exit(exitInterrupted)
		}
		return hinted{err, "the state after the last good step is kept in " + f.folder()}
	}
	if err := r.save(); err != nil {
		return err
	}
	return r.finish(ctx)
}

var errPatience = errors.New("no better model")

// step is called after each update.
func (r *trainRun) step(ctx context.Context, p train.Progress) error {
	if r.flags.minutes > 0 && !r.flags.resume && p.Step == 2 {
		if err := r.fitTime(p); err != nil {
			return err
		}
	}
	r.interval.add(p)
	last := p.Step == r.recipe.Steps
	due := p.Step%r.progress.Every == 0 || last
	if time.Since(r.interval.said) > 10*time.Second || due {
		r.interval.say(r.talk, p, r.recipe.Steps, len(r.set.Images), r.recipe.Batch)
	}
	if err := r.logLine(p); err != nil {
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
	if r.flags.patience > 0 && r.progress.Worse >= r.flags.patience {
		r.talk.say("stopped: %d validations without a better model", r.progress.Worse)
		return errPatience
	}
	return nil
}

// fitTime makes the number of steps that which the time is for.
func (r *trainRun) fitTime(p train.Progress) error {
	left := time.Duration(r.flags.minutes*float64(time.Minute)) - time.Since(r.began)
	steps := max(p.Step+1, p.Step+int(0.93*left.Seconds()/p.Took.Seconds())) // the rest is for validation
	r.talk.say("time     %s a step: %d steps in %g minutes", p.Took.Round(time.Millisecond), steps, r.flags.minutes)
	r.recipe.Steps = steps
	r.trainer.SetSteps(steps)
	if r.flags.every == 0 {
		r.progress.Every = max(1, steps/20)
	}
	return r.writeRecipe()
}

func (r *trainRun) writeRecipe() error {
	return writeFile(filepath.Join(r.flags.folder(), trainRecipe), func(w io.Writer) error { return writeJSON(w, r.recipe) })
}

// writeBeginning writes what is known before the first step.
func (r *trainRun) writeBeginning() error {
	if err := r.writeRecipe(); err != nil {
		return err
	}
	split := filepath.Join(r.flags.folder(), trainSplit)
	if !r.heldOut {
		if err := os.Remove(split); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return writeFile(split, func(w io.Writer) error {
		for _, im := range r.val.Images {
			if _, err := fmt.Fprintln(w, im.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *trainRun) logLine(p train.Progress) error {
	line, err := json.Marshal(struct {
		Step    int          `json:"step"`
		Rate    float64      `json:"learning_rate"`
		Seconds float64      `json:"seconds"`
		Losses  train.Losses `json:"losses"`
	}{p.Step, p.Rate, p.Took.Seconds(), p.Losses})
	if err != nil {
		return err
	}
	_, err = r.log.Write(append(line, '\n'))
	return err
}

// validate measures the network, and keeps it if it is the best so far.
func (r *trainRun) validate(ctx context.Context, step int) error {
	s, err := r.trainer.Validate(ctx, r.val)
	if err != nil {
		return err
	}
	v := validation{step, s.AP, s.AP50, s.BoxAP}
	r.progress.Validated = append(r.progress.Validated, v)
	better := r.progress.BestStep == 0 || s.AP > r.progress.BestAP
	word := ""
	if better {
		r.progress.BestAP, r.progress.BestStep, r.progress.Threshold, r.progress.Worse = s.AP, step, s.Threshold, 0
		word = ", the best so far"
		if err := r.writeModel(filepath.Join(r.flags.folder(), trainBest), s.Threshold); err != nil {
			return err
		}
	} else {
		r.progress.Worse++
	}
	r.talk.say("step %d: validation AP %.3f, AP50 %.3f, box AP %.3f, F1 %.3f from score %.2f on%s", step, s.AP, s.AP50, s.BoxAP, s.F1, s.Threshold, word)
	line, err := json.Marshal(map[string]any{"step": step, "validation": v})
	if err != nil {
		return err
	}
	_, err = r.log.Write(append(line, '\n'))
	return err
}

// save writes the state from which the run can go on.
func (r *trainRun) save() error {
	r.lastSaved = time.Now()
	return writeFile(filepath.Join(r.flags.folder(), trainState), func(w io.Writer) error { return r.trainer.WriteState(w, r.progress) })
}

// writeModel writes the network as it is.
func (r *trainRun) writeModel(path string, threshold float64) error {
	c := r.trainer.Config()
	c.Detections.DisplayThreshold = threshold
	c.Name = strings.TrimSuffix(filepath.Base(r.flags.out), filepath.Ext(r.flags.out))
	p := weights.Provenance{
		Source: fmt.Sprintf("trained on %s (%d images) from %s, recipe %s, %d steps", filepath.Base(r.flags.data), len(r.set.Images), r.source, r.recipe.Name, r.trainer.StepDone()),
		SHA256: r.set.SHA256(), System: weights.Native,
	}
	return writeFile(path, func(w io.Writer) error { return r.trainer.WriteModel(w, p) })
}

// finish puts the best model, or else the last, where it was asked for.
func (r *trainRun) finish(ctx context.Context) error {
	f := r.flags
	if r.progress.BestStep == 0 {
		threshold := 0.5
		if s, err := r.trainer.Validate(ctx, r.set); err == nil {
			threshold = s.Threshold
			r.talk.say("on the images it was trained on: AP %.3f, AP50 %.3f, F1 %.3f from score %.2f on", s.AP, s.AP50, s.F1, s.Threshold)
		} else {
			return err
		}
		if err := r.writeModel(f.out, threshold); err != nil {
			return err
		}
	} else {
		data, err := os.ReadFile(filepath.Join(f.folder(), trainBest))
		if err != nil {
			return err
		}
		if err := writeFile(f.out, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			return err
		}
		r.talk.say("best     step %d, validation AP %.3f", r.progress.BestStep, r.progress.BestAP)
	}
	r.talk.say("wrote %s; try it: spinemask segment IMAGES -m %s -o out", f.out, quoted(f.out))
	return nil
}

// trainInterval collects steps between two lines.
type trainInterval struct {
	steps int
	took  time.Duration
	sums  train.Losses
	said  time.Time
}

func (i *trainInterval) add(p train.Progress) {
	if i.sums == nil {
		i.sums = train.Losses{}
		if i.said.IsZero() {
			i.said = time.Now()
		}
	}
	i.steps++
	i.took += p.Took
	for name, v := range p.Losses {
		i.sums[name] += v
	}
}

// say prints the means since the last line.
func (i *trainInterval) say(t *talk, p train.Progress, steps, images, batch int) {
	n := float64(i.steps)
	each := i.took / time.Duration(i.steps)
	var parts []string
	for _, l := range [][2]string{{"rpn_score_loss", "rpn"}, {"rpn_box_loss", "rpn box"}, {"frcnn_cls_loss", "class"}, {"frcnn_box_loss", "box"}, {"mask_loss", "mask"}, {"cls_loss", "class"}, {"box_loss", "box"}} {
		if v, ok := i.sums[l[0]]; ok {
			parts = append(parts, fmt.Sprintf("%s %.3f", l[1], v/n))
		}
	}
	t.say("step %d of %d, epoch %.1f: loss %.3f (%s), lr %.2g, %.1f images/s, %s left", p.Step, steps, float64(p.Step*batch)/float64(images),
		i.sums["total_loss"]/n, strings.Join(parts, ", "), p.Rate, float64(batch)/each.Seconds(), roundTime(each*time.Duration(steps-p.Step)))
	*i = trainInterval{said: time.Now()}
}
