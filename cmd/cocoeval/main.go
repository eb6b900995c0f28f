// Command cocoeval evaluates COCO results: the numbers of pycocotools, bit for bit.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

const usage = `Usage: cocoeval [flags] GT RESULTS…
       cocoeval analyse [flags] GT RESULTS [RESULTS_B]   (what is wrong with a model; cocoeval analyse -h)
       cocoeval lint [flags] GT [RESULTS…]               (what looks wrong in the files; cocoeval lint -h)
       cocoeval labels [flags] TRUE_DIR PRED_DIR         (label images; cocoeval labels -h)

Compares the detections of RESULTS with the annotations of GT and prints the lines of pycocotools. Both files are
COCO's JSON, plain or packed by gzip or zstd.

  cocoeval instances_val2017.json results.json
  cocoeval --iou bbox,segm --per-class --json instances_val2017.json results.json
  cocoeval --min-ap 0.37 instances_val2017.json results.json || echo worse

Several files of results, each for other images, are evaluated as one.

In strict mode, the default, ids are compared as pycocotools compares them. --mode corrected also takes a number for
the same number written as text, and names of image files and of categories in place of ids.

The exit code is 0 if all is good, 1 if a file cannot be evaluated, 2 for wrong flags, 3 if AP is below --min-ap.

Flags:
`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// commands are what else the program does, by the first argument.
var commands = map[string]func(args []string, stdout, stderr io.Writer) int{
	"analyse": analyse,
	"labels":  labels,
	"lint":    lint,
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](args[1:], stdout, stderr)
	}
	return evaluate(args, stdout, stderr)
}

func evaluate(args []string, stdout, stderr io.Writer) int {
	var o evalcmd.Options
	fs := flag.NewFlagSet("cocoeval", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.Flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	files, err := parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case len(files) < 2:
		fmt.Fprintf(stderr, "cocoeval: error: %d files, want GT and RESULTS\ncocoeval: hint: cocoeval -h\n", len(files))
		return 2
	}
	return report(evalcmd.Run(&o, files[0], files[1:], stdout, stderr), stderr)
}

// report prints an error and gives the exit code.
func report(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintf(stderr, "cocoeval: error: %v\n", err)
		if hint := evalcmd.Hint(err); hint != "" {
			fmt.Fprintf(stderr, "cocoeval: hint: %s\n", hint)
		}
	}
	return evalcmd.ExitStatus(err)
}

// parse reads flags, also behind the files.
func parse(fs *flag.FlagSet, args []string) (files []string, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if args = fs.Args(); len(args) > 0 {
			files, args = append(files, args[0]), args[1:]
		}
	}
	return files, nil
}
