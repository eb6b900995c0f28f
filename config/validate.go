package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Validate returns nil or an error that lists every problem of the config, one a line.
func (c *Config) Validate() error {
	p := new(problems)
	if c.Format != Format {
		p.add("format: %d, want %d", c.Format, Format)
	}
	oneOf(p, "model", c.Model, ModelMaskRCNN, ModelRetinaNet, ModelClassification)
	if c.Model == ModelClassification {
		oneOf(p, "background", c.Background, BackgroundNone)
	} else {
		oneOf(p, "background", c.Background, BackgroundFirst, BackgroundLast)
	}
	oneOf(p, "activation", c.Activation, ActivationReLU, ActivationSwish, ActivationHardSwish)
	p.number("norm_epsilon", c.NormEpsilon, 0, 1)
	c.validateCategories(p)
	c.Input.validate(p, c.Model)
	c.Backbone.validate(p, c.Model)
	c.validateSize(p)
	switch c.Model {
	case ModelRetinaNet:
		c.validateDetector(p)
		c.validateRetinaNet(p)
	case ModelClassification:
		oneOf(p, "classifier.features", c.Classifier.Features, ClassifierTop, ClassifierAll)
	default:
		c.validateDetector(p)
		c.validateMaskRCNN(p)
	}
	c.validateAbsent(p)
	if c.Objects != nil {
		p.number("objects.diameter", c.Objects.Diameter, 1, maxSide)
		p.count("objects.tile", c.Objects.Tile, 0, maxSide)
	}
	return p.err()
}

// validateSize wants the maps of all levels to fit onto each other.
func (c *Config) validateSize(p *problems) {
	multiple := 128 // SpineNet adds maps of levels up to 7
	switch c.Backbone.Type {
	case BackboneResNetFPN, BackboneResNetFPNTF:
		multiple = 32 // the pyramid adds those up to 5
	case BackboneResNet:
		multiple = 1
	}
	if !c.Input.Crops() {
		if c.Input.PadMultiple%multiple != 0 {
			p.add("input.pad_multiple: %d, want a multiple of %d, so that the maps of all levels fit", c.Input.PadMultiple, multiple)
		}
		return
	}
	// SpineNet with one pool has rules for squares that do not divide.
	square := c.Backbone.PoolRule == PoolRuleOne && c.Input.Height == c.Input.Width
	if !square && (c.Input.Height%multiple != 0 || c.Input.Width%multiple != 0) {
		p.add("input: %d×%d, want multiples of %d, so that the maps of all levels fit", c.Input.Height, c.Input.Width, multiple)
	}
}

// validateDetector looks at what all detectors have.
func (c *Config) validateDetector(p *problems) {
	c.Anchors.validate(p)

	oneOf(p, "boxes.coding", c.Boxes.Coding, BoxCodingPlain, BoxCodingPlusOne)
	oneOf(p, "boxes.delta_limit", c.Boxes.DeltaLimit, DeltaLimitUpper, DeltaLimitBoth)
	oneOf(p, "boxes.clip", c.Boxes.Clip, ClipCanvas, ClipCanvasMinusOne, ClipImage, ClipImageMinusOne)

	p.number("detections.score_threshold", c.Detections.ScoreThreshold, 0, 1)
	p.nms("detections", c.Detections.NMSIoU, c.Detections.NMSRule)
	p.count("detections.pre_nms_per_class", c.Detections.PreNMSPerClass, 0, maxBoxes)
	p.number("detections.min_size", c.Detections.MinSize, 0, maxSide)
	p.count("detections.max", c.Detections.Max, 1, maxBoxes)
	p.number("detections.display_threshold", c.Detections.DisplayThreshold, 0, 1)
}

