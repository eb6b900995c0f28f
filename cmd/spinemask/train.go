package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/train"
	"github.com/spinemask/spinemask/weights"
)

type trainFlags struct {
	data, out   string
	images      string
	val         string
	valImages   string
	from        string
	table       string
	recipe      string
	steps       int
	minutes     float64
	batch       int
	parts       int
	rate        float64
	size        string
	freeze      string
	seed        uint64
	threads     int
	patience    int
	every       int // steps between validations
	folds       int
	resume      bool
	check       bool
	preview     string
	printRecipe bool
	quiet       bool
	verbose     bool
	weights     weights.Options
	given       func(flag string) bool
}

func newTrain(t *talk) *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train DATA -o mine.safetensors",
		Short: "Train a model on your own annotated images",
		Long: `Train a model on your own annotated images, beginning with a model that is
there: the built-in one, or any that --from names. With classes that the model
does not know, the layers that tell classes apart are made anew and the rest is
kept; what was kept and what was not is printed.

DATA is a COCO data set (with --images, the folder of its images), a labelme
folder, a YOLO segmentation data.yaml, a folder of images with label images, or
QuPath's GeoJSON: what "segment --save" writes can be corrected by hand and
trained on.

Before the first step everything is read and what is wrong is said; --check does
that and no more. A tenth of the images is held out for validation, unless --val
names a data set for that; of fewer than ten images none is held out, the last
model is taken, and the score from which instances are shown comes from models
trained without a part of the images (--folds), which doubles the time. Beside the model there is a folder NAME.training with a page about
the run (report.html), the log (train.jsonl), the recipe, the images that were held
out, and the state from which --resume goes on after a stop, with the same bytes as a
run that nobody stopped. docs/training.md goes through it step by step.

The exit code is 0 if all is good, 1 if the run could not start or go on, 130 if
it was interrupted.`,
		Example: `  spinemask train annotations.json --images photos -o mine.safetensors
  spinemask train labelme-folder --minutes 20 -o mine.safetensors
  spinemask train data.yaml --from mask_rcnn.pth --train-size 640x640 -o mine.safetensors
  spinemask train data.yaml --from classifier.safetensors --recipe spinenet-49-mrcnn-b -o mine.safetensors
  spinemask train annotations.json --images photos --check
  spinemask train annotations.json --images photos -o mine.safetensors --resume`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.given = cmd.Flags().Changed
			t.quiet, t.verbose = f.quiet, f.verbose
			if err := f.seedOfFile(); err != nil {
				return err
			}
			if f.printRecipe && len(args) == 0 {
				r, err := f.makeRecipe(100)
				if err != nil {
					return err
				}
				return writeJSON(cmd.OutOrStdout(), r)
			}
			if len(args) == 0 {
				return hinted{errors.New("no data set named"), "spinemask train annotations.json --images photos -o mine.safetensors"}
			}
			f.data = args[0]
			if f.out == "" && !f.check && f.preview == "" && !f.printRecipe {
				return hinted{errors.New("no output file"), "add -o mine.safetensors"}
			}
			if err := f.checkFlags(); err != nil {
				return err
			}
			return f.run(cmd.Context(), t, cmd.OutOrStdout())
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "", "model `file` to write")
	fl.StringVar(&f.images, "images", "", "`folder` of the images, for data sets that name them")
	fl.StringVar(&f.val, "val", "", "`data` set for validation (default: a tenth of the images)")
	fl.StringVar(&f.valImages, "val-images", "", "`folder` of its images (default: that of --images)")
	fl.StringVar(&f.from, "from", "", "model `file` to begin with, or scratch (default: the built-in model)")
	fl.StringVar(&f.table, "block-table", "", blockTableHelp+"; as --from scratch")
	fl.StringVar(&f.recipe, "recipe", "", "`name` of a recipe, or a file of one; --print-recipe shows it")
	fl.IntVar(&f.steps, "steps", 0, "`number` of updates, in place of the recipe's")
	fl.Float64Var(&f.minutes, "minutes", 0, "train for about this many `minutes`, validation and report included: the number of updates follows from the time of the first ones")
	fl.IntVar(&f.batch, "batch", 0, "`images` of an update, in place of the recipe's")
	fl.IntVar(&f.parts, "accumulate", 0, "compute a batch in this `number` of parts, with less memory and the same gradients; the network looks at each part twice")
	fl.Float64Var(&f.rate, "rate", 0, "learning `rate`, in place of the recipe's")
	fl.StringVar(&f.size, "train-size", "", "`HxW` of the network's input, and of the model's from then on if that has a fixed size (default: the model's own)")
	fl.StringVar(&f.freeze, "freeze", "", "what keeps its weights: `stem|backbone|norms`")
	fl.Uint64Var(&f.seed, "seed", 1, "`number` that all random choices follow from, in place of that of a recipe's file")
	fl.IntVar(&f.every, "validate-every", 0, "`steps` between validations (default: a twentieth of the run)")
	fl.IntVar(&f.patience, "patience", 0, "stop after this many `validations` without a better one (default: never)")
	fl.IntVar(&f.folds, "folds", 2, "where no image is held out: train this `number` of models more, each without a part of the images, for the display threshold (0: take it from the images that the model was trained on)")
	fl.BoolVar(&f.resume, "resume", false, "go on with the run whose state lies beside the output file")
	fl.BoolVar(&f.check, "check", false, "read everything, say what is wrong and how long it would take, and stop")
	fl.StringVar(&f.preview, "preview", "", "write what the network will see to this `folder`, and stop")
	fl.BoolVar(&f.printRecipe, "print-recipe", false, "print the recipe as JSON, and stop")
	fl.IntVar(&f.threads, "threads", 0, "`number` of CPU threads (default: all)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "name every array that is kept, made anew, left out")
	weightFlags(cmd, &f.weights, modelConfig)
	return cmd
}

