package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights"
)

// weightFlags adds what a person may know about a file that no tensor tells. configFlag is the name of the flag that takes
// a whole config: some commands have another --config.
func weightFlags(cmd *cobra.Command, o *weights.Options, configFlag string) {
	fl := cmd.Flags()
	fl.StringVar((*string)(&o.Semantics), "semantics", "", "whose arithmetic surrounds the network: tf1, tf2, torchvision, detectron2, mmdetection1, mmdetection2, mmdetection3")
	fl.StringVar((*string)(&o.Style), "style", "", "style of a file of mmdetection: pytorch, caffe")
	fl.StringVar((*string)(&o.Activation), "activation", "", "activation after the convolutions: relu, swish, hard_swish")
	fl.Var(optionalNumber{&o.NormEpsilon}, "norm-eps", "epsilon of the batch norms, a `number`; 0 is one")
	fl.Float64Var(&o.AnchorSize, "anchor-size", 0, "side of the square anchor in strides of its level")
	fl.Var(&inputSize{to: &o.Input}, "input-size", "`size` of the model's input: 640x640 (height x width), or short:800,long:1333 where it follows the image")
	fl.Var(&classList{to: &o.Categories}, "names", "`names` of the classes: a,b,c, or a file of them: text with a name a line, JSON, YAML, or a COCO data set, which also gives the ids")
	fl.Var(&configFile{to: &o.Config}, configFlag, "`file` with the model's config, JSON, as info --config prints it")
}

// aboutFile are the flags that weightFlags adds, but for the config.
var aboutFile = []string{"semantics", "style", "activation", "norm-eps", "anchor-size", "input-size", "names"}

// withoutFile refuses flags about a model file where none is read, which have no effect.
func withoutFile(fl *pflag.FlagSet, configFlag, hint string) error {
	for _, name := range append(slices.Clone(aboutFile), configFlag) {
		if fl.Changed(name) {
			return hinted{fmt.Errorf("--%s is about a model file, and there is none", name), hint}
		}
	}
	return nil
}

// modelConfig is the name of the flag for a config where --config is another one.
const modelConfig = "model-config"

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

// classList is a flag for the names of classes.
type classList struct {
	to   *[]config.Category
	text string
}

func (l *classList) Set(text string) (err error) {
	if l.text = text; text == "" { // as an empty setting has it
		return nil
	}
	if *l.to = dataSetClasses(text); *l.to == nil {
		*l.to, err = weights.ParseCategories(text)
	}
	return err
}

// dataSetClasses are the categories of a COCO data set that package coco can read, whose ids are integers; nil if the file
// is none, or broken: what may be wrong with a file of names is for package weights to say.
func dataSetClasses(file string) []config.Category {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	d, err := coco.OpenDataset(file, coco.Boxes)
	if err != nil || d.CategoryNames != nil {
		return nil
	}
	seen := map[string]bool{"": true}
	var list []config.Category
	for _, c := range d.Categories {
		if seen[c.Name] || int64(int(c.ID)) != c.ID {
			return nil
		}
		seen[c.Name] = true
		list = append(list, config.Category{ID: int(c.ID), Name: c.Name})
	}
	return list
}

func (l *classList) String() string { return l.text }
func (*classList) Type() string     { return "names" }

// inputSize is a flag for the size of a model's input.
type inputSize struct {
	to   *weights.InputSize
	text string
}

var errInputSize = errors.New("want 640x640 (height x width), or short:800,long:1333")

func (s *inputSize) Set(text string) error {
	s.text, *s.to = text, weights.InputSize{}
	if text == "" {
		return nil
	}
	if height, width, ok := strings.Cut(strings.ToLower(text), "x"); ok {
		if err := side(&s.to.Height, height); err != nil {
			return err
		}
		return side(&s.to.Width, width)
	}
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		to := map[string]*int{"short": &s.to.Short, "long": &s.to.Long}[key]
		if to == nil || *to != 0 {
			return errInputSize
		}
		if err := side(to, value); err != nil {
			return err
		}
	}
	if s.to.Short == 0 || s.to.Long < s.to.Short {
		return fmt.Errorf("%w; long must not be less than short", errInputSize)
	}
	return nil
}

// side reads a length in pixels.
func side(to *int, text string) error {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return errInputSize
	}
	*to = n
	return nil
}

func (s *inputSize) String() string { return s.text }
func (*inputSize) Type() string     { return "size" }

// configFile is a flag for a file that holds a config.
type configFile struct {
	to   **config.Config
	name string
}

func (f *configFile) Set(name string) error {
	if f.name = name; name == "" {
		return nil
	}
	const most = 4 << 20 // bytes
	if info, err := os.Stat(name); err == nil && info.Size() > most {
		return fmt.Errorf("%s: %d bytes: no config", name, info.Size())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return reason(name, err)
	}
	if *f.to, err = config.Parse(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (f *configFile) String() string { return f.name }
func (*configFile) Type() string     { return "config" }

// flagOf names the flag that sets a field of weights.Options.
var flagOf = map[string]string{
	"Semantics": "--semantics", "Style": "--style", "Activation": "--activation", "NormEpsilon": "--norm-eps", "AnchorSize": "--anchor-size",
	"Input": "--input-size", "Categories": "--names",
}

// assumption says what was assumed, and how to say otherwise.
func assumption(a weights.Assumption) string {
	if flag := flagOf[a.Option]; flag != "" {
		return a.String() + "; change it with " + flag
	}
	return a.String()
}
