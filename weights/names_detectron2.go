package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// detectron2Marker is a piece of name that a network of Detectron2 with a feature pyramid has.
const detectron2Marker = "backbone.bottom_up.stem.conv1.weight"

// detectron2Backbone is the name of a convolution that a backbone of Detectron2 alone has.
var detectron2Backbone = regexp.MustCompile(`(^|/)res2\.0\.conv1\.weight$`)

// detectron2Other are networks of Detectron2 that are not supported, by a piece of name.
var detectron2Other = []struct {
	piece *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`(^|[./])roi_heads\.res5\.`), "a Mask R-CNN or Faster R-CNN of Detectron2 with a C4 backbone"},
	{regexp.MustCompile(`(^|[./])backbone\.stem\.conv1\.`), "a network of Detectron2 without a feature pyramid (C4 or DC5)"},
	{regexp.MustCompile(`(^|[./])head\.(cls|bbox)_subnet\.`), "a RetinaNet of Detectron2"},
	{regexp.MustCompile(`(^|[./])sem_seg_head\.`), "a panoptic network of Detectron2"},
	{regexp.MustCompile(`(^|[./])roi_heads\.keypoint_head\.`), "a keypoint network of Detectron2"},
	{regexp.MustCompile(`(^|[./])roi_heads\.(box_head|box_predictor)\.\d+\.`), "a cascade network of Detectron2"},
	{regexp.MustCompile(`(^|[./])roi_heads\.mask_head\.(coarse_head|point_head)\.`), "a PointRend network of Detectron2"},
	{regexp.MustCompile(`(^|[./])bottom_up\.res\d\.\d+\.conv2_offset\.`), "a network of Detectron2 with deformable convolutions"},
	{regexp.MustCompile(`(^|[./])backbone\.bottom_up\.(patch_embed|net|s\d|stages|layers)\b`), "a network of Detectron2 with another backbone than a ResNet"},
}

// wantMaskRCNN ends what is said of a network that is not supported.
const wantMaskRCNN = ", which is not supported: want Mask R-CNN with ResNet-50-FPN or ResNet-101-FPN"

// detectron2Network says which network of Detectron2 that is not supported has a tensor of the name.
func detectron2Network(name string) (string, bool) {
	for _, n := range detectron2Other {
		if n.piece.MatchString(name) {
			return n.what + wantMaskRCNN, true
		}
	}
	return "", false
}

// detectron2Refused says which network the file holds that is not supported; empty: none of those. A C4 network and a DC5 one have no pyramid; the head of the one is
// the last stage of the backbone, that of the other dense layers.
func detectron2Refused(vars []Tensor) string {
	has := func(piece string) bool {
		return slices.ContainsFunc(vars, func(v Tensor) bool { return strings.Contains(v.Name, piece) })
	}
	for _, n := range detectron2Other {
		if !slices.ContainsFunc(vars, func(v Tensor) bool { return n.piece.MatchString(v.Name) }) {
			continue
		}
		if strings.Contains(n.what, "DC5") && has("roi_heads.box_head.fc1.") {
			return "a Mask R-CNN or Faster R-CNN of Detectron2 with a DC5 backbone" + wantMaskRCNN
		}
		return n.what + wantMaskRCNN
	}
	return ""
}

var (
	d2Unit     = regexp.MustCompile(`^backbone\.bottom_up\.res([2-5])\.(\d{1,3})\.(?:conv([1-3])|(shortcut))$`)
	d2Pyramid  = regexp.MustCompile(`^backbone\.fpn_(lateral|output)([2-5])$`)
	d2RPNConv  = regexp.MustCompile(`^proposal_generator\.rpn_head\.conv(?:\.conv(\d{1,2}))?$`)
	d2BoxLayer = regexp.MustCompile(`^roi_heads\.box_head\.(conv|fc)(\d{1,2})$`)
	d2MaskConv = regexp.MustCompile(`^roi_heads\.mask_head\.mask_fcn(\d{1,2})$`)
	d2Beside   = regexp.MustCompile(`^(?:pixel_mean|pixel_std|proposal_generator\.anchor_generator\.cell_anchors\.\d+|(?:anchor_generator|proposal_generator)\..*cell_anchors.*)$`)
)

// translateDetectron2 translates Mask R-CNN with a ResNet and a feature pyramid of Detectron2 (modeling/backbone/{resnet,fpn}.py,
// modeling/proposal_generator/rpn.py, modeling/roi_heads/{box_head,fast_rcnn,mask_head}.py). The background has the last class row, and no boxes or masks: zeros
// that nothing reads stand for them. Names of Caffe2 are those of [caffe2Layers].
func translateDetectron2(vars []Tensor) *translation {
	tr := &translation{}
	if isCaffe2(vars) {
		layers := caffe2Layers(tr, vars)
		tr.detectron2(layers, true)
		return tr
	}
	if tr.refused = detectron2Refused(vars); tr.refused != "" {
		return tr
	}
	if slices.ContainsFunc(vars, func(v Tensor) bool { return strings.HasSuffix(v.Name, detectron2Marker) }) {
		tr.detectron2(torchState(tr, vars, detectron2Marker), false)
		return tr
	}
	// A backbone alone, which Detectron2 finds its place for by the ends of names (checkpoint/c2_model_loading.py, align_and_update_state_dicts).
	layers := torchLayers{}
	for module, leaves := range torchState(tr, vars, "res2.0.conv1.weight") {
		if module == "stem.fc" { // of ImageNet
			for _, leaf := range sortedKeys(leaves) {
				tr.ignored = append(tr.ignored, leaves[leaf].Name)
			}
			continue
		}
		layers["backbone.bottom_up."+module] = leaves
	}
	tr.detectron2(layers, false)
	return tr
}

