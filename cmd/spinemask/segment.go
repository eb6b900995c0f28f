package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

type segmentFlags struct {
	modelFlags
	pictureFlags
	out       string
	save      []string
	recursive bool
	list      string
	jsonl     string
	showingFlags
	pixelSize   float64
	annotations string
	onExisting  string
	resume      bool
	maxPixels   int64
	exif        string
	noOverlap   bool
	objects     string
	quiet       bool
	verbose     bool
	printConfig bool

	remarks remarks // about the images of the run

	annotated *annotated                 // the data set of --annotations, or of the command eval
	evaluates bool                       // the run is a part of the command eval
	upright   string                     // that command's --exif
	again     string                     // the flags of the command line, for a run on what failed
	stored    map[string]bool            // files, by path, that are taken as they are stored whatever exif says, or are not
	onModel   func(*config.Config) error // looks at the model before it runs
}

func newSegment(t *talk) *cobra.Command {
	var f segmentFlags
	var settings string
	cmd := &cobra.Command{
		Use:   "segment PATH… -o FOLDER",
		Short: "Find the instances in images",
		Long: `Find the instances in images: png, jpeg, gif, bmp, tiff, webp and pnm, told apart
by content. A PATH is a file, a folder, a pattern like 'scans/*.tif', @list.txt for
the paths in a file, or - for standard input, which holds one image or a list of
paths. In a folder, files are taken for images by the ends of their names; pictures
of kinds that cannot be read are counted and named.

A file may hold several pictures. Each time of a time series is an image of its own,
such as movie.tif#t3. A z-stack gives the maximum over z, and a file of several
channels the one that shows nuclei. --page, --channel and --z choose otherwise. One
line says what was chosen and what was left. Images of more than 8 bits a sample
are brought to 8 bits by the rule that --normalize names.

The output folder gets the formats that --save names, any number of them:
` + formatHelp() + `and always
  images.json    the images of the run and their ids, failures, categories;
                 a COCO data set without annotations
  journal.jsonl  a line for each finished image, from which --resume goes on
  failures.txt   the paths of the images that failed, if any: @failures.txt

With -o - there is no folder: standard output gets a line of JSON for each image
as soon as it is finished. --jsonl - writes these lines in addition to a folder.

Every image is fitted into the model's input, whatever its size. There are ways to show
the model more of an image:
  --tile      cuts an image that is larger than a tile into tiles that overlap. The
              model sees each as an image of its own, and what two tiles show of the
              same thing is joined by its masks. --max-detections counts for each tile.
  --scale     shows every image at this factor of its size, in tiles if it does not
              fit: 0.5 if images have 0.25 µm a pixel and the model was made for 0.5 µm.
  --diameter  finds that factor from the size of the things in the images. It is a
              number of pixels, or a word. auto: the model looks at each image as a
              whole, and then closer, in tiles, as long as things are small and it
              finds no fewer. large: the same, but only for images that its input makes
              smaller; that is what is done without any of these flags if the model's
              config asks for it, as the built-in one's does. off: no closer look.
Images are decoded as a whole. They take 3 bytes a pixel, and up to 8 more while a
file is read; --max-pixels bounds that.

Coordinates are those of the image in its full size, as it is shown upright. If all
images are named by numbers, as COCO's are, these are their ids; else they are
counted from 1.

Results are the same bytes for any number of workers and threads.

The exit code is 0 if all is good, 1 if the run could not start or go on, 2 if
some images failed, 130 if it was interrupted.`,
		Example: `  spinemask segment photos -o out
  spinemask segment photos -o out --resume
  spinemask segment -r photos -o out --save coco,report,csv --score 0.5
  spinemask segment slide.tif -o out --tile 512 --save geojson
  spinemask segment @out/failures.txt -o out --resume
  find . -name '*.tif' | spinemask segment - -o - | jq .instances`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var ofFolders []string // flags of the command line, not of a file of settings
			for _, name := range []string{"save", "on-existing", "objects"} {
				if cmd.Flags().Changed(name) {
					ofFolders = append(ofFolders, name)
				}
			}
			if settings != "" {
				if err := readConfig(cmd.Flags(), settings); err != nil {
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
			if err := positive(cmd.Flags()); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			if f.out == "-" && len(ofFolders) > 0 {
				return fmt.Errorf("--%s and -o -: it is for an output folder", ofFolders[0])
			}
			f.again = flagsAgain(cmd.Flags())
			if err := f.adopt(cmd.Flags()); err != nil {
				return err
			}
			if err := checkTurned(f.save, f.exif == exifOff); err != nil {
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
	fl.StringVar(&f.jsonl, "jsonl", "", "`file` that gets a line of JSON as soon as an image is finished, beside the folder; - for standard output")
	f.pathFlags(fl)
	f.pictureFlags.add(fl)
	f.findingFlags(fl, "an image")
	f.showingFlags.register(fl)
	fl.Float64Var(&f.pixelSize, "pixel-size", 0, "size of a pixel in `µm`, for tables (default: what the file says)")
	f.runFlags(cmd, "images, or tiles,")
	fl.BoolVar(&f.resume, "resume", false, "go on with the run in the output folder, with its options; failed and changed images are tried again")
	fl.StringVar(&f.onExisting, "on-existing", existingOverwrite, "`what` to do if the output folder holds a run: overwrite, skip what is finished, or error")
	fl.StringVar(&f.annotations, "annotations", "", "give images the ids that they have in this COCO `file`, where they are found by their file names")
	f.readFlags(fl)
	fl.BoolVar(&f.noOverlap, "no-overlap", false, "give each pixel to one instance, the one of the higher score; all formats then agree")
	objectsFlag(fl, &f.objects)
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what was found in each image, and in what time")
	fl.StringVar(&settings, "config", "", "`file` of flags, as --print-config writes it; flags given here count more")
	fl.BoolVar(&f.printConfig, "print-config", false, "print all flags and their values, and do nothing else")
	return cmd
}

// pathFlags are about what paths stand for.
func (f *segmentFlags) pathFlags(fl *pflag.FlagSet) {
	fl.BoolVarP(&f.recursive, "recursive", "r", false, "look in sub-folders, too")
	fl.StringVar(&f.list, "list", "", "`file` with the path of an image a line; the same as @file")
}

// readFlags are about how files are read.
func (f *segmentFlags) readFlags(fl *pflag.FlagSet) {
	fl.Int64Var(&f.maxPixels, "max-pixels", imageio.DefaultMaxPixels, fmt.Sprintf("refuse images of more `pixels`; while it is not raised, also those with a side over %d", imageio.DefaultMaxSide))
	fl.StringVar(&f.exif, "exif", exifOn, "turn images upright by their EXIF orientation: `on|off`")
}

// What --exif knows.
const (
	exifOn  = "on"
	exifOff = "off"
)

func (f *segmentFlags) check() error {
	if f.out == "" {
		return hinted{errors.New("no output folder"), "add -o out"}
	}
	if err := f.modelFlags.check(); err != nil {
		return err
	}
	if err := f.pictureFlags.check(); err != nil {
		return err
	}
	if f.jsonl != "" && f.out == "-" {
		return hinted{fmt.Errorf("--jsonl %s and -o -: both write lines", f.jsonl), "leave one of them away"}
	}
	if _, err := findFormats(f.save); err != nil {
		return err
	}
	if err := f.showingFlags.check(); err != nil {
		return err
	}
	if math.IsInf(f.pixelSize, 0) || math.IsNaN(f.pixelSize) {
		return fmt.Errorf("--pixel-size %g: want a number of micrometres", f.pixelSize)
	}
	if f.exif != exifOn && f.exif != exifOff {
		return fmt.Errorf("--exif %q: want on, off", f.exif)
	}
	if err := checkObjects(f.objects); err != nil {
		return err
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
	all, err := expand(args, stdin, f.recursive, f.out)
	if err != nil {
		return err
	}
	t.sayLeftOut(all)
	inputs, err := f.pictures(ctx, t, all.images)
	if err != nil {
		return err
	}
	if inputs, err = f.identify(t, inputs); err != nil {
		return err
	}
	model, err := f.open(t, len(inputs))
	if err != nil {
		return err
	}
	defer model.Close()
	if f.onModel != nil {
		if err := f.onModel(model.Config()); err != nil {
			return err
		}
	}
	if f.out == "-" {
		return f.stream(ctx, t, model, inputs, stdout)
	}
	if err := f.checkLines(); err != nil {
		return err
	}
	o, err := f.begin(inputs, model)
	if err != nil {
		return err
	}
	defer o.journal.Close()
	jobs, gone := todo(inputs, o.journal)
	sink := &folderSink{output: o, flags: f}
	if f.jsonl != "" {
		w, err := openLines(f.jsonl, stdout)
		if err != nil {
			return err
		}
		defer w.Close()
		sink.lines = export.NewJSONL(w)
		if f.jsonl != "-" {
			if err := o.linesOf(sink.lines, jobs); err != nil {
				return err
			}
		}
	}
	if kept := len(inputs) - len(jobs); kept > 0 {
		t.say("%d of %d images are finished already", kept, len(inputs))
	}
	if len(gone) > 0 {
		t.say("kept the results of %d images whose files are not there any more: %s", len(gone), some(gone, 5))
	}
	t.showProgress("images", len(jobs))
	start := time.Now()
	stopped := f.segment(ctx, t, model, jobs, sink)
	took := time.Since(start)
	t.sayRemarks(&f.remarks, f.rule, model.Config())
	run, instances, err := o.finish() // after a full disk or an interruption, too: what was found is not lost
	if stopped != nil && ctx.Err() == nil {
		return hinted{stopped, "what is finished is kept: " + resumeCommand()}
	}
	if err != nil {
		return err
	}
	if f.annotated != nil && slices.Contains(f.save, "coco") {
		if err := f.annotated.relabel(t, o.path("results.json")); err != nil {
			return err
		}
	}
	_, _, open := o.journal.Counts()
	t.say("%d of %d images, %d instances%s", len(run.Images), len(o.journal.Plan()), instances, speed(len(jobs)-open-len(run.Failures), took))
	t.say("wrote %s", strings.Join(o.wrote(len(run.Images)), ", "))
	if n := len(run.Failures); n > 0 && !f.evaluates {
		t.say("%d failed, see \"failures\" in %s; again with: spinemask segment %s%s --resume", n, o.path(imagesFile), quoted("@"+o.path(failuresFile)), f.again)
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

// identify finds the ids of the images in the data set of the run, if there is one; images that it does not have are left out.
func (f *segmentFlags) identify(t *talk, inputs []input) ([]input, error) {
	if f.annotated == nil && f.annotations != "" {
		var err error
		if f.annotated, err = readAnnotated(f.annotations); err != nil {
			return nil, err
		}
	}
	if f.annotated == nil {
		return inputs, nil
	}
	return f.annotated.identify(t, inputs)
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

// checkLines sees to it that what --jsonl names can be written, before anything of an earlier run is touched.
func (f *segmentFlags) checkLines() error {
	if f.jsonl == "" || f.jsonl == "-" {
		return nil
	}
	st, err := os.Stat(f.jsonl)
	if err != nil && absolute(filepath.Dir(f.jsonl)) == absolute(f.out) || err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		return nil // it will be in the output folder, or is a pipe, whose reader may wait for the first who opens it
	}
	w, err := os.OpenFile(f.jsonl, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return reason(f.jsonl, err)
	}
	w.Close()
	if st == nil {
		os.Remove(f.jsonl)
	}
	return nil
}

// openLines opens what --jsonl names.
func openLines(path string, stdout io.Writer) (io.WriteCloser, error) {
	if path == "-" {
		return nopCloser{stdout}, nil
	}
	w, err := os.Create(path)
	if err != nil {
		return nil, reason(path, err)
	}
	return w, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// open opens the model for a number of images, and decides on tiles.
func (f *segmentFlags) open(t *talk, images int) (*spinemask.Model, error) {
	if len(f.given()) > 0 && f.diameter != diameterOff {
		images = math.MaxInt // tiles are as good
	}
	model, err := f.modelFlags.open(t, images)
	if err != nil {
		return nil, err
	}
	if !model.Config().Model.HasMasks() && f.noOverlap {
		model.Close()
		return nil, fmt.Errorf("--no-overlap wants masks, and %s makes boxes alone", f.model)
	}
	if !model.Config().Model.HasMasks() && f.out != "-" {
		list, err := findFormats(f.save)
		if err == nil {
			err = needMasks(list)
		}
		if err != nil {
			model.Close()
			return nil, err
		}
	}
	if err := f.decide(model.Config(), f.atOnce, f.maxPixels); err != nil {
		model.Close()
		return nil, err
	}
	if f.looks() && f.score > model.Config().Detections.DisplayThreshold {
		model.Close() // how an image is shown is to be the same for every score
		return f.modelFlags.openFrom(t, images, spinemask.DisplayScore)
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

// flagsAgain are the flags of a command line that a run on the images that failed is to have, too.
func flagsAgain(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.Visit(func(fl *pflag.Flag) {
		switch fl.Name {
		case "list", "recursive", "resume", "on-existing":
		case "out":
			b.WriteString(" -o " + quoted(flagText(fl)))
		default:
			b.WriteString(" " + quoted(flagWord(fl)))
		}
	})
	return b.String()
}

// quoted writes a word as a shell reads it.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=,+:@%") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
