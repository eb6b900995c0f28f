package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
)

// classifyFlags are those of segment that are about images, the model and the machine, and what is written.
type classifyFlags struct {
	segmentFlags
	top    int
	format string
}

func newClassify(t *talk) *cobra.Command {
	var f classifyFlags
	cmd := &cobra.Command{
		Use:   "classify PATH… -m FILE",
		Short: "Say what whole images show, with a classifier",
		Long: `Say what each image shows: its most probable classes by a classifier. A PATH is what
it is for segment: a file, a folder, a pattern, @list.txt, or - for standard input.

The results go to standard output, or to the file that -o names, in the order of the
images: as text for people, as a line of JSON for each image, or as a table with a row
for each class. --format chooses; without it, the name of the file decides.

No classifier is built in: name the file of one with --model. The exit code is 0 if
all is good, 1 if the run could not start or go on, 2 if some images failed, 130 if
it was interrupted.`,
		Example: `  spinemask classify photos -m spinenet-49-imagenet.tar.gz
  spinemask classify -r photos -m mine.safetensors -o classes.csv
  spinemask classify photo.jpg -m mine.safetensors --top 1 --format jsonl | jq .classes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.list == "" {
				return hinted{errors.New("no images named"), "spinemask classify photos -m mine.safetensors"}
			}
			if err := positive(cmd.Flags()); err != nil {
				return err
			}
			if err := f.checkClassify(); err != nil {
				return err
			}
			t.quiet, t.verbose = f.quiet, f.verbose
			return f.run(cmd.Context(), t, cmd.InOrStdin(), cmd.OutOrStdout(), args)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "-", "output `file`; - for standard output")
	fl.StringVar(&f.format, "format", "", "`format` of the output: text, jsonl, csv (default: by the name of the file, else text)")
	fl.IntVar(&f.top, "top", 5, "give this `number` of classes, the most probable ones")
	f.pathFlags(fl)
	f.pictureFlags.add(fl)
	f.runFlags(cmd, "images")
	f.readFlags(fl)
	fl.Lookup("model").Usage = "model `file` of a classifier"
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say how long each image took")
	return cmd
}

// Names of classWriters.
const (
	formatText  = "text"
	formatJSONL = "jsonl"
	formatCSV   = "csv"
)

func (f *classifyFlags) checkClassify() error {
	if f.format == "" {
		f.format = map[string]string{".csv": formatCSV, ".jsonl": formatJSONL, ".json": formatJSONL}[strings.ToLower(filepath.Ext(f.out))]
	}
	if f.format == "" {
		f.format = formatText
	}
	if st, err := os.Stat(f.out); err == nil && st.IsDir() {
		return hinted{fmt.Errorf("-o %s is a folder, want a file", f.out), "-o " + quoted(filepath.Join(f.out, "classes.csv"))}
	}
	switch {
	case f.model == "":
		return hinted{errors.New("no model: no classifier is built in"), "name a file with --model; spinemask pull lists published ones"}
	case f.format != formatText && f.format != formatJSONL && f.format != formatCSV:
		return fmt.Errorf("--format %q: want text, jsonl, csv", f.format)
	case f.exif != exifOn && f.exif != exifOff:
		return fmt.Errorf("--exif %q: want on, off", f.exif)
	}
	if err := f.pictureFlags.check(); err != nil {
		return err
	}
	return f.modelFlags.check()
}

// run is the whole command: inputs, model, images, summary.
func (f *classifyFlags) run(ctx context.Context, t *talk, stdin io.Reader, stdout io.Writer, args []string) error {
	if f.list != "" {
		args = append(args, "@"+f.list)
	}
	all, err := expand(args, stdin, f.recursive, "")
	if err != nil {
		return err
	}
	t.sayLeftOut(all)
	inputs, err := f.pictures(ctx, t, all.images)
	if err != nil {
		return err
	}
	jobs, err := f.jobs(inputs)
	if err != nil {
		return err
	}
	model, err := f.openClassifier(t, len(jobs))
	if err != nil {
		return err
	}
	defer model.Close()
	read := model.Source().Files
	for _, j := range jobs {
		read = append(read, j.path)
	}
	out, former := stdout, f.out != "-" && exists(f.out)
	var file *atomicfile.File
	if f.out != "-" {
		if err := notOver(f.out, read...); err != nil {
			return err
		}
		if file, err = atomicfile.Create(f.out); err != nil {
			return err
		}
		defer file.Discard() // if it has not been committed
		out = file
	}
	w := newClassWriter(out, f.format)
	t.showProgress("images", len(jobs))
	start, done, failed := time.Now(), 0, 0
	err = inOrder(ctx, f.atOnce+1, jobs, func(ctx context.Context, it *item) { f.classify(ctx, model, it) }, func(it item) error {
		if it.stop != nil {
			return it.stop
		}
		if it.err != nil {
			failed++
			t.failed(it)
		} else {
			t.detail("%s: %.0f ms", it.name, it.took.Seconds()*1000)
		}
		t.bar.Add(1)
		done++
		return w.add(it)
	})
	stopped := ctx.Err() != nil && done < len(jobs)
	if closeErr := w.close(); err == nil || stopped {
		err = closeErr
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil // who reads has enough
	case err != nil:
		return err
	case stopped && former:
		t.say("interrupted: %s stays what it was", f.out)
		return exit(exitInterrupted)
	case stopped && (file == nil || done == 0):
		return exit(exitInterrupted)
	}
	if file != nil {
		if err := file.Commit(); err != nil {
			return err
		}
		if stopped {
			t.say("interrupted: %s is of %d of %d images", f.out, done, len(jobs))
			return exit(exitInterrupted)
		}
		t.say("%d of %d images%s", len(jobs)-failed, len(jobs), speed(len(jobs), time.Since(start)))
		t.say("wrote %s", f.out)
	}
	if failed > 0 {
		return exit(exitFailures)
	}
	return nil
}

// openClassifier opens the model for a number of images.
func (f *classifyFlags) openClassifier(t *talk, images int) (*spinemask.Model, error) {
	options := spinemask.Options{Fast: f.fast, Weights: f.weights}
	f.share(&options, images)
	model, err := openModel(t, f.model, &options)
	if err != nil {
		return nil, err
	}
	if model.Config().Model.Detects() {
		model.Close()
		return nil, hinted{fmt.Errorf("%s finds instances, it does not classify whole images", f.model), "spinemask segment PATH… -o out -m " + quoted(f.model)}
	}
	return model, nil
}

// classify is the work on an image.
func (f *classifyFlags) classify(ctx context.Context, model *spinemask.Model, it *item) {
	if it.stop = ctx.Err(); it.stop != nil {
		return
	}
	if it.photo, it.err = it.read(); it.err != nil {
		return
	}
	it.width, it.height = it.photo.Width, it.photo.Height
	start := time.Now()
	it.classes, it.err = model.Classify(ctx, it.photo, f.top)
	it.took = time.Since(start)
	it.photo = nil // what waits for its turn is small
	it.stop = ctx.Err()
}
