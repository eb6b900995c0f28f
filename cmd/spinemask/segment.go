package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/imageio"
	"github.com/spinemask/spinemask/internal/tile"
	"github.com/spinemask/spinemask/weights"
)

type segmentFlags struct {
	out         string
	save        []string
	recursive   bool
	list        string
	score       float64
	scoreGiven  bool
	max         int
	classes     []string
	tile        int
	overlap     int
	threads     int
	model       string
	weights     weights.Options // about a foreign model file
	annotations string
	onExisting  string
	resume      bool
	maxPixels   int64
	asStored    bool
	quiet       bool
	verbose     bool
	printConfig bool
}

func newSegment(t *talk) *cobra.Command {
	var f segmentFlags
	var config string
	cmd := &cobra.Command{
		Use:   "segment PATH… -o FOLDER",
		Short: "Find the instances in images",
		Long: `Find the instances in images: png, jpeg, gif, bmp, tiff and webp, told apart by
content. A PATH is a file, a folder, a pattern like 'scans/*.tif', @list.txt for
the paths in a file, or - for standard input: one image, or a list of paths.

The output folder gets what --save names, any number at once:
` + formatHelp() + `and always
  images.json    the images of the run and their ids, failures, categories;
                 a COCO data set without annotations
  journal.jsonl  a line for each finished image, from which --resume goes on
  failures.txt   the paths of the images that failed, if any: @failures.txt

With -o - there is no folder: standard output gets a line of JSON for each image
as soon as it is finished.

With --tile, an image that is larger is cut into tiles that overlap, each of which
the model sees as an image of its own; what two of them see of the same thing is
joined by its masks. --max then counts for each tile.

Coordinates are those of the image as it is shown upright. Ids of images are the
numbers that they are named by, as in COCO; if not all are, they are counted.

The exit code is 0 if all is good, 1 if the run could not start or go on, 2 if
some images failed, 130 if it was interrupted.`,
		Example: `  spinemask segment photos -o out
  spinemask segment photos -o out --resume
  spinemask segment -r photos -o out --save coco,report,csv --score 0.5
  spinemask segment slide.tif -o out --tile 512 --save geojson
  spinemask segment @out/failures.txt -o out --resume
  find . -name '*.tif' | spinemask segment - -o - | jq .instances`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if config != "" {
				if err := readConfig(cmd.Flags(), config); err != nil {
					return err
				}
			}
			f.scoreGiven = cmd.Flags().Changed("score")
			if f.printConfig {
				return writeConfig(cmd.OutOrStdout(), cmd.Flags())
			}
			if len(args) == 0 && f.list == "" {
				return hinted{errors.New("no images named"), "spinemask segment photos -o out"}
			}
			if err := f.check(); err != nil {
				return err
			}
			if err := f.adopt(cmd.Flags()); err != nil {
				return err
			}
			t.quiet, t.verbose = f.quiet, f.verbose
			return f.run(cmd.Context(), t, cmd.InOrStdin(), cmd.OutOrStdout(), args)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "", "output `folder`, made if there is none; - for JSON lines on standard output")
	fl.StringSliceVar(&f.save, "save", []string{"coco", "overlay"}, "`formats` to write: "+formatNames())
	fl.BoolVarP(&f.recursive, "recursive", "r", false, "look in sub-folders, too")
	fl.StringVar(&f.list, "list", "", "`file` with the path of an image a line; the same as @file")
	fl.Float64Var(&f.score, "score", 0, "keep instances with at least this score (default: the model's own)")
	fl.IntVar(&f.max, "max", 0, "keep at most this many instances of an image (default: the model's own)")
	fl.StringSliceVar(&f.classes, "class", nil, "keep only instances of these `classes`")
	fl.IntVar(&f.tile, "tile", 0, "cut large images into tiles of this many `pixels`; a tile is scaled to the model's input")
	fl.IntVar(&f.overlap, "overlap", 0, "of tiles, `pixels`; more than the size of most things (default: a quarter of a tile)")
	fl.IntVar(&f.threads, "threads", 0, "CPU threads (default: all)")
	fl.StringVarP(&f.model, "model", "m", "", "model `file` (default: the built-in model for cell nuclei)")
	weightFlags(cmd, &f.weights)
	fl.BoolVar(&f.resume, "resume", false, "go on with the run in the output folder, with its options; failed and changed images are tried again")
	fl.StringVar(&f.onExisting, "on-existing", existingOverwrite, "if the output folder holds a run: overwrite, skip what is finished, or error")
	fl.StringVar(&f.annotations, "annotations", "", "COCO `file` whose ids the results use, by file name")
	fl.Int64Var(&f.maxPixels, "max-pixels", imageio.DefaultMaxPixels, "refuse larger images")
	fl.BoolVar(&f.asStored, "as-stored", false, "do not turn images upright by their EXIF orientation")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what was found in each image, and in what time")
	fl.StringVar(&config, "config", "", "`file` of flags, as --print-config writes it; flags given here count more")
	fl.BoolVar(&f.printConfig, "print-config", false, "print all flags and their values, and do nothing else")
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
	if _, err := findFormats(f.save); err != nil {
		return err
	}
	if f.tile == 0 && f.overlap != 0 {
		return hinted{errors.New("--overlap without --tile"), "add --tile 640"}
	}
	if f.tile != 0 && f.overlap == 0 {
		f.overlap = f.tile / 4
	}
	if o := (tile.Options{Size: f.tile, Overlap: f.overlap}); f.tile != 0 && o.Check() != nil {
		return fmt.Errorf("--tile %d --overlap %d: want tiles of at least 32 pixels, and an overlap of at most half of that", f.tile, f.overlap)
	}
	switch f.onExisting {
	case existingOverwrite, existingSkip, existingError:
	default:
		return fmt.Errorf("--on-existing %q: want overwrite, skip, error", f.onExisting)
	}
	if f.resume {
		f.onExisting = existingSkip
	}
	return nil
}

