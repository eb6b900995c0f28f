package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// torchvisionMarker is a piece of name that a detector of torchvision has.
const torchvisionMarker = "backbone.body.conv1.weight"

var (
	tvUnit     = regexp.MustCompile(`^backbone\.body\.layer([1-9])\.(\d{1,3})\.(?:(?:conv|bn)([1-9])|(downsample)\.[01])$`)
	tvPyramid  = regexp.MustCompile(`^backbone\.fpn\.(inner|layer)_blocks\.(\d)(?:\.[01])?$`)
	tvRPNConv  = regexp.MustCompile(`^rpn\.head\.conv(?:\.(\d{1,3})\.0)?$`)
	tvBoxConv  = regexp.MustCompile(`^roi_heads\.box_head\.(\d{1,3})\.[01]$`)
	tvBoxDense = regexp.MustCompile(`^roi_heads\.box_head\.(?:fc)?(\d{1,3})$`)
	tvMaskConv = regexp.MustCompile(`^roi_heads\.mask_head\.(\d{1,3})\.[01]$`)
	tvMaskOld  = regexp.MustCompile(`^roi_heads\.mask_head\.mask_fcn([1-9]\d?)$`)
)

// translateTorchvision translates Mask R-CNN with a ResNet and a feature pyramid as torchvision has it: both versions
// (maskrcnn_resnet50_fpn and _v2), and the names of files from before 0.13
// (models/detection/{mask_rcnn,faster_rcnn,rpn}.py, ops/feature_pyramid_network.py).
func translateTorchvision(vars []Tensor) *translation {
	if isResNet(vars) {
		return translateResNet(vars)
	}
	tr := &translation{}
	layers := torchState(tr, vars, torchvisionMarker)
	dense := layers.numbers(func(module string) (int, bool) {
		m := tvBoxDense.FindStringSubmatch(module)
		if m == nil {
			return 0, false
		}
		return index(m[1]), true
	})
	for _, module := range sortedKeys(layers) {
		if strings.HasPrefix(module, "head.classification_head.") || strings.HasPrefix(module, "head.regression_head.") {
			tr.retina = append(tr.retina, module)
			continue
		}
		if p, ok := torchvisionPlace(layers, module, dense); ok {
			tr.addTorch(layers[module], p)
		} else {
			for _, leaf := range sortedKeys(layers[module]) {
				tr.unexpected(layers[module][leaf])
			}
		}
	}
	return tr
}

// torchvisionPlace is the place of a module. dense are the numbers of the box head's dense layers.
func torchvisionPlace(layers torchLayers, module string, dense []int) (torchPlace, bool) {
	at := func(format string, args ...any) (torchPlace, bool) {
		return torchPlace{place: fmt.Sprintf(format, args...)}, true
	}
	switch module {
	case "backbone.body.conv1", "backbone.body.bn1":
		return at("backbone/stem/conv")
	case "rpn.head.cls_logits":
		return at("rpn/objectness")
	case "rpn.head.bbox_pred":
		return torchPlace{place: "rpn/deltas", last: swapped(layers.outputs(module))}, true
	case "roi_heads.box_predictor.cls_score":
		return at("box/class")
	case "roi_heads.box_predictor.bbox_pred":
		return torchPlace{place: "box/deltas", last: swapped(layers.outputs(module))}, true
	case "roi_heads.mask_predictor.conv5_mask":
		return at("mask/deconv")
	case "roi_heads.mask_predictor.mask_fcn_logits":
		return at("mask/logits")
	}
	if m := tvUnit.FindStringSubmatch(module); m != nil {
		unit := fmt.Sprintf("backbone/stage%d/unit%d", index(m[1])+1, index(m[2]))
		if m[4] != "" {
			return at("%s/shortcut", unit)
		}
		return at("%s/conv%d", unit, index(m[3])-1)
	}
	if m := tvPyramid.FindStringSubmatch(module); m != nil {
		if m[1] == "inner" {
			return at("fpn/lateral%d", index(m[2])+2)
		}
		return at("fpn/output%d", index(m[2])+2)
	}
	if m := tvRPNConv.FindStringSubmatch(module); m != nil {
		return at("rpn/conv%d", index(m[1]))
	}
	if m := tvBoxConv.FindStringSubmatch(module); m != nil {
		return at("box/conv%d", index(m[1]))
	}
	if m := tvBoxDense.FindStringSubmatch(module); m != nil {
		i := slices.Index(dense, index(m[1]))
		p := torchPlace{place: fmt.Sprintf("box/fc%d", i)}
		if i == 0 {
			p.flatten = torchvisionChannels(layers)
		}
		return p, true
	}
	if m := tvMaskConv.FindStringSubmatch(module); m != nil {
		return at("mask/conv%d", index(m[1]))
	}
	if m := tvMaskOld.FindStringSubmatch(module); m != nil {
		return at("mask/conv%d", index(m[1])-1)
	}
	return torchPlace{}, false
}

// torchvisionChannels is the number of channels of the features that the box head flattens: those of its last
// convolution, or of the pyramid.
func torchvisionChannels(layers torchLayers) int {
	last, channels := -1, 0
	for module := range layers {
		switch m := tvBoxConv.FindStringSubmatch(module); {
		case m != nil && strings.HasSuffix(module, ".0") && index(m[1]) > last:
			last, channels = index(m[1]), layers.outputs(module)
		case last < 0 && (module == "backbone.fpn.layer_blocks.0.0" || module == "backbone.fpn.layer_blocks.0"):
			channels = layers.outputs(module)
		}
	}
	return max(1, channels)
}
