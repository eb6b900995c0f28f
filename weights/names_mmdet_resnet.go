package weights

import (
	"fmt"
	"regexp"
	"strings"
)

// mmdetResNetMarker is a piece of name that a detector of mmdetection with a feature pyramid has.
const mmdetResNetMarker = "neck.lateral_convs.0.conv.weight"

var (
	mmrUnit    = regexp.MustCompile(`^backbone\.layer([1-4])\.(\d{1,3})\.(?:(?:conv|bn)([1-3])|(downsample)\.[01])$`)
	mmrPyramid = regexp.MustCompile(`^neck\.(lateral|fpn)_convs\.(\d)\.(?:conv|bn)$`)
)

// mmdetOther are networks of mmdetection with a ResNet that are not supported, by a piece of name.
var mmdetOther = []struct {
	piece *regexp.Regexp
	what  string
}{
	{regexp.MustCompile(`(^|[./])backbone\.layer\d\.\d+\.conv2_offset\.|\.conv2\.conv_offset\.`), "deformable convolutions"},
	{regexp.MustCompile(`(^|[./])(bbox_head|mask_head)\.\d+\.`), "a cascade"},
	{regexp.MustCompile(`(^|[./])bbox_head\.(retina|fcos|atss|gfl|conv)_`), "a one-stage head"},
	{regexp.MustCompile(`(^|[./])roi_head\.(mask_iou_head|point_head|semantic_head|grid_head|shared_head)\.`), "another head than Mask R-CNN's"},
	{regexp.MustCompile(`(^|[./])backbone\.stem\.\d`), "a ResNet-D"},
	{regexp.MustCompile(`(^|[./])backbone\.layer\d\.\d+\.(?:gc_module|context_block|nonlocal)`), "context blocks"},
}

// translateMMDetResNet translates Mask R-CNN with a ResNet and a feature pyramid of mmdetection 2.x and 3.x, whose names are the same
// (models/backbones/resnet.py, models/necks/fpn.py, and the heads of translateMMDet). Rows of classes are as in [translateDetectron2].
func translateMMDetResNet(vars []Tensor) *translation {
	tr := &translation{}
	for _, v := range vars {
		for _, n := range mmdetOther {
			if n.piece.MatchString(v.Name) {
				tr.refused = fmt.Sprintf("a network of mmdetection with %s, which is not supported: want Mask R-CNN with ResNet-50-FPN or ResNet-101-FPN", n.what)
				return tr
			}
		}
	}
	layers := torchState(tr, vars, mmdetResNetMarker)
	if _, first := layers["bbox_head.fc_cls"]; first { // rows of the background come first, and there are some of boxes and masks for it
		tr.refused = "a ResNet-FPN of mmdetection 1.x, which is not read: want one of 2.x or 3.x"
		return tr
	}
	if grouped(layers, "backbone.layer1.0.conv1", "backbone.layer1.0.conv2") {
		tr.refused = "a network of mmdetection with a ResNeXt, which is not supported: want Mask R-CNN with ResNet-50-FPN or ResNet-101-FPN"
		return tr
	}
	for _, module := range sortedKeys(layers) {
		name := strings.TrimPrefix(module, "roi_head.")
		p, ok := mmdetResNetPlace(name)
		if !ok {
			if p, ok = mmdetPlace(layers, name); ok && strings.HasPrefix(p.place, "backbone/") {
				ok = false
			}
		}
		if ok {
			p.last = mmdetRows(name, layers.outputs(module), true)
			if p.place == "box/fc0" {
				p.flatten = mmdetChannels(layers)
			}
			tr.addTorch(layers[module], p)
			continue
		}
		for _, leaf := range sortedKeys(layers[module]) {
			tr.unexpected(layers[module][leaf])
		}
	}
	return tr
}

// mmdetResNetPlace is the place of a module of the backbone or of the pyramid.
func mmdetResNetPlace(module string) (torchPlace, bool) {
	at := func(format string, args ...any) (torchPlace, bool) {
		return torchPlace{place: fmt.Sprintf(format, args...)}, true
	}
	if module == "backbone.conv1" || module == "backbone.bn1" {
		return at("backbone/stem/conv")
	}
	if m := mmrUnit.FindStringSubmatch(module); m != nil {
		unit := fmt.Sprintf("backbone/stage%d/unit%d", index(m[1])+1, index(m[2]))
		if m[4] != "" {
			return at("%s/shortcut", unit)
		}
		return at("%s/conv%d", unit, index(m[3])-1)
	}
	if m := mmrPyramid.FindStringSubmatch(module); m != nil {
		return at("fpn/%s%d", map[string]string{"lateral": "lateral", "fpn": "output"}[m[1]], index(m[2])+2)
	}
	return torchPlace{}, false
}
