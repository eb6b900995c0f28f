package config

import "fmt"

// The Mask R-CNNs with a ResNet and a feature pyramid of Detectron2 and mmdetection. Both have torchvision's network, frozen norms of epsilon 1e-5, and the
// background in the last row.

// torchResNetFPN is what they have in common.
func torchResNetFPN(name string) (*Config, error) {
	depth, ok := map[string]int{"r50": 50, "r101": 101}[name]
	if !ok {
		return nil, fmt.Errorf("config: ResNet %q, want \"r50\" or \"r101\"", name)
	}
	c, err := Torchvision("v1")
	if err != nil {
		return nil, err
	}
	c.Categories, c.Background = cocoCategories(), BackgroundLast
	c.NormEpsilon = 1e-5
	c.Backbone.Depth = depth
	c.RPN.MinSize, c.RPN.DropEmpty = 0, true
	c.RoIAlign.Rule = RoIAlignAdaptive
	c.Detections.MinSize = 0
	c.Masks.Paste = PasteGrid
	return c, nil
}

// Detectron2 is Mask R-CNN as Detectron2 runs it on COCO with configs/COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml ("r50") or mask_rcnn_R_101_FPN_3x.yaml
// ("r101"). Source: detectron2/engine/defaults.py and detectron2/modeling at 02b5c4e2.
func Detectron2(name string) (*Config, error) {
	c, err := torchResNetFPN(name)
	if err != nil {
		return nil, err
	}
	c.Name = "mask_rcnn_" + map[int]string{50: "R_50", 101: "R_101"}[c.Backbone.Depth] + "_FPN (detectron2)"
	c.Input = Input{
		Fit: FitShortestEdgeRounded, MinSize: 800, MaxSize: 1333, PadMultiple: 32, Resize: ResizePillow, Normalize: NormalizeGrey,
		Mean: [3]float64{123.675, 116.28, 103.53}, Std: [3]float64{1, 1, 1}, ChannelOrder: ChannelOrderBGR,
	}
	c.Backbone.StridedConv = StridedConv1x1
	c.Anchors.Style = AnchorStyleDetectron2
	c.RPN.Score = RPNScoreLogit
	c.RoIAlign.LevelRule = LevelRuleDetectron2
	c.Detections.ClipToPhoto = true
	return c, nil
}

// MMDet3 is Mask R-CNN as mmdetection 3.x runs it on COCO with configs/mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py ("r50") or its R101 ("r101"); their caffe style is
// made of it by [Config.CaffeStyle]. Source: mmdet 3.3.0, mmcv 2.1.0, mmengine 0.10.7.
func MMDet3(name string) (*Config, error) {
	c, err := torchResNetFPN(name)
	if err != nil {
		return nil, err
	}
	c.Name = "mask-rcnn_" + name + "_fpn (mmdetection3)"
	c.Input = mmdetInput(800, 1333, 32)
	c.Input.Normalize = NormalizeGrey
	c.setMMDet2()
	c.RoIAlign.CanonicalLevel = 2
	return c, nil
}

// MMDet2 is the same model as mmdetection 2.x runs it: pixels are multiplied by 1/std, and detections suppress each other in the photo's frame
// (mmdet 2.28.2, models/roi_heads/bbox_heads/bbox_head.py, get_bboxes). It is read from the source and has not been compared with outputs.
func MMDet2(name string) (*Config, error) {
	c, err := MMDet3(name)
	if err != nil {
		return nil, err
	}
	c.Name = "mask_rcnn_" + name + "_fpn (mmdetection2)"
	c.Input.Normalize = NormalizeOpenCV
	c.Detections.PhotoFrame = true
	return c, nil
}

// MMDetSpineNet2 is SpineNet Mask R-CNN, [MMDet], with the arithmetic of mmdetection 2.x. It is read from the source, as [MMDet2].
func MMDetSpineNet2(name string) (*Config, error) {
	c, err := MMDet(name)
	if err != nil {
		return nil, err
	}
	c.Name = "spinenet-" + name + " (mmdetection2)"
	c.Background = BackgroundLast
	c.Boxes.Coding, c.Boxes.Clip = BoxCodingPlain, ClipImage
	c.RPN.DropEmpty = true
	c.RoIAlign.Rule = RoIAlignAdaptive
	c.Masks.Paste = PasteGrid
	c.Detections.PhotoFrame = true
	c.setMMDet2()
	return c, nil
}

// MMDetSpineNet3 is the same with the arithmetic of mmdetection 3.x.
func MMDetSpineNet3(name string) (*Config, error) {
	c, err := MMDetSpineNet2(name)
	if err != nil {
		return nil, err
	}
	c.Name = "spinenet-" + name + " (mmdetection3)"
	c.Input.Normalize = NormalizeGrey
	c.Detections.PhotoFrame = false
	return c, nil
}

// setMMDet2 sets the rules that mmdetection has since 2.0 (core/anchor/anchor_generator.py, models/roi_heads/roi_extractors, mmcv/ops/nms.py).
func (c *Config) setMMDet2() {
	c.Anchors.Style = AnchorStyleMMDet2
	c.Boxes.DeltaLimit = DeltaLimitBoth
	c.RPN.NMSRule, c.Detections.NMSRule = NMSRuleOffsetAllGT, NMSRuleOffsetAllGT
	c.RoIAlign.LevelRule, c.RoIAlign.CanonicalSize = LevelRuleMMDet2, 56
}

// CaffeStyle changes a model of mmdetection to the style of its "caffe" configs: BGR without scaling, the stride in the first convolution of a bottleneck.
func (c *Config) CaffeStyle() {
	c.Input.ChannelOrder, c.Input.Std = ChannelOrderBGR, [3]float64{1, 1, 1}
	if c.Backbone.Type == BackboneResNetFPN {
		c.Backbone.StridedConv = StridedConv1x1
	}
}

// mmdetInput is the input of mmdetection's models.
func mmdetInput(short, long, multiple int) Input {
	return Input{
		Fit: FitKeepRatio, MinSize: short, MaxSize: long, PadMultiple: multiple, Resize: ResizeOpenCV, Normalize: NormalizeOpenCV,
		Mean: [3]float64{123.675, 116.28, 103.53}, Std: [3]float64{58.395, 57.12, 57.375},
	}
}
