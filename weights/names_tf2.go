package weights

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// translateTF2 translates the variables of models of the TensorFlow Model Garden: Mask R-CNN and RetinaNet on SpineNet, on
// mobile SpineNet and on a ResNet with a feature pyramid, and the classifiers. Layouts are ours already.
//
// The keys of an object-based checkpoint follow the depth of Keras layers in the functional graph, which tells nothing.
// The full names beside them (Tensor.alias) do: Keras numbers the layers of a kind in the order of creation, from a
// number that depends on what the process made before. So only the order of the numbers counts
// (official/vision/modeling/backbones/spinenet.py). The layers of the heads have names of their own.
func translateTF2(vars []Tensor) *translation {
	tr := &translation{}
	layers := map[string][]Tensor{} // full name of a layer → its variables
	for _, v := range vars {
		name := v.alias
		if name == "" {
			name = strings.TrimSuffix(strings.TrimSuffix(v.Name, tf2Suffix), ":0")
		}
		switch {
		case tf2Ignored(v.Name):
			tr.ignored = append(tr.ignored, v.Name)
		case v.alias == "" && strings.HasSuffix(v.Name, "/kernel"+tf2Suffix):
			return &translation{refused: v.Name + ": the key of a checkpoint, which does not tell the layer, without the graph of objects, which does: convert the checkpoint itself, or name tensors as Keras names variables"}
		default:
			layers[path.Dir(name)] = append(layers[path.Dir(name)], v)
		}
	}
	places := tf2Backbone(layers)
	for _, layer := range sortedKeys(layers) {
		place, ok := places[layer]
		if !ok {
			place, ok = tf2Head(path.Base(layer))
		}
		for _, v := range layers[layer] {
			leaf := path.Base(strings.TrimSuffix(strings.TrimSuffix(v.Name, tf2Suffix), ":0"))
			if suffix, known := tf2Leaf(leaf, layers[layer]); ok && known {
				if strings.Contains(path.Base(place), "norm") {
					suffix = strings.TrimPrefix(suffix, "norm/")
				}
				tr.add(v, place+"/"+suffix)
			} else {
				tr.unexpected(v)
			}
		}
	}
	return tr
}

// tf2Leaf is the place of a variable within its layer. A separable convolution has a depthwise kernel and a pointwise one.
func tf2Leaf(leaf string, layer []Tensor) (string, bool) {
	switch leaf {
	case "pointwise_kernel":
		return "kernel", true
	case "depthwise_kernel":
		if slices.ContainsFunc(layer, func(v Tensor) bool { return strings.Contains(v.Name, "/pointwise_kernel") }) {
			return "depthwise/kernel", true
		}
		return "kernel", true
	}
	suffix, ok := tfLeaves[leaf]
	return suffix, ok
}

// tf2Suffix ends the key of every variable of an object-based checkpoint.
const tf2Suffix = "/.ATTRIBUTES/VARIABLE_VALUE"

func tf2Ignored(key string) bool {
	for _, top := range []string{"optimizer/", "save_counter/", "global_step/", tfObjectGraph} {
		if strings.HasPrefix(key, top) {
			return true
		}
	}
	return strings.Contains(key, "/.OPTIMIZER_SLOT/")
}

// tf2Kinds are the kinds of the scale-permuted blocks of SpineNet-49 in order, b(ottleneck) and r(esidual). The shapes
// cannot always tell: a bottleneck of level 2 and a residual block of level 4 take the same channels.
const tf2Kinds = "brbbrbrrbbbbbbb"

var (
	tf2Layer = regexp.MustCompile(`^(?:.*/)?(conv2d|(?:sync_)?batch_normalization)(?:_(\d{1,9}))?$`)
	tf2Block = regexp.MustCompile(`^(?:.*/)?(bottleneck|residual)_block(?:_(\d{1,9}))?$`)
)

// madeLayer is a layer with the number that Keras gave it.
type madeLayer struct {
	name   string
	number int
	kernel Tensor // of a convolution
}

// made collects layers of one kind; inOrder sorts them by creation.
type made []madeLayer

func (m made) inOrder() made {
	slices.SortFunc(m, func(a, b madeLayer) int { return a.number - b.number })
	return m
}

// tf2Backbone gives each layer of the backbone its place.
func tf2Backbone(layers map[string][]Tensor) map[string]string {
	var convs, norms, bottlenecks, residuals made
	inside := map[string][2]made{} // block → its convolutions and norms
	levels := map[int]bool{}
	for name, vars := range layers {
		if m := tf2LevelNorm.FindStringSubmatch(path.Base(name)); m != nil {
			levels[index(m[2])] = true
		}
		m := tf2Layer.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		l := madeLayer{name: name, number: index(m[2])}
		conv := m[1] == "conv2d"
		if conv {
			l.kernel = vars[0]
		}
		block := path.Dir(name)
		switch b := tf2Block.FindStringSubmatch(block); {
		case b != nil:
			lists, seen := inside[block]
			if conv {
				lists[0] = append(lists[0], l)
			} else {
				lists[1] = append(lists[1], l)
			}
			inside[block] = lists
			if !seen && b[1] == "bottleneck" {
				bottlenecks = append(bottlenecks, madeLayer{name: block, number: index(b[2])})
			} else if !seen {
				residuals = append(residuals, madeLayer{name: block, number: index(b[2])})
			}
		case conv:
			convs = append(convs, l)
		default:
			norms = append(norms, l)
		}
	}
	if places, ok := tf2MobileBackbone(layers, sortedKeys(levels)); ok {
		return places
	}
	places := map[string]string{}
	order := tf2Order(convs.inOrder(), sortedKeys(levels))
	for _, list := range []made{convs, norms.inOrder()} { // each convolution has one norm, made right after it
		for i, l := range list {
			if i < len(order) {
				places[l.name] = order[i]
			}
		}
	}
	units := tf2Units
	if len(convs) == 1 { // of a ResNet, only the stem's convolution stands outside the blocks
		units = func(bottlenecks, _ made) map[string]string { return tf2Stages(bottlenecks, inside) }
	}
	for block, place := range units(bottlenecks.inOrder(), residuals.inOrder()) {
		lists := inside[block]
		for _, list := range lists {
			list.inOrder()
			shortcut := 0
			if len(list) == 4 || len(list) == 3 && strings.Contains(path.Base(block), "residual") {
				shortcut = 1 // made first
			}
			for i, l := range list {
				places[l.name] = fmt.Sprintf("%s/conv%d", place, i-shortcut)
				if i < shortcut {
					places[l.name] = place + "/shortcut"
				}
			}
		}
	}
	return places
}

