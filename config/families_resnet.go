package config

import (
	"fmt"
	"strings"
)

// resNets are the sides of the input that the paper's ResNet-FPN baselines are run at, by depth (arXiv 1912.05027, tables 2 and 6).
var resNets = []struct {
	name        string
	depth, side int
}{{"resnet-50", 50, 640}, {"resnet-101", 101, 1024}, {"resnet-152", 152, 1280}}

// ResNets lists the names that [TF2ResNetFPNRetinaNet] and, with "-p3" behind them too, [TF2ResNetFPN] take.
func ResNets() []string {
	names := make([]string, len(resNets))
	for i, r := range resNets {
		names[i] = r.name
	}
	return names
}

// TF2ResNetFPN is Mask R-CNN on a ResNet with a feature pyramid as the TensorFlow Model Garden runs it on COCO. "resnet-50", "resnet-101" and "resnet-152"
// are experiment maskrcnn_resnetfpn_coco, of levels 2 to 6; with "-p3" behind they are the baselines of SpineNet's paper, of levels 3 to 7
// (configs/experiments/maskrcnn/r50fpn_640_coco_scratch_tpu4x4.yaml).
func TF2ResNetFPN(name string) (*Config, error) {
	c, err := TF2("49")
	if err != nil {
		return nil, err
	}
	depth, paper := strings.CutSuffix(name, "-p3")
	if paper {
		err = c.resNetFPN(depth, 3, 7, 0)
	} else {
		err = c.resNetFPN(depth, 2, 6, 1024)
		c.NormEpsilon = 1e-4 // the default of configs/maskrcnn.py, MaskRCNN.norm_activation
		c.Anchors.Size = 8
		c.RoIAlign.MinLevel, c.RoIAlign.MaxLevel = 2, 6
	}
	if err != nil {
		return nil, err
	}
	c.Name = name + "-fpn (tf2)"
	return c, nil
}

// TF2ResNetFPNRetinaNet is RetinaNet on a ResNet with a feature pyramid as the TensorFlow Model Garden runs it on COCO: experiment retinanet_resnetfpn_coco,
// of levels 3 to 7.
func TF2ResNetFPNRetinaNet(name string) (*Config, error) {
	c, err := TF2RetinaNet("49")
	if err != nil {
		return nil, err
	}
	if err := c.resNetFPN(name, 3, 7, 0); err != nil {
		return nil, err
	}
	c.Name = "retinanet " + name + "-fpn (tf2)"
	c.Anchors.Size = 4
	return c, nil
}

// resNetFPN puts a ResNet with a pyramid of some levels under a detector. A side of 0 is the paper's.
func (c *Config) resNetFPN(name string, low, high, side int) error {
	for _, r := range resNets {
		if r.name != name {
			continue
		}
		if side == 0 {
			side = r.side
		}
		c.Activation = ActivationReLU
		c.Input.Height, c.Input.Width = side, side
		c.Backbone = Backbone{
			Type: BackboneResNetFPNTF, Depth: r.depth, FilterScale: 1, Endpoints: 256, MinLevel: low, MaxLevel: high,
			StridedPadding: StridedPaddingSame, PoolPadding: PoolPaddingSame,
		}
		return nil
	}
	return fmt.Errorf("config: ResNet %q, want one of %q", name, ResNets())
}
