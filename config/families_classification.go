package config

import (
	"fmt"
	"slices"
	"strconv"
)

// TF1Classification is SpineNet as a classifier of ImageNet's 1000 classes and a background, as tensorflow/tpu's models/official/detection runs it
// (configs/spinenet/*_classification.yaml): the published weights. Those called best have swish.
func TF1Classification(name string) (*Config, error) {
	c, err := TF1(name)
	if err != nil {
		return nil, err
	}
	c.classifier(224)
	c.Name = "classification spinenet-" + name + " (tf1)"
	c.NormEpsilon = 1e-5
	c.Classifier.Features = ClassifierAll
	return c, nil
}

// TF2Classification is a classifier as the TensorFlow Model Garden runs it on ImageNet: "resnet-50", "resnet-101" or "resnet-152" (experiment
// resnet_imagenet), or a variant of SpineNet, for inputs that are multiples of 128 pixels: it cannot be built at 224.
func TF2Classification(name string) (*Config, error) {
	if depth, ok := slices.BinarySearch([]string{"resnet-101", "resnet-152", "resnet-50"}, name); ok {
		return resNetClassification([]int{101, 152, 50}[depth]), nil
	}
	c, err := TF2(name)
	if err != nil {
		return nil, err
	}
	c.classifier(256)
	c.Name = "classification spinenet-" + name + " (tf2)"
	c.Classifier.Features = ClassifierTop
	return c, nil
}

// TorchvisionClassification is a ResNet as torchvision runs it on ImageNet: "resnet-50", "resnet-101" or "resnet-152", with the stride in the 3×3 convolution of a
// bottleneck. Source: torchvision 0.29.2, models/resnet.py and transforms/_presets.py (ImageClassification). The second weights of each (IMAGENET1K_V2) were
// measured on photos whose shorter side became 232 and not 256 pixels.
func TorchvisionClassification(name string) (*Config, error) {
	c, err := TF2Classification(name)
	if err != nil || c.Backbone.Type != BackboneResNet {
		return nil, fmt.Errorf("config: ResNet %q, want \"resnet-50\", \"resnet-101\" or \"resnet-152\"", name)
	}
	c.Name = "classification " + name + " (torchvision)"
	c.Categories = imageNetCategories()[1:]
	for i := range c.Categories {
		c.Categories[i].ID = i
	}
	c.Input = Input{
		Fit: FitResizedCrop, MinSize: 256, Height: 224, Width: 224,
		Resize: ResizePillow, Normalize: NormalizeTorch, Mean: imageNetMean, Std: imageNetStd,
	}
	c.Backbone.StridedPadding, c.Backbone.PoolPadding = StridedPaddingSymmetric, PoolPaddingSymmetric
	return c, nil
}

func resNetClassification(depth int) *Config {
	c, _ := TF2("49")
	c.Backbone = Backbone{
		Type: BackboneResNet, Depth: depth, FilterScale: 1, MinLevel: 2, MaxLevel: 5,
		StridedPadding: StridedPaddingSame, PoolPadding: PoolPaddingSame,
	}
	c.classifier(224)
	c.Name = "classification resnet-" + strconv.Itoa(depth) + " (tf2)"
	c.Activation, c.NormEpsilon = ActivationReLU, 1e-5
	c.Classifier.Features = ClassifierTop
	return c
}

// classifier turns a Mask R-CNN into a classifier of ImageNet.
func (c *Config) classifier(side int) {
	c.Model, c.Background = ModelClassification, BackgroundNone
	c.Categories = imageNetCategories()
	c.Input.Fit, c.Input.Height, c.Input.Width, c.Input.Crop, c.Input.PadMultiple = FitCentreCrop, side, side, 0.875, 0
	if c.Input.Resize == ResizeHalfPixel {
		c.Input.Normalize = NormalizeResized
	}
	c.Anchors, c.Boxes, c.Detections = Anchors{}, Boxes{}, Detections{}
	c.RPN, c.RoIAlign, c.BoxHead, c.MaskHead, c.Masks = RPN{}, RoIAlign{}, BoxHead{}, MaskHead{}, Masks{}
}

// NumberedCategories are the rows of a classifier whose classes have no names: id and name are the row's number.
func NumberedCategories(n int) []Category {
	rows := make([]Category, n)
	for i := range rows {
		rows[i] = Category{ID: i, Name: fmt.Sprintf("class %d", i)}
	}
	return rows
}