func (c *Config) validateMaskRCNN(p *problems) {
	p.count("rpn.convs", c.RPN.Convs, 1, maxLayers)
	p.count("rpn.filters", c.RPN.Filters, 1, maxChannels)
	p.count("rpn.pre_nms_per_level", c.RPN.PreNMSPerLevel, 1, maxBoxes)
	p.count("rpn.post_nms", c.RPN.PostNMS, 1, maxBoxes)
	p.nms("rpn", c.RPN.NMSIoU, c.RPN.NMSRule)
	p.number("rpn.score_threshold", c.RPN.ScoreThreshold, 0, 1)
	p.number("rpn.min_size", c.RPN.MinSize, 0, maxSide)

	oneOf(p, "rpn.score", c.RPN.Score, "", RPNScoreLogit)

	c.RoIAlign.validate(p, &c.Backbone)

	p.count("box_head.convs", c.BoxHead.Convs, 0, maxLayers)
	if c.BoxHead.Convs > 0 {
		p.count("box_head.filters", c.BoxHead.Filters, 1, maxChannels)
	}
	p.count("box_head.fc: number of layers", len(c.BoxHead.FC), 0, maxLayers)
	for i, n := range c.BoxHead.FC {
		p.count(fmt.Sprintf("box_head.fc[%d]", i), n, 1, maxChannels)
	}
	for i, w := range c.BoxHead.Weights {
		p.number(fmt.Sprintf("box_head.weights[%d]", i), w, 1e-6, 1e6)
	}
	p.count("mask_head.convs", c.MaskHead.Convs, 0, maxLayers)
	p.count("mask_head.filters", c.MaskHead.Filters, 1, maxChannels)

	oneOf(p, "masks.paste", c.Masks.Paste, PasteExact, PasteInteger, PasteBorder, PasteMMDet1, PasteGrid)
	p.number("masks.threshold", c.Masks.Threshold, 0, 1)
}

func (c *Config) validateRetinaNet(p *problems) {
	p.count("retina_head.convs", c.RetinaHead.Convs, 0, maxLayers)
	if c.RetinaHead.Convs > 0 {
		p.count("retina_head.filters", c.RetinaHead.Filters, 1, maxChannels)
	}
	if n := c.Classes() * c.Detections.Max; n > maxRows {
		p.add("detections.max: %d of %d classes, want %d in all at most", c.Detections.Max, c.Classes(), maxRows)
	}
	// The others need to know of proposals and of the photo's frame.
	oneOf(p, "detections.nms_rule", c.Detections.NMSRule, NMSRuleGT, NMSRuleGE, NMSRuleGETiled)
}

// validateAbsent wants the sections that the kind of network does not have to be empty.
func (c *Config) validateAbsent(p *problems) {
	for _, s := range []struct {
		name    string
		section any
		models  []Model
	}{
		{"anchors", c.Anchors, []Model{ModelMaskRCNN, ModelRetinaNet}},
		{"boxes", c.Boxes, []Model{ModelMaskRCNN, ModelRetinaNet}},
		{"rpn", c.RPN, []Model{ModelMaskRCNN}},
		{"roi_align", c.RoIAlign, []Model{ModelMaskRCNN}},
		{"box_head", c.BoxHead, []Model{ModelMaskRCNN}},
		{"mask_head", c.MaskHead, []Model{ModelMaskRCNN}},
		{"retina_head", c.RetinaHead, []Model{ModelRetinaNet}},
		{"detections", c.Detections, []Model{ModelMaskRCNN, ModelRetinaNet}},
		{"masks", c.Masks, []Model{ModelMaskRCNN}},
		{"classifier", c.Classifier, []Model{ModelClassification}},
	} {
		known := slices.Contains([]Model{ModelMaskRCNN, ModelRetinaNet, ModelClassification}, c.Model)
		if known && !slices.Contains(s.models, c.Model) && !reflect.ValueOf(s.section).IsZero() {
			p.add("%s: a model of the kind %q has no such section", s.name, c.Model)
		}
	}
}

