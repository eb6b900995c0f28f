// Command spinemask finds the instances in photos: masks, boxes, classes and scores.
//
// It speaks to people on stderr, every line behind "spinemask: "; only data goes to stdout. It exits with 0 when all is good, 1 when it could not start or go
// on, 2 when some images failed, and 130 when it was interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const (
	exitSetup       = 1
	exitFailures    = 2
	exitInterrupted = 130
)

// exit ends the command with a code, after everything has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// hinted is an error with advice for the one who sees it.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once

	root := newRoot(&talk{w: stderr})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if code := exit(0); err == nil || errors.As(err, &code) {
		return int(code)
	}
	t := talk{w: stderr}
	t.error(err)
	return exitSetup
}

func newRoot(t *talk) *cobra.Command {
	root := &cobra.Command{
		Use:   "spinemask",
		Short: "Find the instances in photos: masks, boxes, classes and scores",
		Long: `spinemask finds the instances in photos: masks, boxes, classes and scores.
It runs Mask R-CNN, RetinaNet and classifiers on SpineNet and ResNet, on the CPU. The
built-in model finds cell nuclei in microscope images.`,
		Example: `  spinemask segment photos -o out      every image in a folder
  spinemask segment 'scans/*.tif' -o out --score 0.5
  spinemask info`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			err := fmt.Errorf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
			}
			return hinted{err, "spinemask --help lists the commands"}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --"); unknown {
			var names []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			if near := nearest(name, names); near != "" {
				return hinted{err, "did you mean --" + near + "?"}
			}
		}
		return hinted{valueError(err), cmd.CommandPath() + " --help lists the flags"}
	})
	root.Version = version()
	root.SetVersionTemplate(versionLine())
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newSegment(t), newClassify(t), newVideo(t), newMerge(t), newInfo(t), newVerify(), newBench(t), newTrain(t), newSearch(t), newConvert(), newExport(), newEval(t), newPull(t), newMan(), newVersion())
	root.SetGlobalNormalizationFunc(oneName)
	complete(root)
	return root
}

// valueError says in words for people that a flag cannot have a value.
func valueError(err error) error {
	invalid := (*pflag.InvalidValueError)(nil)
	if !errors.As(err, &invalid) {
		return err
	}
	want := map[string]string{"int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "true, false", "duration": "a time such as 10s"}
	f := invalid.GetFlag()
	if w, ok := want[f.Value.Type()]; ok {
		return fmt.Errorf("--%s %q: want %s", f.Name, invalid.GetValue(), w)
	}
	switch f.Value.(type) {
	case *classList, *configFile: // whose errors name the file
		return fmt.Errorf("--%s: %w", f.Name, errors.Unwrap(invalid))
	case *inputSize, *exportSize:
		return fmt.Errorf("--%s %s: %w", f.Name, invalid.GetValue(), errors.Unwrap(invalid))
	}
	return err
}
