package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
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
safetensors with the names of any of them. What the file is is told by content.

Sizes come from the shapes of the tensors. What no tensor tells is taken from
the published model of those sizes, or from the defaults of its system, and
printed with the flag that changes it.`,
		Example: `  spinemask convert spinenet-49.tar.gz -o spinenet-49.safetensors
  spinemask convert maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth -o resnet50.safetensors
  spinemask convert checkpoint/ --activation swish -o mine.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return hinted{fmt.Errorf("no output file"), "add -o model.safetensors"}
			}
			return convert(cmd.OutOrStdout(), args[0], out, licence, options)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "native `file` to write")
	cmd.Flags().StringVar(&licence, "licence", "", "licence of the weights, kept in the file")
	weightFlags(cmd, &options)
	return cmd
}

// weightFlags adds what a person may know about a file that no tensor tells.
func weightFlags(cmd *cobra.Command, o *weights.Options) {
	cmd.Flags().StringVar((*string)(&o.Semantics), "semantics", "", "whose arithmetic around the network: tf1, tf2, torchvision, mmdetection")
	cmd.Flags().StringVar((*string)(&o.Activation), "activation", "", "activation after the convolutions: relu, swish")
	cmd.Flags().Var(optionalNumber{&o.NormEpsilon}, "norm-eps", "epsilon of the batch norms, a `number`; 0 is one")
	cmd.Flags().Float64Var(&o.AnchorSize, "anchor-size", 0, "side of the square anchor in strides of its level")
}

// optionalNumber is a flag without a default: nil until it is given.
type optionalNumber struct{ to **float64 }

func (n optionalNumber) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("want a number")
	}
	*n.to = &v
	return nil
}

func (n optionalNumber) String() string {
	if n.to == nil || *n.to == nil {
		return ""
	}
	return strconv.FormatFloat(**n.to, 'g', -1, 64)
}

func (optionalNumber) Type() string { return "number" }

// flagOf names the flag that sets a field of weights.Options.
var flagOf = map[string]string{"Semantics": "--semantics", "Activation": "--activation", "NormEpsilon": "--norm-eps", "AnchorSize": "--anchor-size"}

// assumption says what was assumed, and how to say otherwise.
func assumption(a weights.Assumption) string {
	if flag := flagOf[a.Option]; flag != "" {
		return a.String() + "; change it with " + flag
	}
	return a.String()
}

func convert(w io.Writer, src, out, licence string, o weights.Options) error {
	f, err := weights.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
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
	if b.Type == config.BackboneSpineNet {
		return fmt.Sprintf("SpineNet Mask R-CNN, filter scale %g, %d repeats, %d endpoints, %d categories, %s", b.FilterScale, b.BlockRepeats, b.Endpoints, len(c.Categories), c.Activation)
	}
	return fmt.Sprintf("Mask R-CNN on %s, %d categories, %s", b.Type, len(c.Categories), c.Activation)
}

// some joins the first n of a list.
func some(list []string, n int) string {
	if len(list) > n {
		return fmt.Sprintf("%s, … and %d more", strings.Join(list[:n], ", "), len(list)-n)
	}
	return strings.Join(list, ", ")
}

func writeNative(path string, f *weights.File, c *config.Config, p weights.Provenance) error {
	file, err := export.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := weights.Convert(file, f, c, p); err != nil {
		return err
	}
	return file.Commit()
}
