package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/command/labelcmd"
)

const labelsUsage = `Usage: cocoeval labels [flags] TRUE_DIR PRED_DIR
       cocoeval labels [flags] GT RESULTS

Compares label images: PNG or TIFF of one channel, in which the value of a pixel is the number of its object, 0 for none.
Files are paired by name: x.png, x_masks.tif and x_cp_masks.png are of one picture. It prints precision, recall, F1 and
the AP of microscopy (as StarDist and Cellpose count), the score of the 2018 Data Science Bowl, panoptic quality, the
aggregated Jaccard index, and how many objects were split or merged.

Of two COCO files it prints the panoptic quality of their masks, laid over each other as in a map.

  cocoeval labels test/masks predictions
  cocoeval labels --json test/masks predictions

The exit code is 0 if all is good, 1 if something cannot be compared, 2 for wrong flags.

Flags:
`

// labels is cocoeval labels.
func labels(args []string, stdout, stderr io.Writer) int {
	var o labelcmd.Options
	fs := flag.NewFlagSet("cocoeval labels", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.Flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), labelsUsage)
		fs.PrintDefaults()
	}
	paths, err := parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case len(paths) != 2:
		fmt.Fprintf(stderr, "cocoeval: error: %d folders, want TRUE_DIR and PRED_DIR\ncocoeval: hint: cocoeval labels -h\n", len(paths))
		return 2
	}
	return report(labelcmd.Run(&o, paths[0], paths[1], stdout, stderr), stderr)
}
