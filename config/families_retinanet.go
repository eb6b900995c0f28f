package config

// retinaSizes holds what differs between the published SpineNet RetinaNets beside the backbone: tpu's configs/spinenet/*_retinanet.yaml and, of
// "49S", the released checkpoint (whose endpoints have 256 channels, not the 128 of the scaling table). 143L has no published detector: as 143.
var retinaSizes = map[string]struct {
	side, endpoints, convs, filters int
	anchorSize                      float64
}{
	"49S":  {640, 256, 4, 128, 3},
	"49":   {640, 256, 4, 256, 3},
	"96":   {1024, 256, 4, 256, 3},
	"143":  {1280, 256, 4, 256, 4},
	"143L": {1280, 256, 4, 256, 4},
	"190":  {1280, 512, 7, 512, 4},
}

// TF1RetinaNet is SpineNet RetinaNet as tensorflow/tpu's models/official/detection runs it on COCO: the published weights. Those called best, and all of
// SpineNet-190, have swish.
func TF1RetinaNet(name string) (*Config, error) {
	c, err := TF1(name)
	if err != nil {
		return nil, err
	}
	c.retinaNet(name)
	c.Name = "retinanet spinenet-" + name + " (tf1)"
	c.NormEpsilon = 1e-4 // the default of batch_norm_activation.epsilon, which the yamls leave as it is
	return c, nil
}

// TF2RetinaNet is SpineNet RetinaNet as the TensorFlow Model Garden runs it on COCO: experiment retinanet_spinenet_coco.
func TF2RetinaNet(name string) (*Config, error) {
	c, err := TF2(name)
	if err != nil {
		return nil, err
	}
	c.retinaNet(name)
	c.Name = "retinanet spinenet-" + name + " (tf2)"
	c.Activation = ActivationSwish
	return c, nil
}

// retinaNet turns a Mask R-CNN on SpineNet into a RetinaNet.
func (c *Config) retinaNet(name string) {
	v := retinaSizes[name]
	c.Model = ModelRetinaNet
	c.Input.Height, c.Input.Width = v.side, v.side
	c.Backbone.Endpoints = v.endpoints
	c.Anchors.Size, c.Anchors.ScalesPerOctave = v.anchorSize, 3
	c.RPN, c.RoIAlign, c.BoxHead, c.MaskHead, c.Masks = RPN{}, RoIAlign{}, BoxHead{}, MaskHead{}, Masks{}
	c.RetinaHead = RetinaHead{Convs: v.convs, Filters: v.filters, Norm: true}
	c.Detections.PreNMSPerClass = 5000
}
