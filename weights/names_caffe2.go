package weights

import (
	"regexp"
	"slices"
	"strings"
)

// Detectron, from which Detectron2 came, has the names of its Caffe2 nets, and the ImageNet backbones that Detectron2 begins with have them still. Detectron2 reads
// both by renaming (checkpoint/c2_model_loading.py, convert_c2_detectron_names), and so do we. What differs:
//
//   - The background has the first class row, and rows of boxes and masks of its own, which are left out.
//   - Norms may be folded into a scale and an offset. They get a mean of 0 and a variance of 1, as FrozenBatchNorm2d of Detectron2 gives them (layers/batch_norm.py,
//     _load_from_state_dict), which then adds its epsilon to that variance.

// caffe2Marker is the name of a convolution that each of these files has.
var caffe2Marker = regexp.MustCompile(`(^|/)res2_0_branch2a_w$`)

// caffe2Other are networks of Detectron that are not supported, by a piece of name.
var caffe2Other = []struct {
	piece *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`(^|/)(conv_rpn|rpn_cls_logits|rpn_bbox_pred)_[wb]$`), "a network of Detectron without a feature pyramid (C4)"},
	{regexp.MustCompile(`(^|/)retnet_`), "a RetinaNet of Detectron"},
	{regexp.MustCompile(`(^|/)(kps_score|conv_fcn\d)`), "a keypoint network of Detectron"},
	{regexp.MustCompile(`(^|/)[^/]*_gn_[sb]$`), "a network of Detectron with group normalization"},
}

var (
	c2Leaf  = regexp.MustCompile(`^(.*?)_(?:(w|b)|bn_(s|b|rm|riv|gamma|beta|running_mean|running_var))$`)
	c2Unit  = regexp.MustCompile(`^res([2-5])_(\d{1,3})_branch(1|2[abc])$`)
	c2FPN   = regexp.MustCompile(`^fpn_(inner_)?res([2-5])_\d{1,3}_sum(?:_lateral)?$`)
	c2Mask  = regexp.MustCompile(`^_(?:\[mask\]|mask)_fcn(\d{1,2})$`)
	c2Conv  = regexp.MustCompile(`^head_conv(\d{1,2})$`)
	c2Convs = map[string]string{"1": "shortcut", "2a": "conv1", "2b": "conv2", "2c": "conv3"}
	c2Norms = map[string]string{
		"s": "weight", "gamma": "weight", "b": "bias", "beta": "bias",
		"rm": "running_mean", "running_mean": "running_mean", "riv": "running_var", "running_var": "running_var",
	}
	c2Modules = map[string]string{
		"conv1": "backbone.bottom_up.stem.conv1", "res_conv1": "backbone.bottom_up.stem.conv1",
		"conv_rpn_fpn2": "proposal_generator.rpn_head.conv", "rpn_cls_logits_fpn2": "proposal_generator.rpn_head.objectness_logits",
		"rpn_bbox_pred_fpn2": "proposal_generator.rpn_head.anchor_deltas",
		"fc6":                "roi_heads.box_head.fc1", "fc7": "roi_heads.box_head.fc2",
		"cls_score": "roi_heads.box_predictor.cls_score", "bbox_pred": "roi_heads.box_predictor.bbox_pred",
		"conv5_mask": "roi_heads.mask_head.deconv", "mask_fcn_logits": "roi_heads.mask_head.predictor",
	}
)

// isCaffe2 reports whether the file has names of Caffe2.
func isCaffe2(vars []Tensor) bool {
	return slices.ContainsFunc(vars, func(v Tensor) bool { return caffe2Marker.MatchString(v.Name) })
}

