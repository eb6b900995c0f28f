package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/train"
	"github.com/spinemask/spinemask/weights"
)

// start finds the network and the weights to begin with. source says for people where
// they are from; recipe is the name of the recipe.
func (f *trainFlags) start(t *talk, set *dataset.Set, recipe string) (s *train.Start, source string, err error) {
	if f.from == "scratch" {
		c, err := networkOf(recipe)
		if f.table != "" {
			c, err = permuted(f.table)
		}
		if err != nil {
			return nil, "", err
		}
		if c != nil && f.weights.Config != nil {
			return nil, "", fmt.Errorf("--%s and a network that is named: %s; want one of them", modelConfig, c.Name)
		}
		if c == nil {
			c = f.weights.Config
		}
		if c == nil {
			return nil, "", hinted{errors.New("--from scratch: which network?"), "--recipe spinenet-49-mrcnn-b, for instance, or --model-config file"}
		}
		s, err := train.Scratch(c, set, f.seed)
		return s, "random weights", err
	}
	file, err := openWeights(f.from)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	known := f.weights
	known.BackboneOnly = true
	from, assumed, err := file.Config(known)
	if err != nil {
		return nil, "", err
	}
	c, err := f.detector(from, recipe)
	if err != nil {
		return nil, "", err
	}
	if c != from { // of which nothing but the backbone is taken
		assumed = slices.DeleteFunc(assumed, func(a weights.Assumption) bool {
			return a.Field != "semantics" && a.Field != "activation" && a.Field != "norm_epsilon"
		})
	}
	t.assumptions(assumed)
	if s, err = train.From(c, file, from, set, f.seed); err != nil {
		return nil, "", err
	}
	if len(s.Kept) == 0 {
		return nil, "", fmt.Errorf("--from %s: no array of it fits the network of the recipe %s", f.from, recipe)
	}
	source = f.from
	if source == "" {
		source = "built-in model " + from.Name
	}
	return s, source, nil
}

// networkOf is the network of a recipe which names one, such as spinenet-49-mrcnn-b; nil if the
// recipe is for any network.
func networkOf(recipe string) (*config.Config, error) {
	parts := strings.Split(recipe, "-")
	if len(parts) < 3 || parts[0] != "spinenet" {
		return nil, nil
	}
	variant := parts[1]
	for _, v := range config.Variants() { // names are written in lower case in recipes
		if strings.EqualFold(v, variant) {
			variant = v
		}
	}
	if parts[2] == "retinanet" {
		return config.TF2RetinaNet(variant)
	}
	return config.TF2(variant)
}

// detector is the network to train on from a file with the config from: its own, or
// that of the recipe on the file's backbone if the file holds a network of another kind.
func (f *trainFlags) detector(from *config.Config, recipe string) (*config.Config, error) {
	c, err := networkOf(recipe)
	if err != nil {
		return nil, err
	}
	switch {
	case c == nil && from.Model == config.ModelClassification && from.Backbone.Type == config.BackboneResNet:
		return train.OnBackbone(from)
	case c == nil && from.Model == config.ModelClassification:
		return nil, hinted{fmt.Errorf("--from %s: a classifier gives its backbone to a detector; which one?", f.from), "--recipe spinenet-49-mrcnn-b, for instance"}
	case c == nil || c.Model == from.Model:
		return from, nil
	case c.Backbone.Type != from.Backbone.Type:
		return nil, fmt.Errorf("--from %s: a backbone of the kind %s, the recipe %s wants %s", f.from, from.Backbone.Type, recipe, c.Backbone.Type)
	}
	min, max := c.Backbone.MinLevel, c.Backbone.MaxLevel
	c.Backbone = from.Backbone
	c.Backbone.MinLevel, c.Backbone.MaxLevel = min, max
	c.Activation, c.NormEpsilon = from.Activation, from.NormEpsilon
	c.Input.Mean, c.Input.Std, c.Input.Normalize, c.Input.ChannelOrder = from.Input.Mean, from.Input.Std, from.Input.Normalize, from.Input.ChannelOrder
	return c, nil
}

// sameBackbone reports whether two backbones have the same blocks of the same widths.
func sameBackbone(a, b *config.Backbone) bool {
	return a.Type == b.Type && a.BlockTable == b.BlockTable && reflect.DeepEqual(a.Blocks, b.Blocks) &&
		a.FilterScale == b.FilterScale && a.BlockRepeats == b.BlockRepeats && a.Endpoints == b.Endpoints
}

// trainedSize is the size of the network's input in training.
func trainedSize(in *config.Input, r *train.Recipe) string {
	switch {
	case r.Height > 0:
		return fmt.Sprintf("%d×%d", r.Height, r.Width)
	case in.HasSize():
		return fmt.Sprintf("%d×%d", in.Height, in.Width)
	}
	return fmt.Sprintf("%d×%d", in.MinSize, in.MaxSize)
}

// sayStart says what became of the weights, and what is special about the network.
func (r *trainRun) sayStart() {
	s, t := r.start, r.talk
	t.say("from     %s: %d arrays kept, %d kept but for rows of new classes, %d made anew, %d left out", r.source, len(s.Kept), len(s.Classes), len(s.New), len(s.Left))
	for _, list := range []struct {
		what  string
		names []string
	}{{"kept", s.Kept}, {"kept but for rows of new classes", s.Classes}, {"made anew", s.New}, {"left out", s.Left}} {
		for _, name := range list.names {
			t.detail("         %s: %s", list.what, name)
		}
	}
	switch at := r.recipe.Batch / max(r.recipe.Parts, 1); {
	case r.recipe.Norms.Frozen && r.flags.freeze == "norms":
		t.say("norms    keep their statistics, as was asked for")
	case r.recipe.Norms.Frozen && at < 8:
		t.say("norms    keep their statistics: fewer than 8 images at once are too few for new ones")
	case r.recipe.Norms.Frozen:
		t.say("norms    keep their statistics, as the recipe says")
	case at < 8:
		t.say("norms    learn statistics from %d images at once, as the recipe says; --freeze norms keeps those that they have", at)
	}
	if r.recipe.Norms.Frozen && r.flags.from == "scratch" {
		t.say("hint: norms that keep the mean of 0 and the variance of 1 of random weights do not normalise; a recipe in which they learn is to be preferred")
	}
	if named, _ := networkOf(r.recipe.Name); named != nil && r.flags.from != "scratch" && !sameBackbone(&named.Backbone, &s.Config.Backbone) {
		t.say("network  %s, not %s: the schedule is that of %s, --from scratch makes its network", s.Config.Name, named.Name, r.recipe.Name)
	}
	if len(s.New) > 0 {
		t.say("network  %s, photos fitted into %s pixels", s.Config.Name, trainedSize(&s.Config.Input, r.recipe))
	}
	if c := s.Config; c.Backbone.Type != config.BackboneSpineNet || c.Boxes.Coding != config.BoxCodingPlain || c.Input.Fit != config.FitFixedSize {
		t.say("network  of another system: trained with the losses and samplers of TensorFlow's Model Garden, on its own anchors, coding of boxes and RoIAlign")
	}
}