// tf2Order names the convolutions outside the blocks: the stem's, those of the resamplings, the endpoints'.
func tf2Order(convs made, levels []int) []string {
	order := []string{"backbone/stem/conv"}
	for i := range len(tf2Kinds) {
		for j := range 2 {
			n := 2 // squeeze and expand; a strided 3×3 between them where the parent is larger
			if next := len(order) + 1; next < len(convs) && convs[next].kernel.spatial(3) {
				n = 3
			}
			for k := range n {
				order = append(order, fmt.Sprintf("backbone/block%02d/resample%d/conv%d", i, j, k))
			}
		}
	}
	first := 3
	if len(levels) > 0 {
		first = levels[0]
	}
	for l := first; len(order) < len(convs); l++ {
		order = append(order, fmt.Sprintf("backbone/endpoint%d", l))
	}
	return order
}

// tf2Units gives each block its place: two groups of the stem, then a group per scale-permuted block.
func tf2Units(bottlenecks, residuals made) map[string]string {
	places := map[string]string{}
	repeats := max(1, len(residuals)/strings.Count(tf2Kinds, "r"))
	take := func(list *made, group string) {
		for r := range repeats {
			if len(*list) > 0 {
				places[(*list)[0].name] = fmt.Sprintf("%s/unit%d", group, r)
				*list = (*list)[1:]
			}
		}
	}
	take(&bottlenecks, "backbone/stem/group0")
	take(&bottlenecks, "backbone/stem/group1")
	for i, kind := range tf2Kinds {
		list := &bottlenecks
		if kind == 'r' {
			list = &residuals
		}
		take(list, fmt.Sprintf("backbone/block%02d", i))
	}
	return places
}

// tf2Stages gives each block of a ResNet its place: every stage, from level 2 on, begins with a block that has a
// projection (official/vision/modeling/backbones/resnet.py).
func tf2Stages(bottlenecks made, inside map[string][2]made) map[string]string {
	places := map[string]string{}
	stage, unit := 1, 0
	for _, b := range bottlenecks {
		if len(inside[b.name][0]) == 4 {
			stage, unit = stage+1, 0
		}
		places[b.name] = fmt.Sprintf("backbone/stage%d/unit%d", stage, unit)
		unit++
	}
	return places
}

var (
	tf2LevelNorm  = regexp.MustCompile(`^(rpn|classnet|boxnet)-conv-norm_(\d{1,4})_(\d{1,4})$`)
	tf2Pyramid    = regexp.MustCompile(`^(lateral|post_hoc|coarser|norm)_(\d{1,4})$`)
	tf2Classifier = regexp.MustCompile(`^dense(?:_\d{1,9})?$`)
	tf2Numbered   = regexp.MustCompile(`^(rpn-conv|classnet-conv|boxnet-conv|detection-conv|detection-conv-bn|detection-fc|detection-fc-bn|mask-conv|mask-conv-bn)_(\d{1,4})$`)
)

// tf2Head is the place of a layer of the pyramid or of the heads (official/vision/modeling/decoders/fpn.py, heads).
func tf2Head(layer string) (string, bool) {
	if m := tf2Pyramid.FindStringSubmatch(layer); m != nil {
		place := map[string]string{"lateral": "fpn/lateral%d", "post_hoc": "fpn/output%d", "coarser": "fpn/output%d", "norm": "fpn/output%d/norm"}[m[1]]
		return fmt.Sprintf(place, index(m[2])), true
	}
	if m := tf2LevelNorm.FindStringSubmatch(layer); m != nil {
		place := map[string]string{"rpn": "rpn", "classnet": "retina/class", "boxnet": "retina/box"}[m[1]]
		return fmt.Sprintf("%s/conv%d/norm%d", place, index(m[3]), index(m[2])), true
	}
	if tf2Classifier.MatchString(layer) {
		return "classifier", true
	}
	if m := tf2Numbered.FindStringSubmatch(layer); m != nil {
		place := map[string]string{
			"rpn-conv":       "rpn/conv",
			"classnet-conv":  "retina/class/conv",
			"boxnet-conv":    "retina/box/conv",
			"detection-conv": "box/conv", "detection-conv-bn": "box/conv",
			"detection-fc": "box/fc", "detection-fc-bn": "box/fc",
			"mask-conv": "mask/conv", "mask-conv-bn": "mask/conv",
		}[m[1]]
		return fmt.Sprintf("%s%d", place, index(m[2])), true
	}
	place, ok := map[string]string{
		"rpn-scores": "rpn/objectness", "rpn-boxes": "rpn/deltas",
		"scores": "retina/class/predict", "boxes": "retina/box/predict",
		"detection-scores": "box/class", "detection-boxes": "box/deltas",
		"mask-upsampling": "mask/deconv", "mask-deconv-bn": "mask/deconv", "mask-logits": "mask/logits",
	}[layer]
	return place, ok
}