// checkFlags refuses flags that do not go together, before anything is read.
func (f *trainFlags) checkFlags() error {
	if f.folds < 0 || f.folds == 1 {
		return fmt.Errorf("--folds %d: want 2 or more, or 0 for none", f.folds)
	}
	if err := f.checkNumbers(); err != nil {
		return err
	}
	for _, name := range []string{"check", "preview", "print-recipe"} {
		if f.resume && f.given(name) {
			return fmt.Errorf("--resume goes on with a run, and --%s makes none: want one of them", name)
		}
	}
	if f.valImages != "" && f.val == "" {
		return errors.New("--val-images without --val: it is the folder of that data set's images")
	}
	if st, err := os.Stat(f.out); err == nil && st.IsDir() {
		return hinted{fmt.Errorf("-o %s is a folder, want a file", f.out), "-o " + quoted(filepath.Join(f.out, "mine.safetensors"))}
	}
	if f.table != "" && f.from != "" && f.from != "scratch" {
		return fmt.Errorf("--block-table begins with random weights, and --from %s names others", f.from)
	}
	if f.table != "" {
		f.from = "scratch"
	}
	if f.from == "scratch" {
		if f.freeze != "" {
			return fmt.Errorf("--freeze %s and --from scratch: random weights are all trained", f.freeze)
		}
		for _, name := range aboutFile {
			if f.given(name) {
				return hinted{fmt.Errorf("--%s and --from scratch: it is about the file of a model", name), "--" + modelConfig + " names a network with all its values"}
			}
		}
	}
	if sameFile(f.out, f.from) {
		return hinted{fmt.Errorf("--from %s is the output, too, and would be overwritten", f.from), "choose another output with -o"}
	}
	return nil
}

// checkNumbers refuses what no run can be made with.
func (f *trainFlags) checkNumbers() error {
	for _, n := range []struct {
		name  string
		value float64
	}{{"patience", float64(f.patience)}, {"validate-every", float64(f.every)}, {"minutes", f.minutes}} {
		if !(n.value >= 0) || math.IsInf(n.value, 0) {
			return fmt.Errorf("--%s %g: want 0 or more", n.name, n.value)
		}
	}
	return nil
}

// makeRecipe resolves the recipe for so many images.
func (f *trainFlags) makeRecipe(images int) (*train.Recipe, error) {
	r, err := f.namedRecipe(images)
	if err != nil {
		return nil, err
	}
	r.Seed = f.seed
	if f.given("batch") {
		if !r.Rate.PerImage { // as for one of the recipe's size
			scale := float64(f.batch) / float64(r.Batch)
			r.Rate.Value, r.Rate.Warmup = scale*r.Rate.Value, scale*r.Rate.Warmup
		}
		r.Batch = f.batch
	}
	if f.given("accumulate") {
		r.Parts = f.parts
	}
	if (f.given("batch") || f.given("accumulate")) && !f.fileRecipe() {
		r.Norms.Frozen = r.Norms.Frozen && r.Batch/max(r.Parts, 1) < 8
	}
	if f.given("steps") {
		r.Steps = f.steps
	}
	if f.given("rate") {
		r.Rate.Value, r.Rate.PerImage = f.rate, false
		r.Rate.Warmup = f.rate / 10
	}
	if f.size != "" {
		if _, err := fmt.Sscanf(f.size+" end", "%dx%d end", &r.Height, &r.Width); err != nil || r.Height < 1 || r.Width < 1 {
			return nil, fmt.Errorf("--train-size %q: want HxW, such as 384x384", f.size)
		}
	}
	switch f.freeze {
	case "":
	case "norms":
		r.Norms.Frozen, r.Norms.Affine = true, false
	case string(train.FreezeStem), string(train.FreezeBackbone):
		r.Freeze = train.Freeze(f.freeze)
	default:
		return nil, fmt.Errorf("--freeze %q: want stem, backbone, norms", f.freeze)
	}
	r.Rate.WarmupSteps = min(r.Rate.WarmupSteps, r.Steps/5)
	return r, r.Validate()
}

// seedOfFile takes the seed from a recipe's file, if no other is asked for.
func (f *trainFlags) seedOfFile() error {
	if f.given("seed") || !f.fileRecipe() {
		return nil
	}
	r, err := f.namedRecipe(0)
	if err != nil {
		return err
	}
	f.seed = r.Seed
	return nil
}

func (f *trainFlags) fileRecipe() bool { return strings.HasSuffix(f.recipe, ".json") }

func (f *trainFlags) namedRecipe(images int) (*train.Recipe, error) {
	if f.fileRecipe() {
		data, err := os.ReadFile(f.recipe)
		if err != nil {
			return nil, reason(f.recipe, err)
		}
		return train.ParseRecipe(data)
	}
	name := f.recipe
	if name == "" {
		name = "fine-tune"
		switch {
		case f.table != "":
			name = "spinenet-49-retinanet-b"
		case f.from == "":
			name = "fine-tune-microscopy" // the built-in model's pictures
		}
	}
	return train.ByName(name, images)
}

// folder holds what a run keeps beside its model.
func (f *trainFlags) folder() string {
	return strings.TrimSuffix(f.out, filepath.Ext(f.out)) + ".training"
}

func (f *trainFlags) run(ctx context.Context, t *talk, stdout io.Writer) error {
	r := &trainRun{flags: f, talk: t, began: time.Now()}
	if err := r.prepare(ctx, stdout); err != nil || r.done {
		return err
	}
	return r.loop(ctx)
}

// writeJSON writes a value for people to read and edit.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
