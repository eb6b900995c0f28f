package train

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
)

// side of the square into which photos are fitted for a network on the backbone of a
// classifier, where its originals take 800 by 1333 pixels.
const backboneSide = 640

// OnBackbone is the Mask R-CNN that is made on the backbone of a ResNet which was trained
// as a classifier: on one of torchvision that of torchvision.models.detection
// (mask_rcnn.py, maskrcnn_resnet50_fpn with weights_backbone: frozen norms of epsilon
// 1e-5, colours as the classifier takes them) for photos that fit into 640×640 pixels, on
// one of the Model Garden its experiment maskrcnn_resnetfpn_coco. A SpineNet has one in
// each recipe, see ByName.
func OnBackbone(classifier *config.Config) (*config.Config, error) {
	from := &classifier.Backbone
	if classifier.Model != config.ModelClassification || from.Type != config.BackboneResNet {
		return nil, fmt.Errorf("train: a %s on %s: only a ResNet classifier has a detector of its own", classifier.Model, from.Type)
	}
	if from.StridedPadding == config.StridedPaddingSame {
		c, err := config.TF2ResNetFPN(fmt.Sprint("resnet-", from.Depth))
		if err != nil {
			return nil, err
		}
		c.Backbone.FilterScale = from.FilterScale
		inherit(c, classifier)
		c.Name = fmt.Sprintf("Mask R-CNN on ResNet-%d-FPN (tf2)", from.Depth)
		return c, nil
	}
	c, err := config.Torchvision("v1")
	if err != nil {
		return nil, err
	}
	c.Backbone.Depth, c.Backbone.StridedConv = from.Depth, from.StridedConv
	if s := from.FilterScale; s != 1 {
		bottleneck := max(1, int(64*s))
		c.Backbone.Stem, c.Backbone.Bottleneck, c.Backbone.Stage = bottleneck, bottleneck, 4*bottleneck
	}
	c.Input.MinSize, c.Input.MaxSize = backboneSide, backboneSide
	inherit(c, classifier)
	c.Name = fmt.Sprintf("Mask R-CNN on ResNet-%d-FPN (torchvision)", from.Depth)
	return c, nil
}

// inherit gives a network what the one below it was trained with.
func inherit(c, from *config.Config) {
	c.Activation, c.NormEpsilon = from.Activation, from.NormEpsilon
	c.Input.Mean, c.Input.Std, c.Input.ChannelOrder = from.Input.Mean, from.Input.Std, from.Input.ChannelOrder
}