// run is the whole command: inputs, model, output folder, images, summary.
func (f *segmentFlags) run(ctx context.Context, t *talk, stdin io.Reader, stdout io.Writer, args []string) error {
	if f.list != "" {
		args = append(args, "@"+f.list)
	}
	inputs, err := expand(args, stdin, f.recursive, f.out)
	if err != nil {
		return err
	}
	model, err := f.open(t)
	if err != nil {
		return err
	}
	defer model.Close()
	if f.out == "-" {
		return f.stream(ctx, t, model, inputs, stdout)
	}
	o, jobs, err := f.begin(inputs, model)
	if err != nil {
		return err
	}
	defer o.journal.Close()
	if kept := len(inputs) - len(jobs); kept > 0 {
		t.say("%d of %d images are finished already", kept, len(inputs))
	}
	t.showProgress("images", len(jobs))
	start := time.Now()
	stopped := f.segment(ctx, t, model, jobs, &folderSink{o, f})
	took := time.Since(start)
	run, instances, err := o.finish() // after a full disk or an interruption, too: what was found is not lost
	if stopped != nil && ctx.Err() == nil {
		return hinted{stopped, "what is finished is kept: " + resumeCommand()}
	}
	if err != nil {
		return err
	}
	_, _, open := o.journal.Counts()
	t.say("%d of %d images, %d instances%s", len(run.Images), len(o.journal.Plan()), instances, speed(len(jobs)-open, took))
	t.say("wrote %s", strings.Join(o.wrote(len(run.Images)), ", "))
	if n := len(run.Failures); n > 0 {
		t.say("%d failed, see \"failures\" in %s; again with: spinemask segment @%s -o %s --resume", n, o.path(imagesFile), o.path(failuresFile), f.out)
	}
	if open > 0 {
		t.say("interrupted: %d images not looked at; go on with: %s", open, resumeCommand())
	}
	switch {
	case ctx.Err() != nil:
		return exit(exitInterrupted)
	case len(run.Failures) > 0:
		return exit(exitFailures)
	}
	return nil
}

// speed says how fast n images were.
func speed(n int, took time.Duration) string {
	switch perImage := took.Seconds() / float64(max(n, 1)); {
	case n <= 0:
		return ""
	case perImage > 1:
		return fmt.Sprintf(", %.2f s (%.1f s an image)", took.Seconds(), perImage)
	default:
		return fmt.Sprintf(", %.2f s (%.1f images/s)", took.Seconds(), 1/perImage)
	}
}

// open opens the model, and fills in what it decides.
func (f *segmentFlags) open(t *talk) (*spinemask.Model, error) {
	options := spinemask.Options{Threads: f.threads, MinScore: f.score, MaxDetections: f.max, Weights: f.weights}
	if !f.scoreGiven {
		options.MinScore = spinemask.DisplayScore
	}
	model, err := openModel(t, f.model, &options)
	if err != nil {
		return nil, err
	}
	if !f.scoreGiven {
		f.score = model.Config().Detections.DisplayThreshold
	}
	if f.max == 0 {
		f.max = model.Config().Detections.Max
	}
	if err := checkClasses(f.classes, model.Config()); err != nil {
		model.Close()
		return nil, err
	}
	return model, nil
}

// resumeCommand is the command line of this run, with --resume.
func resumeCommand() string {
	words := []string{"spinemask"}
	has := false
	for _, a := range os.Args[1:] {
		has = has || a == "--resume"
		words = append(words, quoted(a))
	}
	if !has {
		words = append(words, "--resume")
	}
	return strings.Join(words, " ")
}

// quoted writes a word as a shell reads it.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=,+:@%") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
