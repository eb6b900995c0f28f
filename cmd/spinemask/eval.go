package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/evalcmd"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

func newEval(t *talk) *cobra.Command {
	var o evalcmd.Options
	run := evalRun{}
	cmd := &cobra.Command{
		Use:   "eval GT [RESULTS…]",
		Short: "Evaluate results, or a model, against COCO annotations",
		Long: `Compare the detections of RESULTS with the annotations of GT, both as COCO
defines them (JSON, or that packed by gzip or zstd), and print the lines of
pycocotools, bit for bit.

With --images and without RESULTS, the model is run over the annotated images
first, as they are stored: annotations ignore the EXIF orientation. With --keep
its results stay in a folder, and the same command goes on where it was stopped.

The exit code is 0, 1 if something cannot be evaluated or a flag is wrong, 2 if
images could not be read, 3 if AP is below --min-ap.`,
		Example: `  spinemask eval instances_val2017.json results.json --iou bbox,segm
  spinemask eval nuclei_val.json --images images --iou segm --max-dets 10,100,400
  spinemask eval instances_val2017.json --images val2017 --model mine.safetensors --keep run --min-ap 0.37`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results := args[1:]
			switch {
			case len(results) == 0 && run.images == "":
				return hinted{errors.New("neither results nor images"), "name a results file, or the folder of the images with --images"}
			case len(results) > 0 && run.images != "":
				return errors.New("results and --images: want one of them")
			case run.images != "":
				for _, name := range strings.Split(o.IoU, ",") {
					if iou, err := cocoeval.ParseIoUType(strings.TrimSpace(name)); err == nil && iou.Fields()&coco.Masks != 0 {
						run.masksFor = "--iou " + name
					}
				}
				folder, done, err := run.segment(cmd.Context(), t, args[0])
				if err != nil {
					return err
				}
				defer done()
				results = []string{filepath.Join(folder, "results.json")}
			}
			err := evalcmd.Run(&o, args[0], results, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err == nil {
				return nil
			}
			t.error(err)
			if status := evalcmd.ExitStatus(err); status != exitFailures {
				return exit(status)
			}
			return exit(exitSetup) // cocoeval ends with 2 where a flag is wrong; here that says that images failed
		},
	}
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o.Flags(fs)
	cmd.Flags().AddGoFlagSet(fs)
	fl := cmd.Flags()
	fl.StringVar(&run.images, "images", "", "`folder` of the annotated images: run a model over them")
	fl.StringVar(&run.keep, "keep", "", "`folder` to keep the model's results in, and to go on from")
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
	segmentFlags
}

// segment makes the results of the annotated images in a folder; done removes
// it if nobody wants to keep it.
func (e *evalRun) segment(ctx context.Context, t *talk, gt string) (folder string, done func(), err error) {
	d, err := coco.OpenDataset(gt, coco.Boxes)
	if err != nil {
		return "", nil, err
	}
	var paths []string
	for _, im := range d.Images {
		if im.FileName == "" {
			return "", nil, fmt.Errorf("%s: image %d has no file_name", gt, im.ID)
		}
		paths = append(paths, filepath.Join(e.images, filepath.FromSlash(im.FileName)))
	}
	folder, done = e.keep, func() {}
	if folder == "" {
		if folder, err = os.MkdirTemp("", "spinemask-eval-"); err != nil {
			return "", nil, err
		}
		done = func() { os.RemoveAll(folder) }
		t.quiet = true // about files that will be gone
	}
	f := &e.segmentFlags
	f.out, f.save = folder, []string{"coco"}
	f.scoreGiven, f.raw = true, true // all that the model finds: AP wants the low scores too, and boxes as they are
	f.annotations, f.exif, f.maxPixels, f.objects = gt, exifOff, imageio.DefaultMaxPixels, export.Detection
	f.onExisting = existingSkip
	err = f.check()
	if err == nil {
		err = f.run(ctx, t, nil, io.Discard, paths)
	}
	if err != nil {
		done()
		return "", nil, err
	}
	return folder, done, nil
}