// Limits far above every published model; they keep sizes computed from a config within an int.
const (
	maxSide     = 1 << 16
	maxChannels = 1 << 14
	maxLayers   = 64
	maxBoxes    = 1 << 20
	maxClasses  = 1 << 14
	maxLevel    = 12
	maxRows     = 1 << 31 // detections of all classes, which have a number each
)

func (c *Config) validateCategories(p *problems) {
	p.count("categories: number", len(c.Categories), 1, maxClasses)
	seen := make(map[int]bool, len(c.Categories))
	for i, cat := range c.Categories {
		if seen[cat.ID] {
			p.add("categories[%d].id: %d is there twice", i, cat.ID)
		}
		seen[cat.ID] = true
	}
}

func (in *Input) validate(p *problems, m Model) {
	if m == ModelClassification {
		oneOf(p, "input.fit", in.Fit, FitCentreCrop, FitResizedCrop)
		if in.Fit == FitResizedCrop {
			p.count("input.min_size", in.MinSize, max(in.Height, in.Width), maxSide)
			oneOf(p, "input.resize", in.Resize, ResizePillow)
		} else {
			p.number("input.crop", in.Crop, 0.01, 1)
		}
	} else {
		oneOf(p, "input.fit", in.Fit, FitFixedSize, FitShortestEdge, FitKeepRatio, FitShortestEdgeRounded)
		p.count("input.pad_multiple", in.PadMultiple, 1, 1<<maxLevel)
	}
	if in.HasSize() {
		p.count("input.height", in.Height, 1, maxSide)
		p.count("input.width", in.Width, 1, maxSide)
	} else {
		p.count("input.min_size", in.MinSize, 1, maxSide)
		p.count("input.max_size", in.MaxSize, 1, maxSide)
	}
	oneOf(p, "input.resize", in.Resize, ResizeLegacy, ResizeHalfPixel, ResizeOpenCV, ResizePillow)
	oneOf(p, "input.normalize", in.Normalize, NormalizeTF, NormalizeTorch, NormalizeOpenCV, NormalizeGrey, NormalizeResized)
	oneOf(p, "input.channel_order", in.ChannelOrder, "", ChannelOrderRGB, ChannelOrderBGR)
	for i := range in.Mean {
		p.number(fmt.Sprintf("input.mean[%d]", i), in.Mean[i], -1e4, 1e4)
		p.number(fmt.Sprintf("input.std[%d]", i), in.Std[i], 1e-4, 1e4)
	}
}

func (b *Backbone) validate(p *problems, m Model) {
	if m == ModelClassification {
		oneOf(p, "backbone.type", b.Type, BackboneSpineNet, BackboneResNet)
	} else {
		oneOf(p, "backbone.type", b.Type, BackboneSpineNet, BackboneSpineNetMobile, BackboneResNetFPN, BackboneResNetFPNTF)
	}
	switch b.Type {
	case BackboneSpineNet:
		b.validateTable(p)
		p.number("backbone.filter_scale", b.FilterScale, 0.01, 16)
		p.number("backbone.resample_alpha", b.ResampleAlpha, 0.01, 16)
		p.count("backbone.block_repeats", b.BlockRepeats, 1, maxLayers)
		oneOf(p, "backbone.pool_rule", b.PoolRule, PoolRuleOne, PoolRuleChain)
	case BackboneSpineNetMobile:
		b.validateTable(p)
		p.number("backbone.filter_scale", b.FilterScale, 0.01, 16)
		p.count("backbone.expansion", b.Expansion, 1, maxLayers)
		p.number("backbone.squeeze_ratio", b.SqueezeRatio, 0.001, 16)
	case BackboneResNetFPN, BackboneResNetFPNTF, BackboneResNet:
		if !slices.Contains([]int{50, 101, 152}, b.Depth) {
			p.add("backbone.depth: %d, want 50, 101 or 152", b.Depth)
		}
		oneOf(p, "backbone.strided_conv", b.StridedConv, "", StridedConv3x3, StridedConv1x1)
		p.count("backbone.stem", b.Stem, 0, maxChannels)
		p.count("backbone.bottleneck", b.Bottleneck, 0, maxChannels/8)
		p.count("backbone.stage", b.Stage, 0, maxChannels/8)
	}
	if b.Type == BackboneResNet || b.Type == BackboneResNetFPNTF {
		p.number("backbone.filter_scale", b.FilterScale, 0.01, 16)
	}
	if b.Type != BackboneResNet {
		p.count("backbone.endpoints", b.Endpoints, 1, maxChannels)
	}
	p.count("backbone.min_level", b.MinLevel, 1, maxLevel)
	p.count("backbone.max_level", b.MaxLevel, max(1, b.MinLevel), maxLevel)
	oneOf(p, "backbone.strided_padding", b.StridedPadding, StridedPaddingFixed, StridedPaddingSame, StridedPaddingSymmetric)
	oneOf(p, "backbone.pool_padding", b.PoolPadding, PoolPaddingSame, PoolPaddingSymmetric)
}

