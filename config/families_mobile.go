package config

import (
	"fmt"
	"slices"
)

// mobiles are the sizes of mobile SpineNet: arXiv 1912.05027v3, table 10; Garden spinenet_mobile.py, SCALING_MAP, and
// configs/experiments/retinanet/coco_spinenet*_mobile_tpu.yaml.
var mobiles = []struct {
	name            string
	side            int
	filterScale     float64
	endpoints, head int
	activation      Activation
}{
	{"49XS", 256, 0.6, 24, 24, ActivationSwish},
	{"49S", 384, 0.65, 40, 40, ActivationHardSwish},
	{"49", 384, 1, 48, 48, ActivationHardSwish},
}

// Mobiles lists the names that [TF2Mobile] takes.
func Mobiles() []string {
	names := make([]string, len(mobiles))
	for i, m := range mobiles {
		names[i] = m.name
	}
	return names
}

// TF2Mobile is RetinaNet on a mobile SpineNet, with a head of separable convolutions, as the TensorFlow Model Garden runs it on COCO: experiment
// retinanet_mobile_coco.
func TF2Mobile(name string) (*Config, error) {
	i := slices.Index(Mobiles(), name)
	if i < 0 {
		return nil, fmt.Errorf("config: mobile SpineNet %q, want one of %q", name, Mobiles())
	}
	c, err := TF2RetinaNet("49")
	if err != nil {
		return nil, err
	}
	m := mobiles[i]
	c.Name = "retinanet mobile spinenet-" + name + " (tf2)"
	c.mobile(m.filterScale, m.endpoints)
	c.Activation = m.activation
	c.Input.Height, c.Input.Width = m.side, m.side
	c.RetinaHead.Filters, c.RetinaHead.Separable = m.head, true
	return c, nil
}

// TF2MobileMaskRCNN is Mask R-CNN on a mobile SpineNet. Nobody has published one: the Garden's maskrcnn_spinenet_coco, with the backbone that [TF2Mobile] has
// under the name and with separable convolutions in all heads, as its maskrcnn_mobilenet_coco has them.
func TF2MobileMaskRCNN(name string) (*Config, error) {
	small, err := TF2Mobile(name)
	if err != nil {
		return nil, err
	}
	c, err := TF2("49")
	if err != nil {
		return nil, err
	}
	c.Name = "mobile spinenet-" + name + " (tf2)"
	c.Backbone, c.Activation, c.Input = small.Backbone, small.Activation, small.Input
	c.RPN.Separable, c.BoxHead.Separable, c.MaskHead.Separable = true, true, true
	return c, nil
}

// mobile puts a mobile SpineNet under a detector.
func (c *Config) mobile(filterScale float64, endpoints int) {
	c.Backbone = Backbone{
		Type: BackboneSpineNetMobile, BlockTable: "spinenet_mobile", FilterScale: filterScale, Expansion: 6, SqueezeRatio: 0.2,
		Endpoints: endpoints, MinLevel: 3, MaxLevel: 7,
		StridedPadding: StridedPaddingSame, PoolPadding: PoolPaddingSame, EndpointActivation: true,
	}
}