// caffe2Layers gives the tensors of a file with names of Caffe2 the names of Detectron2. They may lie under the key blobs.
func caffe2Layers(tr *translation, vars []Tensor) torchLayers {
	prefix := ""
	for _, v := range vars {
		if caffe2Marker.MatchString(v.Name) {
			prefix = v.Name[:strings.LastIndex(v.Name, "/")+1]
		}
	}
	layers := torchLayers{}
	for _, v := range vars {
		name, ok := strings.CutPrefix(v.Name, prefix)
		if !ok || strings.Contains(name, "/") || strings.HasSuffix(name, "_momentum") {
			tr.ignored = append(tr.ignored, v.Name)
			continue
		}
		for _, n := range caffe2Other {
			if n.piece.MatchString(v.Name) {
				tr.refused = n.what + wantMaskRCNN
				return nil
			}
		}
		module, leaf := caffe2Module(name)
		switch norm := strings.HasSuffix(module, ".norm"); {
		case strings.HasPrefix(name, "fc1000_"), strings.HasPrefix(name, "pred_"): // of ImageNet
			tr.ignored = append(tr.ignored, v.Name)
		case strings.HasPrefix(module, "backbone.bottom_up.") && !norm && leaf == "bias":
			// MSRA's first convolution has a bias, which Detectron2's, with a norm behind it, has no place for.
			tr.ignored = append(tr.ignored, v.Name)
		case module == "":
			tr.unexpected(v)
		default:
			if layers[module] == nil {
				layers[module] = map[string]Tensor{}
			}
			if first, ok := layers[module][leaf]; ok {
				tr.problems = append(tr.problems, v.Name+": is "+module+"."+leaf+", as is "+first.Name)
				continue
			}
			layers[module][leaf] = v
		}
	}
	most := 0 // outputs of a folded norm
	for _, vars := range layers {
		most = max(most, foldedNorm(vars))
	}
	ones, zeros := slices.Repeat([]float32{1}, most), make([]float32, most) // of all of them: a file may have one scale for many
	for _, module := range sortedKeys(layers) {
		vars := layers[module]
		if n := foldedNorm(vars); n > 0 && strings.HasSuffix(module, ".norm") {
			name := vars["weight"].Name
			vars["running_mean"] = NewTensor(name+", mean", []int{n}, zeros[:n])
			vars["running_var"] = NewTensor(name+", variance", []int{n}, ones[:n])
			tr.made += 2
		}
	}
	return layers
}

// foldedNorm returns the outputs of a norm of a scale and an offset, which Detectron2 gives statistics; 0 if it is none.
func foldedNorm(vars map[string]Tensor) int {
	scale, ok := vars["weight"]
	_, mean := vars["running_mean"]
	_, variance := vars["running_var"]
	if !ok || mean || variance || scale.opaque != "" || len(scale.Shape) != 1 {
		return 0
	}
	return scale.Shape[0]
}

// caffe2Module is the module of Detectron2, and the variable of it, that a name of Caffe2 means; "" if it has none.
func caffe2Module(name string) (module, leaf string) {
	m := c2Leaf.FindStringSubmatch(name)
	if m == nil {
		return "", ""
	}
	base, norm := m[1], m[3] != ""
	leaf = map[string]string{"w": "weight", "b": "bias"}[m[2]]
	if norm {
		leaf = c2Norms[m[3]]
	}
	if u := c2Unit.FindStringSubmatch(base); u != nil {
		module = "backbone.bottom_up.res" + u[1] + "." + u[2] + "." + c2Convs[u[3]]
	} else if f := c2FPN.FindStringSubmatch(base); f != nil {
		module = "backbone.fpn_output" + f[2]
		if f[1] != "" {
			module = "backbone.fpn_lateral" + f[2]
		}
	} else if k := c2Mask.FindStringSubmatch(base); k != nil {
		module = "roi_heads.mask_head.mask_fcn" + k[1]
	} else if k := c2Conv.FindStringSubmatch(base); k != nil {
		module = "roi_heads.box_head.conv" + k[1]
	} else if module = c2Modules[base]; module == "" || base == "res_conv1" && !norm {
		return "", ""
	}
	if norm {
		module += ".norm"
	}
	return module, leaf
}

// backgroundFirst is the order of the n outputs of a module of Detectron2 whose background comes first in the file: nil where it has no classes.
func backgroundFirst(module string, n int) []int {
	switch module {
	case "roi_heads.box_predictor.cls_score":
		if n > 1 {
			return append(upTo(n)[1:], 0)
		}
		return upTo(n)
	case "roi_heads.box_predictor.bbox_pred":
		last := swapped(max(n-4, 4))
		for i := range last {
			last[i] += 4
		}
		return lastRows(last, 4)
	case "roi_heads.mask_head.predictor":
		if n > 1 { // one row serves all classes
			return lastRows(upTo(n)[1:], 1)
		}
		return upTo(n)
	}
	return nil
}
