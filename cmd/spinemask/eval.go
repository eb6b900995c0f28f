package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/evalcmd"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

func newEval(t *talk) *cobra.Command {
	var o evalcmd.Options
	run := evalRun{}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	cmd := &cobra.Command{
		Use:   "eval GT [RESULTS…]",
		Short: "Evaluate results, or a model, against annotations",
		Long: `Compare the detections of RESULTS with the annotations of GT, both as COCO
defines them (JSON, or that packed by gzip or zstd), and print the lines of
pycocotools, bit for bit.

With --images and without RESULTS, the model is run over the annotated images
first. Each image is looked for in the folder by its file_name; if it is not there,
it is also looked for without the folders in file_name, in upper or lower case, and
in sub-folders. Before the model runs, its classes are matched with the categories
of GT by their names, whatever the ids are, and the matches are printed. Pictures
are taken as they are stored, as in COCO. With --exif auto, a picture is turned
upright by its EXIF orientation if its size fits GT only then.

GT may also be another kind of data set that "train" takes: a labelme folder, a
YOLO data.yaml, label images, QuPath's GeoJSON. The model is run over its images,
which --images names where the data set does not hold them. Label images have no
classes; their objects count as those of the only class that the model has.

With --keep, the model's results stay in a folder, and a command that was stopped
goes on there when it is given again. If images are missing or cannot be read, the
command ends without numbers, unless --allow-missing leaves them out of the
evaluation. What was found in the others is kept in any case, and the command says
where.

The exit code is 0 if all is good, 1 if something cannot be evaluated or a flag is
wrong, 2 if images could not be read, 3 if AP is below --min-ap, 130 if the run was
interrupted.`,
		Example: `  spinemask eval instances_val2017.json results.json --iou bbox,segm
  spinemask eval nuclei_val.json --images images --iou segm --max-dets 10,100,400
  spinemask eval instances_val2017.json --images val2017 --model mine.safetensors --keep run --min-ap 0.37
  spinemask eval labelme-folder --model mine.safetensors --iou segm
  spinemask eval masks --images photos --iou segm --max-dets 10,100,400
  spinemask eval nuclei_val.json --images images --iou segm --analyse report.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			gt, results := args[0], args[1:]
			ofModel := ""
			cmd.LocalNonPersistentFlags().VisitAll(func(fl *pflag.Flag) {
				if fl.Changed && fs.Lookup(fl.Name) == nil && fl.Name != "images" && fl.Name != "analyse" {
					ofModel = fl.Name
				}
			})
			other, err := readOther(t, gt, run.images, results)
			if err != nil {
				return err
			}
			if other != nil {
				defer other.remove()
				gt, run.other = other.file, other
			}
			if run.analyse != "" {
				if err := run.checkAnalysis(t, &o, results); err != nil {
					return advised(err)
				}
			}
			switch {
			case len(results) == 0 && run.images == "" && other == nil:
				return hinted{errors.New("neither results nor images"), "name a results file, or the folder of the images with --images"}
			case len(results) > 0 && run.images != "":
				return errors.New("results and --images: want one of them")
			case len(results) > 0 && ofModel != "":
				return fmt.Errorf("results and --%s: it is for a model that runs here", ofModel)
			case len(results) == 0 && run.allowMissing && o.Partial != "":
				return errors.New("--save-partial and --allow-missing: a part of the images cannot be merged with others")
			case len(results) == 0:
				if err := o.Check(); err != nil {
					return err
				}
				for _, name := range strings.Split(o.IoU, ",") {
					if iou, err := cocoeval.ParseIoUType(strings.TrimSpace(name)); err == nil && iou.Fields()&coco.Masks != 0 {
						run.masksFor = "--iou " + name
					}
				}
				folder, done, err := run.segment(cmd.Context(), t, gt, &o)
				if err != nil {
					return err
				}
				defer done()
				results, run.ran = []string{filepath.Join(folder, "results.json")}, true
			}
			err = evalcmd.Run(&o, gt, results, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if run.analyse != "" && (err == nil || evalcmd.ExitStatus(err) == exitBelow) {
				err = cmp.Or(run.writeAnalysis(cmd.LocalNonPersistentFlags(), o, args[0], gt, results), err)
			}
			if err == nil {
				return nil
			}
			t.error(advised(err))
			if status := evalcmd.ExitStatus(err); status != exitFailures {
				return exit(status)
			}
			return exit(exitSetup) // cocoeval ends with 2 where a flag is wrong; here that says that images failed
		},
	}
	o.Flags(fs)
	cmd.Flags().AddGoFlagSet(fs)
	fl := cmd.Flags()
	fl.StringVar(&run.images, "images", "", "run a model over the annotated images, which are in this `folder`")
	fl.StringVar(&run.keep, "keep", "", "keep the model's results in this `folder`, or go on with those that it holds")
	fl.StringVar(&run.analyse, "analyse", "", "also write a page about what is wrong to this `file`, with pictures of the images that --images names; docs/analysis.md says how to read it")
	fl.BoolVar(&run.allowMissing, "allow-missing", false, "leave images out of the evaluation that are missing or cannot be read")
	fl.StringVar(&run.exif, "exif", exifAuto, "turn images upright by their EXIF orientation: `auto|on|off`; auto does what fits width and height in GT")
	_ = cmd.RegisterFlagCompletionFunc("exif", oneOf([]string{exifAuto, exifOn, exifOff}, false))
	fl.StringVarP(&run.model, "model", "m", "", "model `file` (default: the built-in model for cell nuclei)")
	fl.IntVar(&run.threads, "threads", 0, "CPU threads (default: all)")
	fl.BoolVar(&run.fast, "fast", false, fastHelp)
	run.pictureFlags.add(fl)
	weightFlags(cmd, &run.weights, modelConfig)
	return cmd
}

// evalRun is a run of a model over the images of a data set.
type evalRun struct {
	images, keep string
	analyse      string
	ran          bool // the model, before this evaluation
	allowMissing bool
	other        *otherSet // the data set, if it is not COCO's
	segmentFlags
}

// segment makes the results of the annotated images in a folder, and adds to o what is to be known of them; done removes
// the folder if nobody wants to keep it.
func (e *evalRun) segment(ctx context.Context, t *talk, gt string, o *evalcmd.Options) (folder string, done func(), err error) {
	e.diameter = diameterOff // what is measured is the network
	exif := e.exif
	if exif != exifAuto && exif != exifOn && exif != exifOff {
		return "", nil, fmt.Errorf("--exif %q: want auto, on, off", exif)
	}
	data, err := readAnnotated(gt)
	if err != nil {
		return "", nil, err
	}
	var files *annotatedFiles
	if e.other != nil {
		files = e.other.files(data)
	} else if files, err = findFiles(data, e.images); err != nil {
		return "", nil, err
	}
	if len(files.missing) > 0 && (!e.allowMissing || len(files.paths) == 0) {
		return "", nil, files.without()
	}
	f := &e.segmentFlags
	f.evaluates, f.annotated = true, data
	if exif != exifAuto {
		f.upright = exif
	}
	f.maxPixels = imageio.DefaultMaxPixels
	if f.exif = exif; exif == exifAuto {
		f.exif = exifOff // but for those that stored names
	}
	if e.other != nil && exif == exifAuto {
		f.stored = e.other.stored()
	} else {
		f.stored, o.Warnings = files.orient(t, exif, f.options())
	}
	f.onModel = func(c *config.Config) error {
		p, err := pair(c.Categories, data.data)
		if err != nil {
			return err
		}
		p.say(t)
		data.categories = p.mapping()
		return nil
	}
	if folder, done = e.keep, func() {}; folder == "" {
		if folder, err = os.MkdirTemp("", "spinemask-eval-"); err != nil {
			return "", nil, err
		}
		done = func() { os.RemoveAll(folder) }
		quiet := t.quiet
		t.quiet = true // about files that will be gone
		defer func() { t.quiet = quiet }()
	}
	f.out, f.save = folder, []string{"coco"}
	f.scoreGiven, f.raw = true, true // all that the model finds: AP wants the low scores too, and boxes as they are
	f.objects = export.Detection
	f.onExisting = existingSkip
	if err = f.check(); err == nil {
		err = f.run(ctx, t, nil, io.Discard, files.paths)
	}
	if err = e.judge(t, files, folder, err, o); err != nil {
		if n := finished(folder); n == 0 {
			done()
		} else {
			t.line("what was found in %d images is kept: the same command with --keep %s goes on", n, quoted(folder))
		}
		return "", nil, err
	}
	return folder, done, nil
}

// judge looks at how a run ended. Images that failed are left out of the evaluation, as missing ones are, if that is allowed.
func (e *evalRun) judge(t *talk, files *annotatedFiles, folder string, err error, o *evalcmd.Options) error {
	if err != nil && !errors.Is(err, exit(exitFailures)) {
		return err
	}
	left := map[int64]string{}
	for _, i := range files.missing {
		left[files.data.Images[i].ID] = files.image(i)
	}
	if err != nil {
		j, err := journal.Read(filepath.Join(folder, journalFile))
		if err != nil {
			return err
		}
		defer j.Close()
		var names []string
		for _, entry := range j.Plan() {
			if _, done := j.Done(entry.ID); !done {
				left[entry.ID] = fmt.Sprintf("image %s (%s)", files.data.ImageName(entry.ID), entry.FileName)
				names = append(names, left[entry.ID])
			}
		}
		if !e.allowMissing || len(names) == len(files.paths) {
			t.error(hinted{fmt.Errorf("%d of %d images failed: %s", len(names), len(files.paths), some(names, 5)), "--allow-missing evaluates the others"})
			return exit(exitFailures)
		}
	}
	if len(left) == 0 {
		return nil
	}
	w := cocoeval.Warning{Code: "missing-images", Count: len(left), Text: "images are missing or could not be read; they and their annotations are left out"}
	o.ImageIDs = []int64{}
	for _, im := range files.data.Images {
		if name, out := left[im.ID]; !out {
			o.ImageIDs = append(o.ImageIDs, im.ID)
		} else if len(w.Examples) < 10 {
			w.Examples = append(w.Examples, name)
		}
	}
	o.Warnings = append(o.Warnings, w)
	return nil
}

// finished counts the images that the run in a folder has done.
func finished(folder string) int {
	j, err := journal.Read(filepath.Join(folder, journalFile))
	if err != nil {
		return 0
	}
	defer j.Close()
	done, _, _ := j.Counts()
	return done
}
