package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/export"
	"github.com/spinemask/spinemask/internal/imageio"
	"github.com/spinemask/spinemask/weights"
)

// What --save knows.
const (
	saveCOCO    = "coco"
	saveOverlay = "overlay"
)

type segmentFlags struct {
	out         string
	model       string
	weights     weights.Options // about a foreign model file
	score       float64
	scoreGiven  bool
	max         int
	threads     int
	save        []string
	recursive   bool
	annotations string
	maxPixels   int64
	asStored    bool
}

func newSegment(t *talk) *cobra.Command {
	var f segmentFlags
	cmd := &cobra.Command{
		Use:   "segment PATH… -o FOLDER",
		Short: "Find the instances in images",
		Long: `Find the instances in images: png, jpeg, gif, bmp, tiff and webp, told apart by
content. A PATH is a file, a folder, or a pattern like 'scans/*.tif'.

The output folder gets
  results.json   COCO results: a box, a score and a mask (RLE) for each instance
  images.json    the images of the run and their ids, failures, categories;
                 a COCO data set without annotations
  overlay/       for each image a picture with the instances drawn on it

Coordinates are those of the image as it is shown upright. Ids of images are the
numbers that they are named by, as in COCO; if not all are, they are counted.`,
		Example: `  spinemask segment photos -o out
  spinemask segment -r photos -o out --save coco --score 0.05`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hinted{errors.New("no images named"), "spinemask segment photos -o out"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.scoreGiven = cmd.Flags().Changed("score")
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd.Context(), t, args)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "", "output `folder`; made if there is none")
	fl.StringSliceVar(&f.save, "save", []string{saveCOCO, saveOverlay}, "what to write: coco, overlay")
	fl.BoolVarP(&f.recursive, "recursive", "r", false, "look in sub-folders, too")
	fl.Float64Var(&f.score, "score", 0, "keep instances with at least this score (default: the model's own)")
	fl.IntVar(&f.max, "max", 0, "keep at most this many instances of an image (default: the model's own)")
	fl.IntVar(&f.threads, "threads", 0, "CPU threads (default: all)")
	fl.StringVarP(&f.model, "model", "m", "", "model `file` (default: the built-in model for cell nuclei)")
	weightFlags(cmd, &f.weights)
	fl.StringVar(&f.annotations, "annotations", "", "COCO `file` whose ids the results use, by file name")
	fl.Int64Var(&f.maxPixels, "max-pixels", imageio.DefaultMaxPixels, "refuse larger images")
	fl.BoolVar(&f.asStored, "as-stored", false, "do not turn images upright by their EXIF orientation")
	return cmd
}

func (f *segmentFlags) check() error {
	if f.out == "" {
		return hinted{errors.New("no output folder"), "add -o out"}
	}
	if !(f.score >= 0 && f.score <= 1) {
		return fmt.Errorf("--score %g: want 0 to 1", f.score)
	}
	for _, c := range []struct {
		flag  string
		value int64
	}{{"max", int64(f.max)}, {"threads", int64(f.threads)}, {"max-pixels", f.maxPixels}} {
		if c.value < 0 {
			return fmt.Errorf("--%s %d: want a positive number", c.flag, c.value)
		}
	}
	for _, s := range f.save {
		if s != saveCOCO && s != saveOverlay {
			return fmt.Errorf("--save %q: want coco, overlay", s)
		}
	}
	return nil
}

func (f *segmentFlags) saves(what string) bool { return slices.Contains(f.save, what) }

