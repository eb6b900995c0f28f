package weights

import (
	"fmt"
	"strconv"

	"github.com/spinemask/spinemask/config"
)

// Options are what a person knows about a file that no tensor tells. Zero values leave the choice to [File.Config].
type Options struct {
	Semantics   System            // whose arithmetic around the network: TF1, TF2, …
	Activation  config.Activation // after the convolutions
	NormEpsilon float64           // of every batch norm
	AnchorSize  float64           // side of the square anchor in strides of its level
}

// Assumption is a value that Config took from a table because nothing in the file tells it.
type Assumption struct {
	Field  string // "activation"
	Value  string // "relu"
	Reason string // where the value comes from
	Option string // the field of Options that changes it; empty: edit the config
}

func (a Assumption) String() string {
	return fmt.Sprintf("%s = %s (%s)", a.Field, a.Value, a.Reason)
}

// Config returns the config that a file implies: the one in its metadata for a native file; else sizes from the shapes
// of its tensors, and what no tensor tells from the published model of these sizes or from the defaults of its system.
// All such values are listed. The error is a *LoadError if tensors are missing or contradict each other.
func (f *File) Config(o Options) (*config.Config, []Assumption, error) {
	var assumed []Assumption
	var c *config.Config
	var err error
	if text := f.metadata["config"]; f.system == Native && text != "" {
		if c, err = config.Parse([]byte(text)); err != nil {
			return nil, nil, fmt.Errorf("weights: %s: metadata: %w", f.name, err)
		}
	} else {
		if c, assumed, err = f.infer(o); err != nil {
			return nil, nil, err
		}
	}
	if o.Activation != "" {
		c.Activation = o.Activation
	}
	if o.NormEpsilon != 0 {
		c.NormEpsilon = o.NormEpsilon
	}
	if o.AnchorSize != 0 {
		c.Anchors.Size = o.AnchorSize
	}
	if err := c.Validate(); err != nil {
		return nil, nil, fmt.Errorf("weights: %s: %w", f.name, err)
	}
	return c, assumed, nil
}

// families make the config of a published SpineNet Mask R-CNN, by system.
var families = map[System]func(variant string) (*config.Config, error){
	TF1:         config.TF1,
	TF2:         config.TF2,
	MMDetection: config.MMDet,
}

func (f *File) infer(o Options) (*config.Config, []Assumption, error) {
	system := f.system
	if o.Semantics != "" {
		system = o.Semantics
	}
	family := families[system]
	if f.system == Native {
		return nil, nil, fmt.Errorf("weights: %s: no config in the metadata, and names of no known system%s", f.name, f.example())
	}
	if family == nil {
		return nil, nil, fmt.Errorf("weights: %s: no config in the metadata, and no defaults for %q", f.name, system)
	}
	c, err := family("49")
	if err != nil {
		return nil, nil, err
	}
	if problems := measure(f, c); len(problems) > 0 {
		return nil, nil, loadError(f.name, f.problems, problems)
	}
	reason := fmt.Sprintf("default of %s", system)
	name := ""
	for _, v := range config.Variants() {
		published, err := family(v)
		if err != nil {
			return nil, nil, err
		}
		if published.Backbone == c.Backbone {
			c, name = published, v
			measure(f, c)
			reason = fmt.Sprintf("as SpineNet-%s Mask R-CNN of %s was published", v, system)
		}
	}
	if name == "" {
		c.Name = fmt.Sprintf("spinenet, filter scale %g, endpoints %d (%s)", c.Backbone.FilterScale, c.Backbone.Endpoints, system)
	}
	assumed := func(field, value, option string, known bool) []Assumption {
		if known {
			return nil
		}
		return []Assumption{{field, value, reason, option}}
	}
	var list []Assumption
	list = append(list, assumed("semantics", string(system), "Semantics", o.Semantics != "")...)
	list = append(list, assumed("activation", string(c.Activation), "Activation", o.Activation != "")...)
	list = append(list, assumed("norm_epsilon", number(c.NormEpsilon), "NormEpsilon", o.NormEpsilon != 0)...)
	list = append(list, assumed("anchors.size", number(c.Anchors.Size), "AnchorSize", o.AnchorSize != 0)...)
	list = append(list, assumed("input", inputSize(c), "", false)...)
	if c.Categories[0].Name == "class 1" {
		list = append(list, Assumption{"categories", fmt.Sprintf("numbers 1 to %d", len(c.Categories)), "names are not in the file", ""})
	} else {
		list = append(list, assumed("categories", fmt.Sprintf("%d rows of COCO", len(c.Categories)), "", false)...)
	}
	return c, list, nil
}

// example is the first name of the file, for an error.
func (f *File) example() string {
	if len(f.tensors) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%q, …)", f.tensors[0].Name)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func inputSize(c *config.Config) string {
	if c.Input.Fit == config.FitFixedSize {
		return fmt.Sprintf("%d×%d", c.Input.Height, c.Input.Width)
	}
	return fmt.Sprintf("shorter side %d, longer side at most %d", c.Input.MinSize, c.Input.MaxSize)
}
