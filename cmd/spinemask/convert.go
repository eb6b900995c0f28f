package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights"
)

func newConvert() *cobra.Command {
	var out, licence string
	var options weights.Options
	cmd := &cobra.Command{
		Use:   "convert SRC -o model.safetensors",
		Short: "Make the native file of a model from anybody's weights",
		Long: `Make the native file of a model from the weights of another system: a
TensorFlow checkpoint (its folder, prefix or .tar.gz), a PyTorch .pth, or
safetensors with the names of any of them. The content of the file tells which it is.

Sizes come from the shapes of the tensors. What no tensor tells is taken from
the published model of those sizes or from the defaults of its system; it is
printed together with the flag that changes it. Everything else stands in the
config: spinemask info --config prints it, and --config takes an edited copy.`,
		Example: `  spinemask convert spinenet-49.tar.gz -o spinenet-49.safetensors
  spinemask convert maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth -o resnet50.safetensors
  spinemask convert checkpoint/ --activation swish -o mine.safetensors
  spinemask convert epoch_12.pth --names train.json --input-size 1024x1024 -o mine.safetensors
  spinemask info -m epoch_12.pth --config > edited.json
  spinemask convert epoch_12.pth --config edited.json -o mine.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return hinted{fmt.Errorf("no output file"), "add -o model.safetensors"}
			}
			return convert(cmd.OutOrStdout(), args[0], out, licence, options)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "native `file` to write")
	cmd.Flags().StringVar(&licence, "licence", "", "licence of the weights, kept in the file")
	weightFlags(cmd, &options, "config")
	return cmd
}

func convert(w io.Writer, src, out, licence string, o weights.Options) error {
	f, err := weights.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := notOver(out, f.Files()...); err != nil {
		return err
	}
	c, assumptions, err := f.Config(o)
	if err != nil {
		return err
	}
	if err := checkWeights(f, c); err != nil {
		return err
	}
	sum, err := f.SHA256()
	if err != nil {
		return err
	}
	r := f.Report()
	fmt.Fprintf(w, "found    %s with %s names, %d tensors, sha256 %s\n", r.Format, r.System, r.Found, sum)
	fmt.Fprintf(w, "mapped   %d tensors: %s\n", r.Mapped, describe(c))
	if len(r.Ignored) > 0 {
		fmt.Fprintf(w, "ignored  %d: %s\n", len(r.Ignored), some(r.Ignored, 4))
	}
	fmt.Fprintf(w, "finds    %s\n", classNames(c))
	fmt.Fprintf(w, "input    %s\n", inputOf(&c.Input))
	for _, a := range assumptions {
		fmt.Fprintf(w, "assumed  %s\n", assumption(a))
	}
	if err := writeNative(out, f, c, provenance(f, filepath.Base(src), sum, r.System, licence)); err != nil {
		return err
	}
	fmt.Fprintf(w, "wrote    %s\n", out)
	return nil
}

// provenance keeps what a native source says of its own source.
func provenance(f *weights.File, source, sum string, system weights.System, licence string) weights.Provenance {
	p := weights.Provenance{Source: source, SHA256: sum, System: system}
	if system == weights.Native {
		var earlier weights.Provenance
		if json.Unmarshal([]byte(f.Metadata()["provenance"]), &earlier) == nil && earlier.Source != "" {
			p = earlier
		}
	}
	if licence != "" {
		p.Licence = licence
	}
	return p
}

// checkWeights compares a file with the network of its config.
func checkWeights(f *weights.File, c *config.Config) error {
	n, err := network.Build(c)
	if err != nil {
		return err
	}
	var want []weights.Want
	for _, t := range n.Tensors() {
		want = append(want, weights.Want{Name: t.Name, Shape: t.Shape})
	}
	return weights.Check(f, want)
}

// describe says in a few words what a config is.
func describe(c *config.Config) string {
	b := c.Backbone
	kind, _, _ := strings.Cut(kindNames[c.Model], ":")
	if b.Type == config.BackboneSpineNet {
		return fmt.Sprintf("SpineNet %s, filter scale %g, %d repeats, %d endpoints, %d categories, %s", kind, b.FilterScale, b.BlockRepeats, b.Endpoints, len(c.Categories), c.Activation)
	}
	return fmt.Sprintf("%s on %s, %d categories, %s", kind, b.Type, len(c.Categories), c.Activation)
}

// inputOf says which size of input a model takes.
func inputOf(in *config.Input) string {
	if in.HasSize() {
		return fmt.Sprintf("%dx%d (height x width)", in.Height, in.Width)
	}
	return fmt.Sprintf("follows the image: shorter side %d, longer side at most %d", in.MinSize, in.MaxSize)
}

// some joins the first n of a list.
func some(list []string, n int) string {
	if len(list) > n {
		return fmt.Sprintf("%s, … and %d more", strings.Join(list[:n], ", "), len(list)-n)
	}
	return strings.Join(list, ", ")
}

func writeNative(path string, f *weights.File, c *config.Config, p weights.Provenance) error {
	file, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := weights.Convert(file, f, c, p); err != nil {
		return err
	}
	return file.Commit()
}
