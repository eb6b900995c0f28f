package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/search"
)

type searchFlags struct {
	data, out   string
	images      string
	resume      string // folder
	evaluations int
	minutes     float64
	controller  string
	space       string
	band        string
	steps       int
	batch       int
	size        int
	seed        uint64
	threads     int
	quiet       bool
	given       func(flag string) bool
}

// defaultEvaluations is what a search makes if neither a number nor a time is given.
const defaultEvaluations = 60

func newSearch(t *talk) *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use:   "search DATA -o found",
		Short: "Search an architecture for your own annotated images",
		Long: `Search a scale-permuted architecture for your own annotated images, as the SpineNet
paper did for COCO: a controller proposes which blocks stand in which order, of which
level and type, and what feeds them; a small RetinaNet of that architecture is trained
for a few hundred steps; its box AP on images that are held out is the score from which
the controller learns.

DATA is what "spinemask train" takes; masks are not needed. A fifth of the images,
200 at most, chosen by --seed, is held out.

The folder grows: architectures.jsonl has a line for each architecture, best/1.json and
so on are the block tables of the best, for "train", "bench", "info" and "export" with
--block-table, and report.html shows them. After any stop --resume goes on, and a search
of a fixed number of evaluations by one process ends with the same bytes as one that
nobody stopped. Several processes may work in one folder, also on several machines that
share a disk: start each with --resume, and one for each core with --threads 1.

The exit code is 0 if all is good, 1 if the search could not start or go on, 130 if it
was interrupted. docs/search.md goes through it step by step.`,
		Example: `  spinemask search annotations.json --images photos -o found --evaluations 60
  spinemask search labelme-folder -o found --minutes 120
  spinemask search --resume found
  spinemask search report found
  spinemask train annotations.json --images photos --block-table found/best/1.json --batch 4 --minutes 60 -o mine.safetensors`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.given = cmd.Flags().Changed
			t.quiet = f.quiet
			if err := positive(cmd.Flags()); err != nil {
				return err
			}
			switch {
			case f.threads > mostThreads:
				return fmt.Errorf("--threads %d: want at most %d", f.threads, mostThreads)
			case f.resume != "" && len(args) > 0:
				return hinted{errors.New("--resume names a folder that knows its data"), "spinemask search --resume " + quoted(f.resume)}
			case f.resume != "":
				return f.goOn(cmd.Context(), t)
			case len(args) == 0:
				return hinted{errors.New("no data set named"), "spinemask search annotations.json --images photos -o found"}
			case f.out == "":
				return hinted{errors.New("no output folder"), "add -o found"}
			}
			f.data = args[0]
			return f.begin(cmd.Context(), t)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&f.out, "out", "o", "", "`folder` of the search, made if there is none")
	fl.StringVar(&f.images, "images", "", "`folder` of the images, for data sets that name them")
	fl.StringVar(&f.resume, "resume", "", "go on with the search in this `folder`, or help another process with it")
	fl.IntVar(&f.evaluations, "evaluations", defaultEvaluations, "`number` of architectures that are tried, all processes together")
	fl.Float64Var(&f.minutes, "minutes", 0, "begin no architecture that would not be done in this many `minutes`; without --evaluations there is no other end")
	fl.StringVar(&f.controller, "controller", "evolution", "who proposes: "+strings.Join(search.Controllers(), ", "))
	fl.StringVar(&f.space, "allocation", "spinenet49", "blocks of each level that are there to be permuted, one of the paper's: "+strings.Join(search.Spaces(), ", "))
	fl.StringVar(&f.band, "band", "0.8-1.2", "least and most multiply-adds of an architecture, in those of SpineNet-49")
	fl.IntVar(&f.steps, "steps", 500, "`updates` of the training of an architecture")
	fl.IntVar(&f.batch, "batch", 4, "`images` of an update")
	fl.IntVar(&f.size, "size", 256, "side of its input, `pixels`, a multiple of 128")
	fl.Uint64Var(&f.seed, "seed", 1, "`number` that all random choices follow from")
	fl.IntVar(&f.threads, "threads", 0, "`number` of CPU threads (default: all)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	cmd.AddCommand(newSearchReport(t))
	return cmd
}

func newSearchReport(t *talk) *cobra.Command {
	return &cobra.Command{
		Use:   "report FOLDER",
		Short: "Write the page about a search, and the block tables of the best so far",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return reportSearch(t, args[0])
		},
	}
}

// begin makes the folder of a new search.
func (f *searchFlags) begin(ctx context.Context, t *talk) error {
	h, err := f.header()
	if err != nil {
		return err
	}
	r := &searchRun{flags: f, talk: t, folder: f.out, header: h, began: time.Now()}
	if err := r.readData(); err != nil {
		return err
	}
	if err := r.create(); err != nil {
		return err
	}
	return r.run(ctx)
}

// goOn opens the folder of a search.
func (f *searchFlags) goOn(ctx context.Context, t *talk) error {
	for _, name := range []string{"out", "images", "controller", "allocation", "band", "steps", "batch", "size", "seed"} {
		if f.given(name) {
			return hinted{fmt.Errorf("--%s: a search that goes on stays as it was begun", name), "--evaluations, --minutes and --threads may change; -o with another folder begins anew"}
		}
	}
	r := &searchRun{flags: f, talk: t, folder: f.resume, began: time.Now()}
	if err := r.open(); err != nil {
		return err
	}
	return r.run(ctx)
}
