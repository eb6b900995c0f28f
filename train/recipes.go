package train

import (
	"fmt"
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

// Microscopy changes a recipe for pictures that have no upright: they are turned,
// brightness, contrast, noise and focus vary as between microscopes, and masks are exact to a part of
// a pixel, because pictures with objects of a dozen pixels are enlarged.
func (r *Recipe) Microscopy() {
	r.Name += "-microscopy"
	r.Regions.Cells = true
	r.Augment.Turns = true
	r.Augment.Color = &Color{Brightness: 0.1, Contrast: 0.3, Gamma: 0.3, Invert: 0.05, Noise: 0.03, Blur: 1}
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

// protocols are those of the SpineNet paper (arXiv 1912.05027 §5.1); an epoch of COCO
// has 463 batches of 256.
var protocols = map[string]struct {
	source string
	change func(r *Recipe)
}{
	"a": {
		"protocol A of arXiv 1912.05027 §5.1: 250 epochs, scale 0.8 to 1.2; DropBlock, whose values are not published, is assumed to be that of tensorflow/tpu models/official/resnet: keep 0.9, squares of 7, groups 3 and 4, which are levels 4 and above",
		func(r *Recipe) {
			r.Steps = 463 * 250
			r.Rate = Rate{Value: 0.28, Warmup: 0.0067, WarmupSteps: 463 * 5, Drops: []float64{220. / 250, 240. / 250}}
			r.DropBlock = &DropBlock{Keep: 0.9, Size: 7, Level: 4}
			r.Augment.Scale = [2]float64{0.8, 1.2}
		},
	},
	"b": {
		"tf-models-official 2.15.0, configs/maskrcnn.py maskrcnn_spinenet_coco; protocol B of arXiv 1912.05027 §5.1: 350 epochs, scale 0.5 to 2",
		func(*Recipe) {},
	},
	"c": {
		"tf-models-official 2.15.0, configs/retinanet.py retinanet_spinenet_coco; protocol C of arXiv 1912.05027 §5.1: 500 epochs, stochastic depth 0.2, scale 0.1 to 2",
		func(r *Recipe) {
			r.Steps = 462 * 500
			r.Rate.Drops = []float64{219450. / 231000, 226380. / 231000}
			r.Depth = 0.2
			r.Augment.Scale = [2]float64{0.1, 2}
		},
	},
}

// sides of the input of each SpineNet (config.Variants), and of its RetinaNet.
var sides = map[string][2]int{"49S": {640, 640}, "49": {640, 640}, "96": {1024, 1024}, "143": {1280, 1280}, "143L": {1280, 1280}, "190": {1536, 1280}}

// published parses the name of a recipe of the paper: spinenet-49-mrcnn-b.
func published(name string) (*Recipe, bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 4 || parts[0] != "spinenet" || parts[2] != "mrcnn" && parts[2] != "retinanet" {
		return nil, false
	}
	for variant, side := range sides {
		p, ok := protocols[parts[3]]
		if !ok || !strings.EqualFold(variant, parts[1]) {
			continue
		}
		r := garden()
		p.change(r)
		r.Name, r.Source = name, p.source
		r.Height = side[0]
		if parts[2] == "retinanet" {
			r.Height = side[1]
		}
		r.Width = r.Height
		return r, true
	}
	return nil, false
}

// RecipeNames lists the recipes that ByName knows.
func RecipeNames() []string {
	names := []string{"fine-tune", "fine-tune-microscopy"}
	for _, variant := range []string{"49s", "49", "96", "143", "143l", "190"} {
		for _, kind := range []string{"mrcnn", "retinanet"} {
			for _, protocol := range []string{"a", "b", "c"} {
				names = append(names, "spinenet-"+variant+"-"+kind+"-"+protocol)
			}
		}
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
	if r, ok := published(name); ok {
		return r, nil
	}
	return nil, fmt.Errorf("train: no recipe %q; there are fine-tune, fine-tune-microscopy, and spinenet-V-K-P: V of 49s, 49, 96, 143, 143l, 190, K of mrcnn, retinanet, P of a, b, c", name)
}
