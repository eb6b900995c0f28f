package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/bench"
	"github.com/spinemask/spinemask/weights"
)

type benchFlags struct {
	kind    string
	variant string
	size    int
	model   string
	table   string
	weights weights.Options // about a foreign model file
	threads int
	runs    int
	direct  bool
	fast    bool
	json    bool
	layers  bool
	compare bool

	train   bool
	batch   int
	regions int
	masks   int
}

func newBench(t *talk) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine runs a model, stage by stage",
		Long: `Measure how fast this machine runs a model: from the decoded pixels of a photo to
run-length masks, stage by stage; Mask R-CNN always with 1000 proposals and 100 masks.
Without --model the weights are random: speed does not depend on them.

Multiply-adds are those of the network as published; the machine's peak, of fused
multiply-adds in registers, is measured in the same run. Convolutions by Winograd's
algorithm multiply less, so more than 100 % of peak is possible.

With --train, steps of training are measured instead: pictures of noise with twelve
objects each, all of the network trained, in the shape that --size, --batch, --rois
and --masks give.

Only figures of one machine compare, and only when it is idle: measure in turn,
more than once.`,
		Example: `  spinemask bench                              SpineNet-49 at 640×640
  spinemask bench --variant 96 --threads 1 --runs 5
  spinemask bench --network retinanet          RetinaNet on SpineNet-49
  spinemask bench --block-table mine.json      RetinaNet on a block table of one's own
  spinemask bench --layers                     every layer on its own
  spinemask bench --train --runs 5             steps of training, two images of 640×640
  spinemask bench --json > a.json
  spinemask bench --compare a.json b.json      where a change made a difference`,
		Args: func(_ *cobra.Command, args []string) error {
			if f.compare && len(args) != 2 {
				return hinted{errors.New("--compare wants two reports"), "spinemask bench --compare a.json b.json"}
			}
			if !f.compare && len(args) > 0 {
				return hinted{fmt.Errorf("unexpected %q", args[0]), "a model file goes behind --model"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.compare {
				return compareReports(cmd.OutOrStdout(), args[0], args[1])
			}
			return f.run(cmd, t)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.kind, "network", string(config.ModelMaskRCNN), "`kind` of the network: mask_rcnn, retinanet, classification")
	fl.StringVar(&f.variant, "variant", "49", "published `size` of SpineNet: 49S, 49, 96, 143, 143L, 190; of RetinaNet mobile-49XS, mobile-49S, mobile-49; resnet-50, resnet-101, resnet-152 of the Garden")
	fl.IntVar(&f.size, "size", 0, "side of the network's input in `pixels`, a multiple of 128 (default: the published one)")
	fl.StringVarP(&f.model, "model", "m", "", "model `file` instead of a variant")
	fl.StringVar(&f.table, "block-table", "", blockTableHelp)
	weightFlags(cmd, &f.weights, modelConfig)
	fl.IntVar(&f.threads, "threads", 0, "CPU threads (default: all)")
	fl.IntVar(&f.runs, "runs", 10, "how many runs are measured, after one that is not")
	fl.BoolVar(&f.fast, "fast", false, fastHelp)
	fl.BoolVar(&f.direct, "no-winograd", false, "compute all convolutions directly: slower, with less memory")
	fl.BoolVar(&f.train, "train", false, "measure steps of training a Mask R-CNN, or the network of --model or --block-table")
	fl.IntVar(&f.batch, "batch", 2, "with --train: `images` of a step")
	fl.IntVar(&f.regions, "rois", 512, "with --train: `regions` of an image that the box head is trained on")
	fl.IntVar(&f.masks, "masks", 128, "with --train: `regions` of an image that the mask head is trained on")
	fl.BoolVar(&f.json, "json", false, "print the report as JSON")
	fl.BoolVar(&f.layers, "layers", false, "measure every layer on its own")
	fl.BoolVar(&f.compare, "compare", false, "compare two reports that --json wrote")
	cmd.MarkFlagsMutuallyExclusive("model", "block-table", "network")
	cmd.MarkFlagsMutuallyExclusive("model", "block-table", "variant")
	cmd.MarkFlagsMutuallyExclusive("json", "layers", "compare")
	cmd.MarkFlagsMutuallyExclusive("no-winograd", "layers", "compare", "train")
	cmd.MarkFlagsMutuallyExclusive("train", "fast")
	cmd.MarkFlagsMutuallyExclusive("train", "network")
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command, t *talk) error {
	switch {
	case f.runs < 1:
		return fmt.Errorf("--runs %d: want a positive number", f.runs)
	case f.threads < 0:
		return fmt.Errorf("--threads %d: want a positive number", f.threads)
	case f.threads > mostThreads:
		return fmt.Errorf("--threads %d: want at most %d", f.threads, mostThreads)
	case f.size < 0:
		return fmt.Errorf("--size %d: want a positive number", f.size)
	}
	if f.model == "" {
		if err := withoutFile(cmd.Flags(), modelConfig, "--model names one"); err != nil {
			return err
		}
	}
	if f.train {
		return f.training(cmd, t)
	}
	for _, name := range []string{"batch", "rois", "masks"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s needs --train", name)
		}
	}
	if f.model != "" && f.size > 0 {
		return errors.New("--size goes with a published size, or with --train")
	}
	n, err := f.network(t)
	if err != nil {
		return err
	}
	defer n.Close()
	w := cmd.OutOrStdout()
	options := &spinemask.Options{Threads: f.threads, NoWinograd: f.direct, Fast: f.fast}
	if f.layers {
		r, err := bench.Layers(n, options, f.runs)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, r.String())
		return err
	}
	r, err := bench.Run(cmd.Context(), n, options, f.runs)
	if err != nil {
		return err
	}
	return f.print(w, r)
}

