// Package config says what a model is: the sizes of its network and, by name, every place where the original systems differ.
//
// A Config is stored as JSON beside the weights. It is read with [Parse], which refuses unknown fields, and made with [TF1], [TF2],
// [Torchvision], [Detectron2], [MMDet], [MMDet2], [MMDet3], [TF1RetinaNet], [TF2RetinaNet], [TF1Classification] or [TF2Classification] and a few changes. Nothing else in the project asks where a model came from: code switches on the named
// values of this package.
package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Format is the version of the schema that this package writes. It also reads [FormatFirst].
const Format = 2

// FormatFirst is the version of configs written before the optional sections were there. Such a config means the same in the present format.
const FormatFirst = 1

// Config describes one model. Which sections it has depends on the kind of network (Model): those that a network does not have are zero, and absent in JSON.
type Config struct {
	Format     int        `json:"format"`
	Model      Model      `json:"model"`
	Name       string     `json:"name"`       // for people: "nuclei"
	Categories []Category `json:"categories"` // in the order of the class rows, without the background
	Background Background `json:"background"`

	Activation  Activation `json:"activation"`   // after every convolution and fully connected layer that has one
	NormEpsilon float64    `json:"norm_epsilon"` // of every batch norm

	Input      Input      `json:"input"`
	Backbone   Backbone   `json:"backbone"`
	Anchors    Anchors    `json:"anchors,omitzero"`     // of detectors
	Boxes      Boxes      `json:"boxes,omitzero"`       // of detectors
	RPN        RPN        `json:"rpn,omitzero"`         // Mask R-CNN
	RoIAlign   RoIAlign   `json:"roi_align,omitzero"`   // Mask R-CNN
	BoxHead    BoxHead    `json:"box_head,omitzero"`    // Mask R-CNN
	MaskHead   MaskHead   `json:"mask_head,omitzero"`   // Mask R-CNN
	RetinaHead RetinaHead `json:"retina_head,omitzero"` // RetinaNet
	Detections Detections `json:"detections,omitzero"`  // of detectors
	Masks      Masks      `json:"masks,omitzero"`       // Mask R-CNN
	Classifier Classifier `json:"classifier,omitzero"`  // classification

	Objects *Objects `json:"objects,omitempty"` // nil: not known
}

// Category is a class that the model can find.
type Category struct {
	ID   int    `json:"id"`   // category id of the data set, written to results
	Name string `json:"name"` // empty: a row that the data set does not use (COCO has ids 1…90 but 80 categories)
}

// Input is the way from 8-bit RGB pixels to the network's input.
type Input struct {
	Fit         Fit        `json:"fit"`
	Height      int        `json:"height,omitempty"`       // FitFixedSize: the canvas; FitCentreCrop: what the crop is resized to; FitResizedCrop: the crop
	Width       int        `json:"width,omitempty"`        // the same
	MinSize     int        `json:"min_size,omitempty"`     // other fits: wanted shorter side
	MaxSize     int        `json:"max_size,omitempty"`     // other fits: limit of the longer side
	Crop        float64    `json:"crop,omitempty"`         // FitCentreCrop: side of the crop in shorter sides of the photo
	PadMultiple int        `json:"pad_multiple,omitempty"` // sides of the network input are multiples of this; FitCentreCrop pads nothing
	Resize      Resize     `json:"resize"`
	Normalize   Normalize  `json:"normalize"`
	Mean        [3]float64 `json:"mean"` // red, green, blue, whatever the order of the channels; unit: see Normalize
	Std         [3]float64 `json:"std"`

	ChannelOrder ChannelOrder `json:"channel_order,omitempty"` // of the network's input; photos are RGB
}

