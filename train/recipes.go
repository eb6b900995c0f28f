package train

import (
	"fmt"
	"slices"
	"strings"
)

// FineTune is the default recipe for going on from a trained model with few pictures,
// for so many of them. Its values are this project's own, found on the two data sets
// of docs/training.md; those that the Model Garden has are taken from there.
func FineTune(images int) *Recipe {
	r := &Recipe{
		Name: "fine-tune", Source: "docs/training.md",
		Batch:       4,
		Rate:        Rate{Value: 0.0025, Warmup: 0.0002, WarmupSteps: 50, Cosine: true, PerImage: true},
		Momentum:    0.9,
		WeightDecay: 4e-5,
		ClipNorm:    10,
		Norms:       Norms{Momentum: 0.99, Frozen: true},
		Anchors:     AnchorSampling{256, 0.5},
		Regions:     RegionSampling{PreNMS: 2000, PostNMS: 1000, Samples: 128, Fraction: 0.25, Masks: 32, MaskCrop: 112},
		Augment:     Augment{Flip: 0.5, Scale: [2]float64{0.75, 1.33}},
	}
	r.Steps = min(max(images*40/r.Batch, 300), 5000)
	return r
}

// Microscopy changes a recipe for pictures that have no upright: they are turned, and
// brightness, contrast, noise and focus vary as between microscopes.
func (r *Recipe) Microscopy() {
	r.Name += "-microscopy"
	r.Augment.Turns = true
	r.Augment.Color = &Color{Brightness: 0.1, Contrast: 0.3, Gamma: 0.3, Invert: 0.05, Noise: 0.03, Blur: 1}
}

// A published recipe of the SpineNet paper (arXiv 1912.05027 §5.1) or of the Model
// Garden's configurations.
type published struct {
	name, source string
	make         func() *Recipe
}

// garden is what the Model Garden's Mask R-CNN configurations have in common
// (configs/maskrcnn.py, maskrcnn_spinenet_coco).
func garden() *Recipe {
	return &Recipe{
		Batch: 256, Steps: 463 * 350,
		Rate:     Rate{Value: 0.32, Warmup: 0.0067, WarmupSteps: 2000, Drops: []float64{148160. / 162050, 157420. / 162050}},
		Momentum: 0.9, WeightDecay: 4e-5,
		Norms:   Norms{Momentum: 0.99},
		Anchors: AnchorSampling{256, 0.5},
		Regions: RegionSampling{PreNMS: 2000, PostNMS: 1000, Samples: 512, Fraction: 0.25, Masks: 128, MaskCrop: 112},
		Augment: Augment{Flip: 0.5, Scale: [2]float64{0.5, 2}, Most: 100},
	}
}

// side of the input of each SpineNet (config.Variants).
var sides = map[string]int{"49S": 640, "49": 640, "96": 1024, "143": 1280, "143L": 1280, "190": 1536}

func publishedRecipes() (list []published) {
	for _, variant := range []string{"49S", "49", "96", "143", "143L", "190"} {
		at := func(r *Recipe) *Recipe {
			r.Height, r.Width = sides[variant], sides[variant]
			return r
		}
		list = append(list, published{
			fmt.Sprintf("spinenet-%s-mrcnn-b", strings.ToLower(variant)),
			"tf-models-official 2.15.0, configs/maskrcnn.py maskrcnn_spinenet_coco; protocol B of arXiv 1912.05027 §5.1: 350 epochs of COCO in batches of 256",
			func() *Recipe { return at(garden()) },
		})
	}
	return list
}

// RecipeNames lists the recipes that ByName knows.
func RecipeNames() []string {
	names := []string{"fine-tune", "fine-tune-microscopy"}
	for _, p := range publishedRecipes() {
		names = append(names, p.name)
	}
	return names
}

// ByName returns a recipe for so many images.
func ByName(name string, images int) (*Recipe, error) {
	switch name {
	case "fine-tune":
		return FineTune(images), nil
	case "fine-tune-microscopy":
		r := FineTune(images)
		r.Microscopy()
		return r, nil
	}
	for _, p := range publishedRecipes() {
		if p.name == name {
			r := p.make()
			r.Name, r.Source = p.name, p.source
			return r, nil
		}
	}
	names := RecipeNames()
	slices.Sort(names)
	return nil, fmt.Errorf("train: no recipe %q; there are %s", name, strings.Join(names, ", "))
}