// print writes a report as --json says.
func (f *benchFlags) print(w io.Writer, r fmt.Stringer) error {
	if f.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := io.WriteString(w, r.String())
	return err
}

// training measures steps of training.
func (f *benchFlags) training(cmd *cobra.Command, t *talk) error {
	for _, v := range []struct {
		name  string
		value int
		most  int
	}{{"batch", f.batch, 1024}, {"rois", f.regions, 1000}, {"masks", f.masks, f.regions}} {
		if v.value < 1 || v.value > v.most {
			return fmt.Errorf("--%s %d: want 1 to %d", v.name, v.value, v.most)
		}
	}
	var n *bench.Network
	var err error
	if f.model == "" && f.table == "" {
		n, err = bench.PublishedTraining(f.variant)
	} else {
		n, err = f.network(t)
	}
	if err != nil {
		return err
	}
	defer n.Close()
	for _, name := range []string{"rois", "masks"} {
		if cmd.Flags().Changed(name) && !n.Config.Model.HasMasks() {
			return fmt.Errorf("--%s is for a Mask R-CNN, and %s has no regions", name, n.Config.Name)
		}
	}
	side := f.size
	if side == 0 {
		side = 640
	}
	r, err := bench.Train(cmd.Context(), n, bench.Training{Side: side, Batch: f.batch, Regions: f.regions, Masks: f.masks, Threads: f.threads}, f.runs)
	if err != nil {
		return err
	}
	return f.print(cmd.OutOrStdout(), r)
}

func (f *benchFlags) network(t *talk) (*bench.Network, error) {
	if f.table != "" {
		c, err := permuted(f.table)
		if err != nil {
			return nil, err
		}
		if f.size > 0 {
			c.Input.Height, c.Input.Width = f.size, f.size
		}
		if m := c.Input.PadMultiple; c.Input.Height%m != 0 {
			return nil, fmt.Errorf("--size %d: want a multiple of %d", f.size, m)
		}
		return bench.Untrained(c)
	}
	if f.model == "" {
		return bench.Published(config.Model(f.kind), f.variant, f.size)
	}
	n, assumed, err := bench.Open(f.model, f.weights)
	if err != nil {
		return nil, noModel(f.model, err)
	}
	t.assumptions(assumed)
	return n, nil
}

func compareReports(w io.Writer, first, second string) error {
	a, err := readReport(first)
	if err != nil {
		return err
	}
	b, err := readReport(second)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, bench.Compare(a, b))
	return err
}

func readReport(file string) (*bench.Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, reason(file, err)
	}
	var r bench.Report
	var training struct{ Step json.RawMessage }
	for _, to := range []any{&r, &training} {
		if err := json.Unmarshal(data, to); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	switch {
	case training.Step != nil:
		return nil, fmt.Errorf("%s: a report of bench --train, which is not compared", file)
	case r.Total.Name == "":
		return nil, hinted{fmt.Errorf("%s: not a report", file), "spinemask bench --json writes one"}
	}
	return &r, nil
}