// Backbone is the feature extractor. Its outputs are maps P(MinLevel)…P(MaxLevel), level l being 2^l times smaller than the input.
type Backbone struct {
	Type               BackboneType   `json:"type"`
	BlockTable         string         `json:"block_table,omitempty"`    // SpineNet: name of the scale-permuted block table: "spinenet49"
	Blocks             *BlockTable    `json:"blocks,omitempty"`         // SpineNet: the block table itself, instead of a name
	FilterScale        float64        `json:"filter_scale,omitempty"`   // SpineNet, ResNet of the Garden: factor of the block widths, truncated to integers
	ResampleAlpha      float64        `json:"resample_alpha,omitempty"` // SpineNet: factor of the widths inside a resampling
	BlockRepeats       int            `json:"block_repeats,omitempty"`  // SpineNet: blocks in a row at each place of the table
	Expansion          int            `json:"expansion,omitempty"`      // mobile SpineNet: factor of the width inside a block
	SqueezeRatio       float64        `json:"squeeze_ratio,omitempty"`  // mobile SpineNet: width of the squeeze in widths of the block's input, truncated
	Depth              int            `json:"depth,omitempty"`          // ResNet: layers: 50, 101 or 152
	PyramidNorm        bool           `json:"pyramid_norm,omitempty"`   // ResNet with FPN: batch norms instead of biases in the pyramid's convolutions
	Endpoints          int            `json:"endpoints,omitempty"`      // channels of every output map; a ResNet alone has its stages' instead
	MinLevel           int            `json:"min_level"`
	MaxLevel           int            `json:"max_level"`
	StridedConv        StridedConv    `json:"strided_conv,omitempty"` // ResNet
	Stem               int            `json:"stem,omitempty"`         // ResNet with FPN: channels of the stem; 0: 64
	Bottleneck         int            `json:"bottleneck,omitempty"`   // ResNet with FPN: channels inside a bottleneck of level 2, doubled by each level; 0: 64
	Stage              int            `json:"stage,omitempty"`        // ResNet with FPN: channels of the outputs of level 2, doubled by each level; 0: 256
	StridedPadding     StridedPadding `json:"strided_padding"`
	PoolPadding        PoolPadding    `json:"pool_padding"`
	PoolRule           PoolRule       `json:"pool_rule,omitempty"` // SpineNet
	EndpointActivation bool           `json:"endpoint_activation"` // activation after the norm of an endpoint (TF: yes; the PyTorch ports: no)
}

// Anchors are the boxes that the region proposal network refines, the same at every place of a level.
type Anchors struct {
	Style           AnchorStyle `json:"style"`
	Size            float64     `json:"size"`              // side of the square anchor in strides of its level
	ScalesPerOctave int         `json:"scales_per_octave"` // k = 0…n−1: sides are multiplied by 2^(k/n)
	AspectRatios    []float64   `json:"aspect_ratios"`     // in channel order; the meaning of a ratio is the style's
}

// Boxes is the arithmetic of boxes, common to proposals and detections.
type Boxes struct {
	Coding     BoxCoding  `json:"coding"`
	DeltaLimit DeltaLimit `json:"delta_limit"`
	Clip       Clip       `json:"clip"`
}

// Written is what the sides of boxes in results are: with plus_one, a side is the difference of the corners and one. mmdetection 1.x
// writes its boxes so (mmdet/core/evaluation/coco_utils.py and mmdet/datasets/coco.py, xyxy2xywh); tensorflow/tpu, which codes them with
// "+1", too, writes the difference (evaluation/coco_utils.py, convert_predictions_to_coco_annotations). Clip tells the two apart.
func (b *Boxes) Written() BoxCoding {
	if b.Coding == BoxCodingPlusOne && b.Clip == ClipImageMinusOne {
		return BoxCodingPlusOne
	}
	return BoxCodingPlain
}

// RPN is the region proposal network and the choice of proposals from its outputs.
type RPN struct {
	Convs          int     `json:"convs"`               // 3×3 convolutions before the outputs
	Separable      bool    `json:"separable,omitempty"` // all convolutions are depthwise ones and pointwise ones
	Filters        int     `json:"filters"`             // of each of them
	Norm           bool    `json:"norm"`                // a batch norm per convolution and level (the convolutions are shared by the levels)
	PreNMSPerLevel int     `json:"pre_nms_per_level"`
	PostNMS        int     `json:"post_nms"` // per level, and again over all levels
	NMSIoU         float64 `json:"nms_iou"`
	NMSRule        NMSRule `json:"nms_rule"`
	ScoreThreshold float64 `json:"score_threshold"` // proposals below are dropped; 0: none
	MinSize        float64 `json:"min_size"`        // proposals with a shorter side (input pixels) are dropped; 0: none

	Score     RPNScore `json:"score,omitempty"`
	DropEmpty bool     `json:"drop_empty,omitempty"` // proposals with a side of no length are dropped
}

