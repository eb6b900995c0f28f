package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

const lintUsage = `Usage: cocoeval lint [flags] GT [RESULTS…]

Says what looks wrong in a data set and in results on it, before a number is made of them: boxes that are x1, y1, x2, y2 or
fractions, empty, inverted or outside of their image, boxes that do not fit their masks, objects that are there twice,
images and classes with few objects or with none, crowds alone, ids that do not fit, scores that order nothing. With the
folder of the images it also compares their sizes. Each kind is a line, with how often it comes and the first places.

  cocoeval lint instances_val2017.json results.json
  cocoeval lint --images val2017 --strict instances_val2017.json

The exit code is 0, 1 if a file cannot be read or, with --strict, if anything looks wrong, 2 for wrong flags.

Flags:
`

// lint is cocoeval lint.
func lint(args []string, stdout, stderr io.Writer) int {
	var o evalcmd.LintOptions
	fs := flag.NewFlagSet("cocoeval lint", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.Flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), lintUsage)
		fs.PrintDefaults()
	}
	files, err := parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case len(files) < 1:
		fmt.Fprintf(stderr, "cocoeval: error: no file, want GT\ncocoeval: hint: cocoeval lint -h\n")
		return 2
	}
	return report(evalcmd.Lint(&o, files[0], files[1:], stdout), stderr)
}
