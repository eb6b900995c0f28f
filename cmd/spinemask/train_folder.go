package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/spinemask/spinemask/internal/core/backprop"
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
	trainReport = "report.html"
	trainFold   = "fold-" // and its number: models of folds, and their states
)

// trainProgress is kept with the state.
type trainProgress struct {
	Source     string       `json:"source"`               // of the weights that it began with
	Weights    string       `json:"weights_sha256"`       // of that file
	Validation string       `json:"validation,omitempty"` // hash of the data set
	Every      int          `json:"every"`                // steps between validations
	Table      string       `json:"table,omitempty"`      // the block table of its network, as it was named
	Fitted     bool         `json:"fitted"`               // the number of steps follows from --minutes
	Seconds    float64      `json:"seconds"`              // that the run has taken
	BestAP     float64      `json:"best_ap"`
	BestStep   int          `json:"best_step"` // 0: none yet
	Threshold  float64      `json:"threshold"`
	Worse      int          `json:"worse"` // validations since the best
	Validated  []validation `json:"validated,omitempty"`
	Best       scores       `json:"best"`
	Folds      int          `json:"folds,omitempty"`  // that the threshold is taken by
	Folded     bool         `json:"folded,omitempty"` // it has been taken
}

type validation struct {
	Step int     `json:"step"`
	AP   float64 `json:"ap"`
	AP50 float64 `json:"ap50"`
	Box  float64 `json:"box_ap"`
}

// scores are what the report shows of a validation.
type scores struct {
	ByClass []train.ClassScore `json:"by_class,omitempty"`
	Images  []train.ImageScore `json:"images,omitempty"`
}

func (r *trainRun) path(name string) string { return filepath.Join(r.flags.folder(), name) }

