package config

import "fmt"

// variant holds the sizes in which the published SpineNet Mask R-CNN models differ.
type variant struct {
	name                       string
	side                       int // of the input
	endpoints                  int
	filterScale, resampleAlpha float64
	repeats                    int
	headConvs, headFilters, fc int
	anchorSize                 float64
	activation                 Activation
}

// variants is the scaling table of SpineNet (arXiv 1912.05027 §3.3; tpu: modeling/architecture/spinenet.py SCALING_MAP) with the heads, input
// sides and anchors of tpu's configs/spinenet/*_mrcnn.yaml. 143L has no published detector: heads as 143.
var variants = []variant{
	{"49S", 640, 128, 0.65, 0.5, 1, 4, 128, 512, 3, ActivationReLU},
	{"49", 640, 256, 1, 0.5, 1, 4, 256, 1024, 3, ActivationReLU},
	{"96", 1024, 256, 1, 0.5, 2, 4, 256, 1024, 3, ActivationReLU},
	{"143", 1280, 256, 1, 1, 3, 4, 256, 1024, 3, ActivationReLU},
	{"143L", 1280, 256, 1.3, 1, 3, 4, 256, 1024, 3, ActivationReLU},
	{"190", 1536, 512, 1.3, 1, 4, 7, 384, 1024, 5, ActivationSwish},
}

// Variants lists the names that [TF1], [TF2] and [MMDet] take.
func Variants() []string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = v.name
	}
	return names
}

// TF1 is SpineNet Mask R-CNN as tensorflow/tpu's models/official/detection runs it on COCO: the published weights.
func TF1(name string) (*Config, error) {
	v, err := find(name)
	if err != nil {
		return nil, err
	}
	c := v.config()
	c.Name = "spinenet-" + v.name + " (tf1)"
	return c, nil
}

// TF2 is SpineNet Mask R-CNN as the TensorFlow Model Garden runs it on COCO: experiment maskrcnn_spinenet_coco with one anchor scale.
func TF2(name string) (*Config, error) {
	v, err := find(name)
	if err != nil {
		return nil, err
	}
	c := v.config()
	c.Name = "spinenet-" + v.name + " (tf2)"
	c.Input.Resize = ResizeHalfPixel
	c.Backbone.StridedPadding = StridedPaddingSame
	c.Backbone.PoolRule = PoolRuleChain
	c.Anchors.AspectRatios = []float64{0.5, 1, 2}
	c.Boxes = Boxes{Coding: BoxCodingPlain, DeltaLimit: DeltaLimitUpper, Clip: ClipCanvas}
	c.RPN.NMSRule, c.Detections.NMSRule = NMSRuleGETiled, NMSRuleGETiled
	c.Detections.PreNMSPerClass = 5000
	return c, nil
}

// MMDet is SpineNet Mask R-CNN as yan-roo/SpineNet-Pytorch runs it on COCO under mmdetection 1.1.
func MMDet(name string) (*Config, error) {
	v, err := find(name)
	if err != nil {
		return nil, err
	}
	c := v.config()
	c.Name = "spinenet-" + v.name + " (mmdet)"
	c.Categories = cocoCategories()
	c.Input = mmdetInput(v.side, v.side, 128)
	c.Backbone.StridedPadding = StridedPaddingSymmetric
	c.Backbone.PoolPadding = PoolPaddingSymmetric
	c.Backbone.EndpointActivation = false
	c.Anchors = Anchors{Style: AnchorStyleMMDet1, Size: 3, ScalesPerOctave: 1, AspectRatios: []float64{0.5, 1, 2}}
	c.Boxes = Boxes{Coding: BoxCodingPlusOne, DeltaLimit: DeltaLimitBoth, Clip: ClipImageMinusOne}
	c.RPN.Norm = false
	c.RPN.NMSRule = NMSRulePlusOneGT
	c.RoIAlign.Rule = RoIAlignMMDet1
	c.RoIAlign.LevelRule, c.RoIAlign.CanonicalLevel, c.RoIAlign.CanonicalSize = LevelRuleMMDet1, 3, 56
	c.RoIAlign.MaxLevel = 6
	c.BoxHead.FCNorm, c.BoxHead.NormBias = false, false
	c.MaskHead.DeconvNorm, c.MaskHead.NormBias = false, false
	c.Detections.NMSRule = NMSRulePlusOneGT
	c.Detections.PreNMSPerClass = 0
	c.Masks.Paste = PasteMMDet1
	return c, nil
}

