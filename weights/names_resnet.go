package weights

import (
	"fmt"
	"regexp"
	"strings"
)

// resNetMarker is a piece of name that a ResNet alone has, at the root of a state dictionary.
const resNetMarker = "layer1.0.conv1.weight"

var (
	resNetRoot = regexp.MustCompile(`^(?:.*/)?(?:(?:module|model|_orig_mod)\.)*layer1\.0\.conv1\.weight$`)
	resNetUnit = regexp.MustCompile(`^layer([1-4])\.(\d{1,3})\.(?:(?:conv|bn)([1-3])|(downsample)\.[01])$`)
)

// isResNet reports whether a file holds a ResNet that is not a part of a detector.
func isResNet(tensors []Tensor) bool {
	for _, t := range tensors {
		if resNetRoot.MatchString(t.Name) {
			return true
		}
	}
	return false
}

// translateResNet translates a ResNet as torchvision has it for classification (models/resnet.py), with or without its
// dense layer. The names of other programs' files, such as those of timm, are the same.
func translateResNet(vars []Tensor) *translation {
	tr := &translation{}
	layers := torchState(tr, vars, resNetMarker)
	switch {
	case grouped(layers, "layer1.0.conv1", "layer1.0.conv2"):
		tr.refused = "a ResNeXt, which is not supported: want a ResNet of 50, 101 or 152 layers"
	case len(layers["layer1.0.conv3"]) == 0:
		tr.refused = "a ResNet of blocks with two convolutions (18 or 34 layers), which is not supported: want one of 50, 101 or 152 layers"
	case len(layers["conv1"]) == 0:
		tr.refused = "a ResNet with another stem than one convolution of 7×7 (such as ResNet-D), which is not supported"
	}
	if tr.refused != "" {
		return tr
	}
	for _, module := range sortedKeys(layers) {
		if p, ok := resNetPlace(module); ok {
			tr.addTorch(layers[module], p)
			continue
		}
		for _, leaf := range sortedKeys(layers[module]) {
			tr.unexpected(layers[module][leaf])
		}
	}
	return tr
}

// resNetPlace is the place of a module.
func resNetPlace(module string) (torchPlace, bool) {
	switch module {
	case "conv1", "bn1":
		return torchPlace{place: "backbone/stem/conv"}, true
	case "fc":
		return torchPlace{place: "classifier"}, true
	}
	m := resNetUnit.FindStringSubmatch(module)
	if m == nil {
		return torchPlace{}, false
	}
	unit := fmt.Sprintf("backbone/stage%d/unit%d", index(m[1])+1, index(m[2]))
	if m[4] != "" {
		return torchPlace{place: unit + "/shortcut"}, true
	}
	return torchPlace{place: fmt.Sprintf("%s/conv%d", unit, index(m[3])-1)}, true
}

// resNetAlone reports whether a file with native names has nothing but a ResNet: a backbone that was cut from its head.
func resNetAlone(f *File) bool {
	for _, t := range f.tensors {
		if !strings.HasPrefix(t.Name, "backbone/") {
			return false
		}
	}
	return f.has("backbone/stage2/unit0/conv0/kernel")
}
