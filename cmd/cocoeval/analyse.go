package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/spinemask/spinemask/internal/command/evalcmd"
)

const analyseUsage = `Usage: cocoeval analyse [flags] GT RESULTS [RESULTS_B]

Says what is wrong with a model and what to fix first: which errors cost average precision (TIDE), which classes are taken
for which, from which score on detections are best shown, whether scores are probabilities, and which images are the worst.
Of two results it says how B differs from A, and with --bootstrap how sure that is; everything else is of B then.

  cocoeval analyse instances_val2017.json results.json --html report.html
  cocoeval analyse instances_val2017.json a.json b.json --bootstrap 1000
  cocoeval analyse instances_val2017.json results.json --fail-if 'AP<0.37' --fail-if 'tide.Miss>0.05'

docs/analysis.md says how to read it.

The exit code is 0 if all is good, 1 if a file cannot be evaluated, 2 for wrong flags, 3 if a condition of --fail-if holds.

Flags:
`

// analyse is cocoeval analyse.
func analyse(args []string, stdout, stderr io.Writer) int {
	var o evalcmd.AnalyseOptions
	fs := flag.NewFlagSet("cocoeval analyse", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.Flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), analyseUsage)
		fs.PrintDefaults()
	}
	files, err := parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case len(files) < 2:
		fmt.Fprintf(stderr, "cocoeval: error: %d files, want GT and RESULTS\ncocoeval: hint: cocoeval analyse -h\n", len(files))
		return 2
	}
	o.Command = o.CommandOf(fs, files, "cocoeval", "analyse")
	return report(evalcmd.Analyse(&o, files[0], files[1:], stdout, stderr), stderr)
}