func (f *segmentFlags) run(ctx context.Context, t *talk, args []string) error {
	inputs, err := expand(args, f.recursive, f.out)
	if err != nil {
		return err
	}
	jobs, err := f.plan(inputs)
	if err != nil {
		return err
	}
	options := spinemask.Options{Threads: f.threads, MinScore: f.score, MaxDetections: f.max, Weights: f.weights}
	if !f.scoreGiven {
		options.MinScore = spinemask.DisplayScore
	}
	model, err := openModel(t, f.model, &options)
	if err != nil {
		return err
	}
	defer model.Close()
	if !f.scoreGiven {
		f.score = model.Config().Detections.DisplayThreshold
	}
	if f.max == 0 {
		f.max = model.Config().Detections.Max
	}

	out, err := f.begin(jobs)
	if err != nil {
		return err
	}
	t.showProgress("images", len(jobs))
	start := time.Now()
	stopped := f.segment(ctx, t, model, jobs, out)
	out.run.Info = export.Info{
		Description: "results of spinemask", Version: version(), Model: model.Config().Name, ModelSHA256: model.Source().SHA256,
		MinScore: f.score, MaxDetections: f.max, Stopped: stopped != nil,
	}
	out.run.Categories = export.Categories(model.Config())
	err = out.finish() // after a full disk or an interruption, too: what was found is not lost
	if stopped != nil && ctx.Err() == nil {
		return stopped
	}
	if err != nil {
		return err
	}
	f.summary(t, out, len(jobs), time.Since(start))
	switch {
	case ctx.Err() != nil:
		return exit(exitInterrupted)
	case len(out.run.Failures) > 0:
		return exit(exitFailures)
	}
	return nil
}

// A job is an image and where its results go.
type job struct {
	input
	id      int64
	overlay string // file
}

// plan gives each image its id and its files, none of which may be an image that is read.
func (f *segmentFlags) plan(inputs []input) ([]job, error) {
	names := make([]string, len(inputs))
	reads := map[string]bool{}
	stems := map[string]int{} // without regard to case, as some file systems have it
	for i, in := range inputs {
		names[i] = in.name
		reads[absolute(in.path)] = true
		stems[strings.ToLower(stem(in.name))]++
	}
	ids, err := f.ids(names)
	if err != nil {
		return nil, err
	}
	writes := []string{f.path(resultsFile), f.path(imagesFile)}
	jobs := make([]job, len(inputs))
	for i, in := range inputs {
		name := stem(in.name)
		if stems[strings.ToLower(name)] > 1 {
			name = in.name // a.jpg and a.png
		}
		jobs[i] = job{in, ids[i], f.path(path.Join(overlayFolder, name+".png"))}
		writes = append(writes, jobs[i].overlay)
	}
	for _, w := range writes {
		if reads[absolute(w)] {
			return nil, hinted{fmt.Errorf("%s is an input, it would be overwritten", w), "choose another output folder with -o"}
		}
	}
	return jobs, nil
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// path is a place in the output folder.
func (f *segmentFlags) path(name string) string {
	return filepath.Join(f.out, filepath.FromSlash(name))
}

func (f *segmentFlags) ids(names []string) ([]int64, error) {
	if f.annotations == "" {
		return export.IDs(names), nil
	}
	return annotatedIDs(f.annotations, names)
}

func (f *segmentFlags) summary(t *talk, out *output, jobs int, took time.Duration) {
	done := len(out.run.Images)
	t.say("%d of %d images, %d instances, %.2f s (%.1f images/s)", done, jobs, out.instances, took.Seconds(), float64(done)/took.Seconds())
	var wrote []string
	if f.saves(saveCOCO) {
		wrote = append(wrote, f.path(resultsFile))
	}
	wrote = append(wrote, f.path(imagesFile))
	if f.saves(saveOverlay) && done > 0 {
		wrote = append(wrote, f.path(overlayFolder)+string(os.PathSeparator))
	}
	t.say("wrote %s", strings.Join(wrote, ", "))
	if n := len(out.run.Failures); n > 0 {
		t.say("%d failed, see \"failures\" in %s", n, f.path(imagesFile))
	}
	if out.run.Info.Stopped {
		t.say("interrupted: %d images not looked at", jobs-done-len(out.run.Failures))
	}
}
