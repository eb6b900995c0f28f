package weights

import (
	"fmt"
	"regexp"
	"strings"
)

// mmdetMarker is a piece of name that the SpineNet port of mmdetection has.
const mmdetMarker = "backbone.init_block1.0.conv1.weight"

var (
	mmStem     = regexp.MustCompile(`^backbone\.conv1\.(?:conv|bn)$`)
	mmGroup    = regexp.MustCompile(`^backbone\.(?:init_block([12])|scale_permuted_blocks\.(\d{1,2}))\.(\d{1,2})\.(?:(?:conv|bn)([1-9])|(downsample)\.[01])$`)
	mmResample = regexp.MustCompile(`^backbone\.merge_ops\.(\d{1,2})\.resample_ops\.([01])\.(squeeze|downsample|expand)_conv\.(?:conv|bn)$`)
	mmEndpoint = regexp.MustCompile(`^backbone\.endpoint_convs\.(\d{1,2})\.(?:conv|bn)$`)
	mmHead     = regexp.MustCompile(`^(bbox_head\.shared_convs|bbox_head\.shared_fcs|mask_head\.convs)\.(\d{1,2})(?:\.(?:conv|bn))?$`)
)

// translateMMDet translates Mask R-CNN of the SpineNet ports for mmdetection (yan-roo/SpineNet-Pytorch,
// lucifer443/SpineNet-Pytorch), with the names and class rows of mmdetection 1.x or 2.x. The latter has the background
// last and no box or mask rows for it: zeros that nothing reads stand for them.
func translateMMDet(vars []Tensor) *translation {
	tr := &translation{}
	layers := torchState(tr, vars, mmdetMarker)
	_, second := layers["roi_head.bbox_head.fc_cls"]
	for _, module := range sortedKeys(layers) {
		name := strings.TrimPrefix(module, "roi_head.")
		p, ok := mmdetPlace(layers, name)
		if ok && name != "" {
			p.last = mmdetRows(name, layers.outputs(module), second)
			if p.place == "box/fc0" {
				p.flatten = mmdetChannels(layers)
			}
			tr.addTorch(layers[module], p)
			continue
		}
		for _, leaf := range sortedKeys(layers[module]) {
			if v := layers[module][leaf]; strings.Contains(module, "retina_") {
				tr.retina = append(tr.retina, v.Name)
			} else {
				tr.unexpected(v)
			}
		}
	}
	return tr
}

// mmdetPlace is the place of a module, without the prefix roi_head.
func mmdetPlace(layers torchLayers, module string) (torchPlace, bool) {
	at := func(format string, args ...any) (torchPlace, bool) {
		return torchPlace{place: fmt.Sprintf(format, args...)}, true
	}
	switch module {
	case "rpn_head.rpn_conv":
		return at("rpn/conv0")
	case "rpn_head.rpn_cls":
		return at("rpn/objectness")
	case "rpn_head.rpn_reg":
		return at("rpn/deltas")
	case "bbox_head.fc_cls":
		return at("box/class")
	case "bbox_head.fc_reg":
		return at("box/deltas")
	case "mask_head.upsample":
		return at("mask/deconv")
	case "mask_head.conv_logits":
		return at("mask/logits")
	}
	if mmStem.MatchString(module) {
		return at("backbone/stem/conv")
	}
	if m := mmGroup.FindStringSubmatch(module); m != nil {
		unit := fmt.Sprintf("backbone/block%02d/unit%d", index(m[2]), index(m[3]))
		if m[1] != "" {
			unit = fmt.Sprintf("backbone/stem/group%d/unit%d", index(m[1])-1, index(m[3]))
		}
		if m[5] != "" {
			return at("%s/shortcut", unit)
		}
		return at("%s/conv%d", unit, index(m[4])-1)
	}
	if m := mmResample.FindStringSubmatch(module); m != nil {
		conv := map[string]int{"squeeze": 0, "downsample": 1, "expand": 1}[m[3]]
		if _, ok := layers.kernel("backbone.merge_ops.%s.resample_ops.%s.downsample_conv.conv", m[1], m[2]); ok && m[3] == "expand" {
			conv = 2
		}
		return at("backbone/block%02d/resample%s/conv%d", index(m[1]), m[2], conv)
	}
	if m := mmEndpoint.FindStringSubmatch(module); m != nil {
		return at("backbone/endpoint%d", index(m[1]))
	}
	if m := mmHead.FindStringSubmatch(module); m != nil {
		place := map[string]string{"bbox_head.shared_convs": "box/conv", "bbox_head.shared_fcs": "box/fc", "mask_head.convs": "mask/conv"}[m[1]]
		return at("%s%d", place, index(m[2]))
	}
	return torchPlace{}, false
}

// mmdetRows is the order of the n outputs of a module; second: those of mmdetection 2.x.
func mmdetRows(module string, n int, second bool) []int {
	switch module {
	case "rpn_head.rpn_reg":
		return swapped(n)
	case "bbox_head.fc_reg":
		if second && n > 4 { // four rows serve all classes
			return lastRows(swapped(n), 4)
		}
		return swapped(n)
	case "mask_head.conv_logits":
		if second {
			return lastRows(upTo(n), 1)
		}
	}
	return nil
}

// upTo is the order 0…n−1.
func upTo(n int) []int {
	last := make([]int, n)
	for i := range last {
		last[i] = i
	}
	return last
}

// mmdetChannels is the number of channels that the box head flattens: of its last convolution, or of the endpoints or the pyramid.
func mmdetChannels(layers torchLayers) int {
	last, channels := -1, 1
	for module := range layers {
		name := strings.TrimPrefix(module, "roi_head.")
		m := mmHead.FindStringSubmatch(name)
		switch {
		case m != nil && m[1] == "bbox_head.shared_convs" && strings.HasSuffix(name, ".conv") && index(m[2]) > last:
			last, channels = index(m[2]), layers.outputs(module)
		case last < 0 && (mmEndpoint.MatchString(name) || mmrPyramid.MatchString(name)) && strings.HasSuffix(name, ".conv"):
			channels = layers.outputs(module)
		}
	}
	return max(1, channels)
}
