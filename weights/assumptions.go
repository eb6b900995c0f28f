package weights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
)

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

// assumptions lists what is in c and in neither the tensors nor the options. named is where the file names its classes.
func assumptions(c *config.Config, o Options, system System, reason, epsilon, named string) []Assumption {
	var list []Assumption
	assume := func(given bool, a Assumption) {
		if !given {
			list = append(list, a)
		}
	}
	assume(o.Semantics != "", Assumption{"semantics", string(system), "names in the file", "Semantics"})
	assume(o.Activation != "", Assumption{"activation", string(c.Activation), reason, "Activation"})
	assume(o.NormEpsilon != nil, Assumption{"norm_epsilon", number(c.NormEpsilon), epsilon, "NormEpsilon"})
	if c.Model.Detects() {
		assume(o.AnchorSize != 0, Assumption{"anchors.size", number(c.Anchors.Size), reason, "AnchorSize"})
	}
	assume(o.Input != InputSize{}, Assumption{"input", inputSize(c), reason, "Input"})
	first := c.Categories[0]
	switch given := len(o.Categories) > 0; {
	case named != "":
		assume(given, Assumption{"categories", someNames(c.Categories), "names in the file: " + named, "Categories"})
	case first.Name == fmt.Sprintf("class %d", first.ID):
		numbers := fmt.Sprintf("numbers %d to %d", first.ID, c.Categories[len(c.Categories)-1].ID)
		assume(given, Assumption{"categories", numbers, "their names are not in the file", "Categories"})
	case c.Model == config.ModelClassification:
		assume(given, Assumption{"categories", fmt.Sprintf("%d rows of ImageNet", len(c.Categories)), reason, "Categories"})
	default:
		assume(given, Assumption{"categories", fmt.Sprintf("%d rows of COCO", len(c.Categories)), reason, "Categories"})
	}
	return list
}

// assumedSet says which of several sets of weights is taken.
func (f *File) assumedSet() Assumption {
	ways := slices.Clone(f.sets)
	for i, way := range ways {
		ways[i] = cmp.Or(strings.TrimRight(way, "/."), "no key")
	}
	return Assumption{"weights", "those under " + ways[0], "there are others under " + strings.Join(ways[1:min(len(ways), 5)], ", "), ""}
}

// someNames lists the first few names.
func someNames(list []config.Category) string {
	const most = 5
	var names []string
	for _, k := range list[:min(len(list), most)] {
		names = append(names, k.Name)
	}
	if len(list) > most {
		names = append(names, fmt.Sprintf("… (%d)", len(list)))
	}
	return strings.Join(names, ", ")
}