// begin makes the folder of a new run.
func (r *trainRun) begin() error {
	if err := os.MkdirAll(r.flags.folder(), 0o777); err != nil {
		return err
	}
	former := []string{trainState, trainBest, trainReport, trainSplit}
	files, err := os.ReadDir(r.flags.folder())
	if err != nil {
		return err
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), trainFold) {
			former = append(former, f.Name())
		}
	}
	for _, name := range former {
		if sameFile(r.path(name), r.flags.from) {
			return hinted{fmt.Errorf("--from %s is of the run that this one would replace", r.flags.from), "choose another output with -o"}
		}
	}
	sum, err := r.flags.weightsSum()
	if err != nil {
		return err
	}
	for _, name := range former {
		if err := os.Remove(r.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	r.progress = trainProgress{Source: r.source, Weights: sum, Every: r.flags.every, Table: r.flags.table, Folds: len(r.folds())}
	if r.progress.Every == 0 {
		r.progress.Every = max(1, r.recipe.Steps/20)
	}
	if r.val != nil {
		r.progress.Validation = r.val.SHA256()
	} else if r.flags.patience > 0 {
		r.talk.say("hint: --patience has no effect without images for validation; --val names some")
	}
	if err := r.writeRecipe(); err != nil {
		return err
	}
	if r.heldOut {
		if err := writeFile(r.path(trainSplit), r.writeSplit); err != nil {
			return err
		}
	}
	if r.log, err = os.Create(r.path(trainLog)); err != nil {
		return err
	}
	return r.save()
}

// weightsSum is the hash of the file that the run begins with; "" for none.
func (f *trainFlags) weightsSum() (string, error) {
	if f.from == "scratch" {
		return "", nil
	}
	file, err := openWeights(f.from)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.SHA256()
}

func (r *trainRun) writeRecipe() error {
	return writeFile(r.path(trainRecipe), func(w io.Writer) error { return writeJSON(w, r.recipe) })
}

// writeSplit lists the images that are held out.
func (r *trainRun) writeSplit(w io.Writer) error {
	for _, im := range r.val.Images {
		if _, err := fmt.Fprintln(w, im.Name); err != nil {
			return err
		}
	}
	return nil
}

// goOn takes up the run in the folder.
func (r *trainRun) goOn() error {
	f := r.flags
	state := r.path(trainState)
	if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("%s holds no run that could go on", f.folder()), "leave --resume away"}
	}
	var extra json.RawMessage
	var err error
	if r.trainer, extra, err = train.Resume(state, r.set, r.options()); err != nil {
		if m := (*backprop.MemoryError)(nil); errors.As(err, &m) {
			return fmt.Errorf("%s: a batch takes %d MB of memory, and %d MB are free", state, m.Need>>20, m.Limit>>20)
		}
		return hinted{err, "the same data, --val and --seed go on with it; leave --resume away to begin anew"}
	}
	r.recipe = r.trainer.Recipe()
	if err := json.Unmarshal(extra, &r.progress); err != nil {
		return fmt.Errorf("%s: %w", state, err)
	}
	r.source = r.progress.Source
	if err := r.sameRun(); err != nil {
		return hinted{fmt.Errorf("%s: %w", state, err), "leave --resume away to begin anew"}
	}
	r.talk.say("goes on  after step %d of %d", r.trainer.StepDone(), r.recipe.Steps)
	if err := r.cutLog(); err != nil {
		return err
	}
	r.log, err = os.OpenFile(r.path(trainLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	return err
}

// sameRun says whether the command line asks for another run than the one that goes on.
func (r *trainRun) sameRun() error {
	val := ""
	if r.val != nil {
		val = r.val.SHA256()
	}
	if val != r.progress.Validation {
		return errors.New("the run was begun with other data for validation")
	}
	if every := r.flags.every; every != 0 && every != r.progress.Every {
		return fmt.Errorf("the run was begun with a validation every %d steps, not %d", r.progress.Every, every)
	}
	if r.progress.Table != "" && filepath.Clean(r.flags.table) != filepath.Clean(r.progress.Table) {
		return fmt.Errorf("the run was begun with --block-table %s, not %s", orNone(r.progress.Table), orNone(r.flags.table))
	}
	if n := len(r.folds()); n != r.progress.Folds {
		return fmt.Errorf("the run was begun with %d folds, not %d", r.progress.Folds, n)
	}
	sum, err := r.flags.weightsSum()
	if err != nil {
		return err
	}
	if sum != r.progress.Weights {
		return fmt.Errorf("the run was begun with other weights, from %s", r.progress.Source)
	}
	asked, err := r.flags.makeRecipe(len(r.set.Images))
	if err != nil {
		return err
	}
	if r.progress.Fitted || !r.flags.given("steps") {
		asked.Steps, asked.Rate.WarmupSteps = r.recipe.Steps, r.recipe.Rate.WarmupSteps
	}
	if !reflect.DeepEqual(asked, r.recipe) {
		return errors.New("the run was begun with another recipe, see " + trainRecipe)
	}
	return nil
}

// cutLog drops the lines that the run will write again.
func (r *trainRun) cutLog() error {
	data, err := os.ReadFile(r.path(trainLog))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	validated := 0
	if n := len(r.progress.Validated); n > 0 {
		validated = r.progress.Validated[n-1].Step
	}
	var kept bytes.Buffer
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var line struct {
			Step       int             `json:"step"`
			Validation json.RawMessage `json:"validation"`
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil { // torn by a kill
			continue
		}
		if line.Validation == nil && line.Step <= r.trainer.StepDone() || line.Validation != nil && line.Step <= validated {
			kept.Write(lines.Bytes())
			kept.WriteByte('\n')
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", r.path(trainLog), err)
	}
	return writeFile(r.path(trainLog), func(w io.Writer) error { _, err := w.Write(kept.Bytes()); return err })
}

// logLine writes a line of JSON.
func (r *trainRun) logLine(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.log.Write(append(line, '\n'))
	return err
}

// save writes the state from which the run can go on.
func (r *trainRun) save() error {
	r.lastSaved = time.Now()
	p := r.progress
	p.Seconds = r.spent().Seconds()
	return writeFile(r.path(trainState), func(w io.Writer) error { return r.trainer.WriteState(w, p) })
}

// spent is the time that the run has taken, with what came before a --resume.
func (r *trainRun) spent() time.Duration {
	return time.Duration(r.progress.Seconds*float64(time.Second)) + time.Since(r.began)
}

// writeModel writes the network as it is.
func (r *trainRun) writeModel(path string, threshold float64) error {
	c := r.trainer.Config()
	c.Detections.DisplayThreshold = threshold
	c.Name = strings.TrimSuffix(filepath.Base(r.flags.out), filepath.Ext(r.flags.out))
	return writeFile(path, func(w io.Writer) error { return r.trainer.WriteModel(w, r.provenance()) })
}

// provenance says in the model how it was made.
func (r *trainRun) provenance() weights.Provenance {
	return r.provenanceOf(r.trainer, len(r.set.Images))
}

func (r *trainRun) provenanceOf(t *train.Trainer, images int) weights.Provenance {
	return weights.Provenance{
		Source: fmt.Sprintf("trained on %s (%d images) from %s, recipe %s, seed %d, %d of %d steps",
			filepath.Base(r.flags.data), images, filepath.Base(r.source), r.recipe.Name, r.recipe.Seed, t.StepDone(), t.Recipe().Steps),
		SHA256: r.set.SHA256(), System: weights.Native,
	}
}