// detectron2 translates the layers of a network of Detectron2. first: the background has the first class row.
func (tr *translation) detectron2(layers torchLayers, first bool) {
	if _, norm := layers["backbone.fpn_lateral2.norm"]["weight"]; norm && layers["backbone.fpn_lateral2.norm"]["running_mean"].Name == "" {
		tr.refused = "a network of Detectron2 with group normalization" + wantMaskRCNN
		return
	}
	if grouped(layers, "backbone.bottom_up.res2.0.conv1", "backbone.bottom_up.res2.0.conv2") {
		tr.refused = "a network of Detectron2 with a ResNeXt" + wantMaskRCNN
		return
	}
	for _, module := range sortedKeys(layers) {
		if p, ok := detectron2Place(layers, strings.TrimSuffix(module, ".norm")); ok {
			if order := backgroundFirst(module, layers.outputs(module)); first && order != nil {
				p.last = order
			}
			tr.addTorch(layers[module], p)
			continue
		}
		for _, leaf := range sortedKeys(layers[module]) {
			v := layers[module][leaf]
			if name := strings.TrimPrefix(module+"."+leaf, "."); d2Beside.MatchString(name) {
				tr.ignored = append(tr.ignored, v.Name)
			} else {
				tr.unexpected(v)
			}
		}
	}
}

// grouped reports whether a convolution has fewer inputs than the one before has outputs.
func grouped(layers torchLayers, before, module string) bool {
	t, ok := layers[module]["weight"]
	return ok && len(t.Shape) == 4 && t.Shape[1] < layers.outputs(before)
}

// detectron2Place is the place of a module.
func detectron2Place(layers torchLayers, module string) (torchPlace, bool) {
	at := func(format string, args ...any) (torchPlace, bool) {
		return torchPlace{place: fmt.Sprintf(format, args...)}, true
	}
	switch module {
	case "backbone.bottom_up.stem.conv1":
		return at("backbone/stem/conv")
	case "proposal_generator.rpn_head.objectness_logits":
		return at("rpn/objectness")
	case "proposal_generator.rpn_head.anchor_deltas":
		return torchPlace{place: "rpn/deltas", last: swapped(layers.outputs(module))}, true
	case "roi_heads.box_predictor.cls_score":
		return at("box/class")
	case "roi_heads.box_predictor.bbox_pred":
		return torchPlace{place: "box/deltas", last: lastRows(swapped(layers.outputs(module)), 4)}, true
	case "roi_heads.mask_head.deconv":
		return at("mask/deconv")
	case "roi_heads.mask_head.predictor":
		return torchPlace{place: "mask/logits", last: lastRows(upTo(layers.outputs(module)), 1)}, true
	}
	if m := d2Unit.FindStringSubmatch(module); m != nil {
		unit := fmt.Sprintf("backbone/stage%s/unit%d", m[1], index(m[2]))
		if m[4] != "" {
			return at("%s/shortcut", unit)
		}
		return at("%s/conv%d", unit, index(m[3])-1)
	}
	if m := d2Pyramid.FindStringSubmatch(module); m != nil {
		return at("fpn/%s%s", m[1], m[2])
	}
	if m := d2RPNConv.FindStringSubmatch(module); m != nil {
		return at("rpn/conv%d", index(m[1]))
	}
	if m := d2BoxLayer.FindStringSubmatch(module); m != nil && index(m[2]) > 0 {
		p := torchPlace{place: fmt.Sprintf("box/%s%d", m[1], index(m[2])-1)}
		if m[1] == "fc" && index(m[2]) == 1 {
			p.flatten = detectron2Channels(layers)
		}
		return p, true
	}
	if m := d2MaskConv.FindStringSubmatch(module); m != nil && index(m[1]) > 0 {
		return at("mask/conv%d", index(m[1])-1)
	}
	return torchPlace{}, false
}

// lastRows puts n zeros, for the background, behind the outputs of more than one class.
func lastRows(last []int, n int) []int {
	if len(last) > n {
		for range n {
			last = append(last, -1)
		}
	}
	return last
}

// detectron2Channels is the number of channels that the box head flattens: of its last convolution, or of the pyramid.
func detectron2Channels(layers torchLayers) int {
	last, channels := 0, layers.outputs("backbone.fpn_output2")
	for module := range layers {
		if m := d2BoxLayer.FindStringSubmatch(module); m != nil && m[1] == "conv" && index(m[2]) > last {
			last, channels = index(m[2]), layers.outputs(module)
		}
	}
	return max(1, channels)
}