// Torchvision is maskrcnn_resnet50_fpn ("v1") or maskrcnn_resnet50_fpn_v2 ("v2") with its COCO weights.
func Torchvision(version string) (*Config, error) {
	if version != "v1" && version != "v2" {
		return nil, fmt.Errorf("config: torchvision version %q, want \"v1\" or \"v2\"", version)
	}
	v, err := find("49")
	if err != nil {
		return nil, err
	}
	c := v.config()
	c.Name = "maskrcnn_resnet50_fpn " + version + " (torchvision)"
	c.NormEpsilon = 0 // frozen batch norms; the loader of the weights sets this (models/_utils.py, overwrite_eps)
	c.Input = Input{
		Fit: FitShortestEdge, MinSize: 800, MaxSize: 1333, PadMultiple: 32,
		Resize: ResizeHalfPixel, Normalize: NormalizeTorch, Mean: imageNetMean, Std: imageNetStd,
	}
	c.Backbone = Backbone{
		Type: BackboneResNetFPN, Depth: 50, Endpoints: 256, MinLevel: 2, MaxLevel: 6,
		StridedPadding: StridedPaddingSymmetric, PoolPadding: PoolPaddingSymmetric,
	}
	c.Anchors = Anchors{Style: AnchorStyleTorchvision, Size: 8, ScalesPerOctave: 1, AspectRatios: []float64{0.5, 1, 2}}
	c.Boxes = Boxes{Coding: BoxCodingPlain, DeltaLimit: DeltaLimitUpper, Clip: ClipImage}
	c.RPN.Norm, c.RPN.NMSRule, c.RPN.MinSize = false, NMSRuleOffsetGT, 1e-3
	c.RoIAlign.Rule, c.RoIAlign.LevelRule = RoIAlignLegacy, LevelRuleTorchvision
	c.RoIAlign.MinLevel, c.RoIAlign.MaxLevel = 2, 5
	c.BoxHead.Convs, c.BoxHead.Filters, c.BoxHead.FC = 0, 0, []int{1024, 1024}
	c.BoxHead.ConvNorm, c.BoxHead.FCNorm, c.BoxHead.NormBias = false, false, false
	c.MaskHead.ConvNorm, c.MaskHead.DeconvNorm, c.MaskHead.NormBias = false, false, false
	c.Detections.NMSRule, c.Detections.PreNMSPerClass, c.Detections.MinSize = NMSRuleOffsetGT, 0, 1e-2
	c.Masks.Paste = PasteBorder
	if version == "v2" {
		c.NormEpsilon = 1e-5
		c.Backbone.PyramidNorm = true
		c.RPN.Convs = 2
		c.BoxHead.Convs, c.BoxHead.Filters, c.BoxHead.ConvNorm, c.BoxHead.FC = 4, 256, true, []int{1024}
		c.MaskHead.ConvNorm = true
	}
	return c, nil
}

func find(name string) (variant, error) {
	for _, v := range variants {
		if v.name == name {
			return v, nil
		}
	}
	return variant{}, fmt.Errorf("config: SpineNet variant %q, want one of %q", name, Variants())
}

// config is the model of a variant with tpu's values (configs/maskrcnn_config.py and configs/spinenet/*.yaml).
func (v variant) config() *Config {
	return &Config{
		Format:      Format,
		Model:       ModelMaskRCNN,
		Categories:  cocoSlots(),
		Background:  BackgroundFirst,
		Activation:  v.activation,
		NormEpsilon: 1e-3,
		Input: Input{
			Fit: FitFixedSize, Height: v.side, Width: v.side, PadMultiple: 128,
			Resize: ResizeLegacy, Normalize: NormalizeTF,
			Mean: imageNetMean, Std: imageNetStd,
		},
		Backbone: Backbone{
			Type: BackboneSpineNet, BlockTable: "spinenet49",
			FilterScale: v.filterScale, ResampleAlpha: v.resampleAlpha, BlockRepeats: v.repeats,
			Endpoints: v.endpoints, MinLevel: 3, MaxLevel: 7,
			StridedPadding: StridedPaddingFixed, PoolPadding: PoolPaddingSame, PoolRule: PoolRuleOne,
			EndpointActivation: true,
		},
		Anchors: Anchors{Style: AnchorStyleTF, Size: v.anchorSize, ScalesPerOctave: 1, AspectRatios: []float64{1, 2, 0.5}},
		Boxes:   Boxes{Coding: BoxCodingPlusOne, DeltaLimit: DeltaLimitUpper, Clip: ClipCanvasMinusOne},
		RPN: RPN{
			Convs: 1, Filters: v.headFilters, Norm: true,
			PreNMSPerLevel: 1000, PostNMS: 1000, NMSIoU: 0.7, NMSRule: NMSRuleGE,
		},
		RoIAlign: RoIAlign{
			Rule: RoIAlignTF, BoxSize: 7, MaskSize: 14,
			LevelRule: LevelRuleTF, MinLevel: 3, MaxLevel: 7, CanonicalLevel: 4, CanonicalSize: 224,
		},
		BoxHead: BoxHead{
			Convs: v.headConvs, Filters: v.headFilters, ConvNorm: true, FC: []int{v.fc}, FCNorm: true, NormBias: true,
			ClassSpecific: true, Weights: [4]float64{10, 10, 5, 5},
		},
		MaskHead: MaskHead{
			Convs: v.headConvs, Filters: v.headFilters, ConvNorm: true, DeconvNorm: true, NormBias: true,
			ClassSpecific: true,
		},
		Detections: Detections{
			ScoreThreshold: 0.05, NMSIoU: 0.5, NMSRule: NMSRuleGE, PreNMSPerClass: 1000, Max: 100, DisplayThreshold: 0.5,
		},
		Masks: Masks{Paste: PasteInteger, Threshold: 0.5},
	}
}

// Mean and standard deviation of ImageNet's training images, red, green, blue in [0, 1].
var (
	imageNetMean = [3]float64{0.485, 0.456, 0.406}
	imageNetStd  = [3]float64{0.229, 0.224, 0.225}
)