func (a *Anchors) validate(p *problems) {
	oneOf(p, "anchors.style", a.Style, AnchorStyleTF, AnchorStyleTorchvision, AnchorStyleMMDet1, AnchorStyleDetectron2, AnchorStyleMMDet2)
	p.number("anchors.size", a.Size, 1e-3, maxSide)
	p.count("anchors.scales_per_octave", a.ScalesPerOctave, 1, maxLayers)
	p.count("anchors.aspect_ratios: number", len(a.AspectRatios), 1, maxLayers)
	for i, r := range a.AspectRatios {
		p.number(fmt.Sprintf("anchors.aspect_ratios[%d]", i), r, 1e-3, 1e3)
	}
}

func (r *RoIAlign) validate(p *problems, b *Backbone) {
	oneOf(p, "roi_align.rule", r.Rule, RoIAlignTF, RoIAlignLegacy, RoIAlignMMDet1, RoIAlignAdaptive)
	p.count("roi_align.box_size", r.BoxSize, 1, maxLayers)
	p.count("roi_align.mask_size", r.MaskSize, 1, maxLayers)
	oneOf(p, "roi_align.level_rule", r.LevelRule, LevelRuleTF, LevelRuleTorchvision, LevelRuleMMDet1, LevelRuleDetectron2, LevelRuleMMDet2)
	p.count("roi_align.min_level", r.MinLevel, b.MinLevel, b.MaxLevel)
	p.count("roi_align.max_level", r.MaxLevel, max(b.MinLevel, r.MinLevel), b.MaxLevel)
	p.count("roi_align.canonical_level", r.CanonicalLevel, 0, maxLevel)
	p.number("roi_align.canonical_size", r.CanonicalSize, 1, maxSide)
}

// problems collects what is wrong.
type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf("config: "+format, args...))
}

func (p *problems) count(field string, got, low, high int) {
	if got < low || got > high {
		p.add("%s: %d, want %d to %d", field, got, low, high)
	}
}

func (p *problems) number(field string, got, low, high float64) {
	if math.IsNaN(got) || got < low || got > high {
		p.add("%s: %g, want %g to %g", field, got, low, high)
	}
}

func (p *problems) nms(field string, iou float64, rule NMSRule) {
	p.number(field+".nms_iou", iou, 0.01, 1)
	oneOf(p, field+".nms_rule", rule, NMSRuleGT, NMSRuleGE, NMSRuleGETiled, NMSRulePlusOneGT, NMSRuleOffsetGT, NMSRuleOffsetAllGT)
}

func (p *problems) err() error { return errors.Join(*p...) }

func oneOf[T ~string](p *problems, field string, got T, want ...T) {
	if slices.Contains(want, got) {
		return
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = fmt.Sprintf("%q", w)
	}
	p.add("%s: %q, want %s", field, got, strings.Join(names, " or "))
}