// RoIAlign cuts the features of a region of interest (RoI) out of the maps.
type RoIAlign struct {
	Rule           RoIAlignRule `json:"rule"`
	BoxSize        int          `json:"box_size"`  // side of the features for the box head
	MaskSize       int          `json:"mask_size"` // side for the mask head; masks have twice this
	LevelRule      LevelRule    `json:"level_rule"`
	MinLevel       int          `json:"min_level"` // levels that are cut from: may be fewer than the backbone's
	MaxLevel       int          `json:"max_level"`
	CanonicalLevel int          `json:"canonical_level"` // a RoI whose area is CanonicalSize² is cut from this level
	CanonicalSize  float64      `json:"canonical_size"`
}

// BoxHead is the second stage: class and refined box of each proposal.
type BoxHead struct {
	Convs         int        `json:"convs"`
	Separable     bool       `json:"separable,omitempty"` // the convolutions are depthwise ones and pointwise ones
	Filters       int        `json:"filters"`
	ConvNorm      bool       `json:"conv_norm"`
	FC            []int      `json:"fc"` // outputs of the fully connected layers before class and box
	FCNorm        bool       `json:"fc_norm"`
	NormBias      bool       `json:"norm_bias"` // layers that have a norm have a bias too (TF: yes)
	ClassSpecific bool       `json:"class_specific"`
	Weights       [4]float64 `json:"weights"` // deltas dy, dx, dh, dw are divided by these
}

// MaskHead is the third stage: a mask of each detection, 2·RoIAlign.MaskSize pixels square.
type MaskHead struct {
	Convs         int  `json:"convs"`
	Separable     bool `json:"separable,omitempty"` // all convolutions but the deconvolution are depthwise ones and pointwise ones
	Filters       int  `json:"filters"`             // of the convolutions and of the deconvolution
	ConvNorm      bool `json:"conv_norm"`
	DeconvNorm    bool `json:"deconv_norm"`
	NormBias      bool `json:"norm_bias"` // layers that have a norm have a bias too (TF: yes)
	ClassSpecific bool `json:"class_specific"`
}

// RetinaHead is the head of a one-stage detector (RetinaNet, arXiv 1708.02002, section 4): two towers of 3×3 convolutions, for classes and for boxes. The
// convolutions are shared by the levels.
type RetinaHead struct {
	Convs     int  `json:"convs"`               // 3×3 convolutions of a tower before its outputs
	Separable bool `json:"separable,omitempty"` // all convolutions are depthwise ones and pointwise ones
	Filters   int  `json:"filters"`             // of each of them
	Norm      bool `json:"norm"`                // a batch norm per convolution and level
}

// Classifier is the head that gives a photo a class.
type Classifier struct {
	Features ClassifierFeatures `json:"features"`
}

// Detections is the choice of detections from the outputs of the box head or of the RetinaNet head.
type Detections struct {
	ScoreThreshold   float64 `json:"score_threshold"` // kept: score > threshold
	NMSIoU           float64 `json:"nms_iou"`         // within a class
	NMSRule          NMSRule `json:"nms_rule"`
	PreNMSPerClass   int     `json:"pre_nms_per_class"` // best candidates of each class that enter the NMS; 0: all
	MinSize          float64 `json:"min_size"`          // boxes with a shorter side (input pixels) are dropped; 0: none
	Max              int     `json:"max"`               // detections of an image
	DisplayThreshold float64 `json:"display_threshold"` // score from which a person wants to see a detection

	// PhotoFrame says that NMS compares boxes in photo pixels (mmdetection 2.x); with sides one longer it always does so.
	PhotoFrame bool `json:"photo_frame,omitempty"`
	// ClipToPhoto says that the boxes of results are cut to the photo, and those without area dropped, before they get their masks (Detectron2).
	ClipToPhoto bool `json:"clip_to_photo,omitempty"`
}

