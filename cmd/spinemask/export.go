package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/bench"
	"github.com/spinemask/spinemask/internal/command/onnx"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/weights"
)

func newExport() *cobra.Command {
	var out, table string
	var size exportSize
	var options weights.Options
	cmd := &cobra.Command{
		Use:   "export [MODEL] -o model.onnx",
		Short: "Write a model's network as ONNX files, for other runtimes",
		Long: fmt.Sprintf(`Write the network of a model as ONNX files (opset %d, float32), for ONNX Runtime,
OpenVINO and others. Without a model it is the built-in one.

model.onnx is the trunk: backbone and dense head, for one image of the size that the
model takes, or --size says. A Mask R-CNN has two files more, model.box_head.onnx and
model.mask_head.onnx, for any number of regions of interest. A classifier is all in
model.onnx. What stands before the trunk and between the parts (resizing bytes,
anchors, NMS, RoIAlign, pasting) is in no file: ONNX has no words for it that give
the same results.

The files' metadata say how pixels become the input, what the classes are, and
where the weights come from; the model's whole config is there, too.`, onnx.Opset),
		Example: `  spinemask export -o nuclei.onnx
  spinemask export epoch_12.pth --names train.json --size 800x1344 -o mine.onnx
  spinemask export spinenet-49.safetensors -o spinenet-49.onnx`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var src string
			if len(args) > 0 {
				src = args[0]
			}
			if table != "" && src != "" {
				return fmt.Errorf("--block-table is in place of a model, and %s is one", src)
			}
			if table != "" {
				if err := withoutFile(cmd.Flags(), "config", besideTable); err != nil {
					return err
				}
			}
			return exportONNX(cmd.OutOrStdout(), src, table, out, size, options)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "ONNX `file` to write; heads lie beside it")
	cmd.Flags().Var(&size, "size", "`size` of the trunk's input: 640x640 (height x width), or 640 (default: the model's, or what it makes of a photo of 640x480 pixels)")
	cmd.Flags().StringVar(&table, "block-table", "", blockTableHelp+"; its weights have no meaning, but time can be measured")
	weightFlags(cmd, &options, "config")
	return cmd
}

// exportSize is a flag for the size of the trunk's input.
type exportSize struct{ height, width int }

var errExportSize = errors.New("want 640x640 (height x width), or 640")

func (s *exportSize) Set(text string) error {
	height, width, rectangle := strings.Cut(strings.ToLower(text), "x")
	if !rectangle {
		width = height
	}
	if side(&s.height, height) != nil || side(&s.width, width) != nil || max(s.height, s.width) > 1<<16 {
		return errExportSize
	}
	return nil
}

func (s *exportSize) String() string {
	if s.height == 0 {
		return ""
	}
	return strconv.Itoa(s.height) + "x" + strconv.Itoa(s.width)
}

func (*exportSize) Type() string { return "size" }

func exportONNX(w io.Writer, src, table, out string, size exportSize, o weights.Options) error {
	base, ok := strings.CutSuffix(out, ".onnx")
	switch {
	case out == "":
		return hinted{fmt.Errorf("no output file"), "add -o model.onnx"}
	case !ok || filepath.Base(out) == ".onnx":
		return hinted{fmt.Errorf("%s: the output is ONNX", out), "its name has to end in .onnx"}
	}
	from, err := openExport(src, table, o)
	if err != nil {
		return err
	}
	defer from.close()
	c := from.config
	if size, err = size.of(&c.Input); err != nil {
		return err
	}
	n, err := network.Build(c)
	if err != nil {
		return err
	}
	parts, err := onnx.Parts(n, c, size.height, size.width)
	if err != nil {
		return err
	}
	metadata, err := onnx.Describe(c, size.height, size.width, from.source)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "network  %s\n", describe(c))
	for _, a := range from.assumed {
		fmt.Fprintf(w, "assumed  %s\n", assumption(a))
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = base + ".onnx"
		if i > 0 {
			names[i] = base + "." + p.Name + ".onnx"
		}
		if err := notOver(names[i], from.files...); err != nil {
			return err
		}
	}
	if err := writeParts(names, parts, from.weights, metadata); err != nil {
		return err
	}
	for i, p := range parts {
		fmt.Fprintf(w, "wrote    %s: %s, opset %d\n", names[i], strings.ReplaceAll(p.Name, "_", " "), onnx.Opset)
		for _, v := range p.Inputs {
			fmt.Fprintf(w, "  input  %v\n", v)
		}
		for _, v := range p.Outputs {
			fmt.Fprintf(w, "  output %v\n", v)
		}
	}
	return nil
}

// An exportSource is what is exported.
type exportSource struct {
	config  *config.Config
	weights onnx.Weights
	assumed []weights.Assumption
	source  string   // JSON of a weights.Provenance
	files   []string // that are read
	close   func() error
}

// openExport opens a model file, or makes the network of a block table.
func openExport(src, table string, o weights.Options) (*exportSource, error) {
	if table != "" {
		c, err := permuted(table)
		if err != nil {
			return nil, err
		}
		n, err := bench.Untrained(c)
		if err != nil {
			return nil, err
		}
		source, err := json.Marshal(weights.Provenance{Source: "random weights on the block table " + filepath.Base(table), System: weights.Native})
		return &exportSource{n.Config, n.Weights, nil, string(source), nil, n.Close}, err
	}
	f, err := openWeights(src)
	if err != nil {
		return nil, err
	}
	s := &exportSource{weights: &released{File: f}, files: f.Files(), close: f.Close}
	if err := s.read(f, src, o); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// read says what a model file holds.
func (s *exportSource) read(f *weights.File, src string, o weights.Options) (err error) {
	if s.config, s.assumed, err = f.Config(o); err != nil {
		return err
	}
	if err := checkWeights(f, s.config); err != nil {
		return err
	}
	sum, err := f.SHA256()
	if err != nil {
		return err
	}
	source, err := json.Marshal(provenance(f, filepath.Base(src), sum, f.Report().System, ""))
	s.source = string(source)
	return err
}

// of is the size that was asked for, or the usual one of an input. An input of one
// size gets it.
func (s exportSize) of(in *config.Input) (exportSize, error) {
	if s.height == 0 {
		g, err := preprocess.Fit(in, photoHeight, photoWidth)
		return exportSize{g.InputHeight, g.InputWidth}, err
	}
	if m := in.PadMultiple; m > 1 && (s.height%m != 0 || s.width%m != 0) {
		return s, fmt.Errorf("--size %v: want multiples of %d", &s, m)
	}
	if in.HasSize() {
		in.Height, in.Width = s.height, s.width
	}
	return s, nil
}

// writeParts writes all files under temporary names, and then gives them theirs,
// the trunk last.
func writeParts(names []string, parts []*onnx.File, w onnx.Weights, metadata onnx.Metadata) error {
	files := make([]*atomicfile.File, len(parts))
	for i, p := range parts {
		var err error
		if files[i], err = atomicfile.Create(names[i]); err != nil {
			return err
		}
		defer files[i].Discard()
		if err := p.Write(files[i], w, metadata, version()); err != nil {
			return err
		}
	}
	for i := len(files) - 1; i >= 0; i-- {
		if err := files[i].Commit(); err != nil {
			return err
		}
	}
	return nil
}

// released gives a file's arrays one after the other: the one before is not needed
// any more.
type released struct {
	*weights.File
	last string
}

func (r *released) Float32(name string) ([]float32, error) {
	r.Release(r.last)
	r.last = name
	t, ok := r.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t.Float32(nil)
}
