package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights"
)

// A Start is the network and the weights that training begins with.
type Start struct {
	Config  *config.Config
	Weights map[string][]float32

	// What became of the arrays of the model that it comes from, by name.
	Kept    []string // as they are
	Classes []string // with the rows of the classes that both have, the others made anew
	New     []string // made anew
	Left    []string // of the model, not used
}

// Float32 makes a Start weights of New.
func (s *Start) Float32(name string) ([]float32, error) {
	v, ok := s.Weights[name]
	if !ok {
		return nil, fmt.Errorf("train: %s: no initial values", name)
	}
	return v, nil
}

func (s *Start) fresh() []string { return s.New }

// Scratch starts a network with random weights. Its classes become those of the set.
func Scratch(c *config.Config, set *dataset.Set, seed uint64) (*Start, error) {
	return start(c, set, nil, nil, seed)
}

// From starts with the weights of a file, whose config is from. c is the network to
// train: from itself, or another one that shares parts with it, such as a detector on the
// backbone of a classifier. Arrays of the same name and shape are kept; of the layers
// that have rows for classes, the rows of classes of the same name; everything else is
// made anew.
func From(c *config.Config, f *weights.File, from *config.Config, set *dataset.Set, seed uint64) (*Start, error) {
	return start(c, set, f, from, seed)
}

func start(c *config.Config, set *dataset.Set, f *weights.File, from *config.Config, seed uint64) (*Start, error) {
	if len(set.Categories) == 0 {
		return nil, errors.New("train: the data set has no classes")
	}
	own := *c
	if own.Model.Detects() {
		own.Background = config.BackgroundFirst // of the rows of classes: the losses take it there
	}
	own.Categories = nil
	for _, k := range set.Categories {
		own.Categories = append(own.Categories, config.Category{ID: k.ID, Name: k.Name})
	}
	if err := own.Validate(); err != nil {
		return nil, err
	}
	n, err := network.Build(&own)
	if err != nil {
		return nil, err
	}
	s := &Start{Config: &own, Weights: map[string][]float32{}}
	used := map[string]bool{}
	for _, t := range n.Tensors() {
		if s.Weights[t.Name] != nil {
			continue
		}
		v := initial(t, seed)
		s.Weights[t.Name] = v
		if f == nil {
			s.New = append(s.New, t.Name)
			continue
		}
		x, ok := f.Tensor(t.Name)
		if !ok {
			s.New = append(s.New, t.Name)
			continue
		}
		old, err := x.Float32(nil)
		if err != nil {
			return nil, err
		}
		used[t.Name] = true
		per, groups := perClass(t.Name, &own)
		switch {
		case slices.Equal(x.Shape, t.Shape) && (sameClasses(&own, from) || per == 0):
			copy(v, old)
			s.Kept = append(s.Kept, t.Name)
		case per > 0 && sameButClasses(x.Shape, t.Shape) && own.Model == from.Model:
			if keepRows(v, t, old, x.Shape, per, groups, &own, from) {
				s.Kept = append(s.Kept, t.Name)
			} else {
				s.Classes = append(s.Classes, t.Name)
			}
		default:
			s.New = append(s.New, t.Name)
		}
	}
	if f != nil {
		for _, name := range f.Names() {
			if !used[name] {
				s.Left = append(s.Left, name)
			}
		}
	}
	return s, nil
}

func sameClasses(a, b *config.Config) bool {
	return a.Background == b.Background && slices.EqualFunc(a.Categories, b.Categories, func(x, y config.Category) bool { return x.Name == y.Name })
}

// perClass is how many outputs of a layer belong to a class, and how often the
// classes follow each other; 0 if it has none of its own.
func perClass(name string, c *config.Config) (per, groups int) {
	switch place := name[:strings.LastIndex(name, "/")]; {
	case place == "box/class":
		return 1, 1
	case place == "box/deltas" && c.BoxHead.ClassSpecific:
		return 4, 1
	case place == "mask/logits" && c.MaskHead.ClassSpecific:
		return 1, 1
	case place == "retina/class/predict":
		return 1, c.Anchors.PerPlace()
	case place == "classifier":
		return 1, 1
	}
	return 0, 0
}

// sameButClasses says whether two shapes differ in the last axis only.
func sameButClasses(a, b []int) bool {
	return len(a) == len(b) && len(a) > 0 && slices.Equal(a[:len(a)-1], b[:len(b)-1])
}

// keepRows copies the outputs of the background and of classes of the same name. It says
// whether these are all that there are on both sides.
func keepRows(v []float32, t graph.Tensor, old []float32, oldShape []int, per, groups int, c, from *config.Config) (all bool) {
	width, oldWidth := t.Shape[len(t.Shape)-1], oldShape[len(oldShape)-1]
	row := func(to, at int) {
		for i := range len(v) / width {
			for g := range groups {
				copy(v[i*width+(g*width/groups)+to*per:][:per], old[i*oldWidth+(g*oldWidth/groups)+at*per:][:per])
			}
		}
	}
	if width == per*groups*c.Classes() && oldWidth == per*groups*from.Classes() && c.Classes() > len(c.Categories) && from.Classes() > len(from.Categories) {
		row(c.BackgroundRow(), from.BackgroundRow())
	}
	kept := 0
	for i, k := range c.Categories {
		for j, l := range from.Categories {
			if k.Name != "" && strings.EqualFold(k.Name, l.Name) {
				row(c.RowOf(i), from.RowOf(j))
				kept++
			}
		}
	}
	return kept == len(c.Categories) && kept == len(from.Categories)
}