// Masks is the way from mask probabilities to a mask of the image.
type Masks struct {
	Paste     Paste   `json:"paste"`
	Threshold float64 `json:"threshold"` // a pixel belongs to the object when its probability is above
}

// Objects says how large the objects are that the model was trained on, so that pictures can be shown to it at a scale that it knows.
type Objects struct {
	// Diameter is that of the circle with an object's area, in pixels of the network's input: the median over the pictures of the validation data of each
	// picture's median.
	Diameter float64 `json:"diameter"`
	// Tile is a side of tiles, in pixels of the picture, to begin with where a picture is too large to be shown as a whole: of those tried, that with the best
	// mask AP on the validation data. 0: not known.
	Tile int `json:"tile,omitempty"`
	// LookCloser: pictures that the network's input makes smaller are shown at the scale of their objects (tile.Auto) where nothing else is asked for. It is
	// for models of which that was measured to be worth its time.
	LookCloser bool `json:"look_closer,omitempty"`
}

// Parse reads a config and validates it. Unknown fields, trailing data and a format that is neither [Format] nor [FormatFirst] are errors; the config that it
// returns has the present format.
func Parse(data []byte) (*Config, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if head.Format != Format && head.Format != FormatFirst {
		return nil, fmt.Errorf("config: format %d, want %d or %d", head.Format, FormatFirst, Format)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	c := new(Config)
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("config: data after the end at offset %d", dec.InputOffset())
	}
	c.Format = Format
	return c, c.Validate()
}

// Clone returns a copy that shares nothing with c.
func (c *Config) Clone() *Config {
	d := *c
	d.Categories = slices.Clone(c.Categories)
	d.Anchors.AspectRatios = slices.Clone(c.Anchors.AspectRatios)
	d.BoxHead.FC = slices.Clone(c.BoxHead.FC)
	if c.Backbone.Blocks != nil {
		d.Backbone.Blocks = c.Backbone.Blocks.clone()
	}
	if c.Objects != nil {
		o := *c.Objects
		d.Objects = &o
	}
	return &d
}

// Classes is the number of class rows of the heads, the background included if there is one.
func (c *Config) Classes() int {
	if c.Background == BackgroundNone {
		return len(c.Categories)
	}
	return len(c.Categories) + 1
}

// BackgroundRow is the class row of the background, −1 if there is none.
func (c *Config) BackgroundRow() int {
	switch c.Background {
	case BackgroundLast:
		return len(c.Categories)
	case BackgroundNone:
		return -1
	}
	return 0
}

// CategoryAt is the category of a class row; the row must not be the background's.
func (c *Config) CategoryAt(row int) Category {
	if c.Background == BackgroundFirst {
		return c.Categories[row-1]
	}
	return c.Categories[row]
}

// RowOf is the class row of Categories[i]: CategoryAt the other way.
func (c *Config) RowOf(i int) int {
	if c.Background == BackgroundFirst {
		return i + 1
	}
	return i
}

// Detects says whether the model finds instances; one that does not classifies whole photos.
func (m Model) Detects() bool { return m == ModelMaskRCNN || m == ModelRetinaNet }

// HasMasks says whether instances that the model finds have masks beside their boxes.
func (m Model) HasMasks() bool { return m == ModelMaskRCNN }

// HasSize says whether the network's input has one size for all photos, Height×Width.
func (in *Input) HasSize() bool { return in.Fit == FitFixedSize || in.Crops() }

// Crops says whether the network sees a part from the middle of a photo: the fits of classification, which pad nothing.
func (in *Input) Crops() bool { return in.Fit == FitCentreCrop || in.Fit == FitResizedCrop }

// PerPlace is the number of anchors at each place of a level.
func (a *Anchors) PerPlace() int { return a.ScalesPerOctave * len(a.AspectRatios) }

// Levels is the number of output maps.
func (b *Backbone) Levels() int { return b.MaxLevel - b.MinLevel + 1 }
