package config

// Model is the kind of network.
type Model string

const (
	ModelMaskRCNN       Model = "mask_rcnn"      // two-stage detector with a mask head (arXiv 1703.06870)
	ModelRetinaNet      Model = "retinanet"      // one-stage detector (arXiv 1708.02002)
	ModelClassification Model = "classification" // a class for the whole photo
)

// Background says which class row is the background.
type Background string

const (
	BackgroundFirst Background = "first" // row 0: TF, torchvision, mmdetection 1.x
	BackgroundLast  Background = "last"  // the last row: Detectron2, mmdetection 2.x and 3.x
	BackgroundNone  Background = "none"  // every row is a category: classification
)

// Activation is the nonlinearity.
type Activation string

const (
	ActivationReLU      Activation = "relu"       // max(x, 0)
	ActivationSwish     Activation = "swish"      // x·sigmoid(x): SpineNet-190, the RetinaNets of the Garden and those that tpu calls best
	ActivationHardSwish Activation = "hard_swish" // x·min(max(x+3, 0), 6)/6: mobile SpineNet-49 and 49S
)

// BackboneType is the family of the backbone.
type BackboneType string

const (
	BackboneSpineNet  BackboneType = "spinenet"   // the scale-permuted network of arXiv 1912.05027
	BackboneResNetFPN BackboneType = "resnet_fpn" // torchvision's ResNet with a feature pyramid (arXiv 1612.03144); MaxLevel is every second pixel of the one below
	// BackboneResNetFPNTF is the Garden's ResNet with its feature pyramid: levels above 5 by convolutions, norms at the end of every level.
	BackboneResNetFPNTF BackboneType = "resnet_fpn_tf"
	// BackboneSpineNetMobile is SpineNet of inverted bottlenecks with depthwise convolutions (arXiv 1912.05027v3, section 3.3; Garden
	// spinenet_mobile.py).
	BackboneSpineNetMobile BackboneType = "spinenet_mobile"
	BackboneResNet         BackboneType = "resnet" // the Garden's ResNet (arXiv 1512.03385); the levels are its stages
)

// Fit says how a photo is made to fit the network.
type Fit string

const (
	// FitFixedSize (TF): the largest size within Height×Width that keeps the aspect, each side rounded half to even; zeros right and below.
	FitFixedSize Fit = "fixed_size"
	// FitShortestEdge (torchvision): shorter side to MinSize unless the longer one would pass MaxSize; sides rounded down; zeros right and below
	// to the next multiple of PadMultiple.
	FitShortestEdge Fit = "shortest_edge"
	// FitKeepRatio (mmdetection): as FitShortestEdge, with sides rounded half up.
	FitKeepRatio Fit = "keep_ratio"
	// FitShortestEdgeRounded (Detectron2): the shorter side to MinSize, then, where the longer one passes MaxSize, both scaled again; sides rounded half up.
	FitShortestEdgeRounded Fit = "shortest_edge_rounded"
	// FitCentreCrop (TF, classification): a square around the centre, Crop times the shorter side rounded down, resized to Height×Width.
	FitCentreCrop Fit = "centre_crop"
	// FitResizedCrop (torchvision, classification): shorter side to MinSize, the longer one rounded down; then Height×Width from the middle.
	FitResizedCrop Fit = "resized_crop"
)

// Resize is the bilinear interpolation of the photo. Only pillow filters before reducing.
type Resize string

const (
	ResizeLegacy    Resize = "legacy"     // source = destination·ratio, normalised values (TF1: tf.image.resize_images)
	ResizeHalfPixel Resize = "half_pixel" // source = (destination + ½)·ratio − ½, normalised values (TF2, torchvision)
	ResizeOpenCV    Resize = "opencv"     // as half_pixel on 8-bit values with 11-bit weights, before normalising (mmdetection: cv2.resize)
	// ResizePillow (Detectron2: PIL.Image.resize): triangles as wide as the reduction on 8-bit values, along x and then along y, with weights of 22 bits.
	ResizePillow Resize = "pillow"
)

// ChannelOrder is the order of the channels of the network's input.
type ChannelOrder string

const (
	ChannelOrderRGB ChannelOrder = "rgb" // as the empty value
	ChannelOrderBGR ChannelOrder = "bgr" // Detectron2, mmdetection's caffe style
)

// Normalize is the way from grey levels to numbers of mean 0 and variance 1, in float32.
type Normalize string

const (
	NormalizeTF     Normalize = "tf"     // (p·(1/255) − mean) / std
	NormalizeTorch  Normalize = "torch"  // (p/255 − mean) / std
	NormalizeOpenCV Normalize = "opencv" // (p − mean)·(1/std), mean and std in grey levels (mmdetection 1.x and 2.x)
	NormalizeGrey   Normalize = "grey"   // (p − mean) / std, mean and std in grey levels (Detectron2, mmdetection 3.x)
	// NormalizeResized (TF2, classification): (p − 255·mean) / (255·std), of the resized grey levels.
	NormalizeResized Normalize = "resized"
)

// StridedConv says which convolution of a bottleneck has its stride.
type StridedConv string

const (
	StridedConv3x3 StridedConv = "3x3" // as the empty value (torchvision, TF, mmdetection's pytorch style)
	StridedConv1x1 StridedConv = "1x1" // the first one (arXiv 1512.03385; Detectron2, mmdetection's caffe style)
)

// StridedPadding is the zero padding of convolutions with stride 2.
type StridedPadding string

const (
	StridedPaddingFixed     StridedPadding = "fixed"     // (k−1)/2 on both sides, then none (TF1)
	StridedPaddingSame      StridedPadding = "same"      // so that out = ⌈in/2⌉, the odd pixel after (TF2)
	StridedPaddingSymmetric StridedPadding = "symmetric" // (k−1)/2 on both sides (PyTorch); the same numbers as fixed
)

// PoolPadding is the padding of max pools, with −∞.
type PoolPadding string

const (
	PoolPaddingSame      PoolPadding = "same"      // so that out = ⌈in/stride⌉, the odd pixel after (TF)
	PoolPaddingSymmetric PoolPadding = "symmetric" // (k−1)/2 on both sides (PyTorch)
)

// PoolRule is how SpineNet reduces a parent that is more than twice too large, after the convolution with stride 2.
type PoolRule string

const (
	PoolRuleOne   PoolRule = "one"   // one pool with stride r/2, window 3 for r ≤ 4, else 5 (TF1, the PyTorch ports)
	PoolRuleChain PoolRule = "chain" // 3×3 pools with stride 2 until the size fits (TF2)
)

// AnchorStyle is how anchors are made from size, scales and ratios.
type AnchorStyle string

const (
	// AnchorStyleTF: centre (i + ½)·stride; ratio = width/height; scales outer, ratios inner.
	AnchorStyleTF AnchorStyle = "tf"
	// AnchorStyleTorchvision: corners about i·stride, rounded half to even; stride = input side // map side; ratio = height/width; ratios outer.
	AnchorStyleTorchvision AnchorStyle = "torchvision"
	// AnchorStyleMMDet1: integer corners about (stride − 1)/2 + i·stride; ratio = height/width; ratios outer (mmdetection 1.x).
	AnchorStyleMMDet1 AnchorStyle = "mmdet1"
	// AnchorStyleDetectron2: corners about i·stride, not rounded; ratio = height/width; scales outer, ratios inner.
	AnchorStyleDetectron2 AnchorStyle = "detectron2"
	// AnchorStyleMMDet2: as mmdet1, but about i·stride and not rounded (mmdetection 2.x and 3.x).
	AnchorStyleMMDet2 AnchorStyle = "mmdet2"
)

// BoxCoding is what the deltas dy, dx, dh, dw of a box mean.
type BoxCoding string

const (
	BoxCodingPlain   BoxCoding = "plain"    // height = y2 − y1 (TF2, torchvision, Detectron2, mmdetection 2.x and 3.x)
	BoxCodingPlusOne BoxCoding = "plus_one" // height = y2 − y1 + 1, corners are the outermost pixels (TF1, mmdetection 1.x)
)

// DeltaLimit bounds dh and dw by ln(1000/16), so that a 16-pixel anchor grows to at most 1000 pixels.
type DeltaLimit string

const (
	DeltaLimitUpper DeltaLimit = "upper" // from above (TF, torchvision, Detectron2)
	DeltaLimitBoth  DeltaLimit = "both"  // from above and below (mmdetection)
)

// Clip is the rectangle that boxes are cut to.
type Clip string

const (
	ClipCanvas         Clip = "canvas"           // the wanted Height×Width, padding included (TF2)
	ClipCanvasMinusOne Clip = "canvas_minus_one" // one pixel less (TF1)
	ClipImage          Clip = "image"            // the resized photo (torchvision, Detectron2, mmdetection 2.x and 3.x)
	ClipImageMinusOne  Clip = "image_minus_one"  // one pixel less (mmdetection 1.x)
)

// NMSRule says when a box suppresses another one in non-maximum suppression (NMS).
type NMSRule string

const (
	NMSRuleGT        NMSRule = "gt"          // IoU > threshold
	NMSRuleGE        NMSRule = "ge"          // IoU ≥ threshold; boxes without a positive coordinate are dropped (TF1; tf.image.non_max_suppression_padded)
	NMSRuleGETiled   NMSRule = "ge_tiled"    // as ge, but within 512 boxes those suppressed by no more than 0.5 still suppress others (TF2: vision/ops/nms.py)
	NMSRulePlusOneGT NMSRule = "plus_one_gt" // IoU > threshold with sides one longer (mmdetection 1.x)
	// NMSRuleOffsetGT (torchvision.ops.batched_nms): as gt; up to 1000 boxes are moved apart by group in float32 first, which rounds them.
	NMSRuleOffsetGT NMSRule = "offset_gt"
	// NMSRuleOffsetAllGT (mmcv.ops.batched_nms): as offset_gt, but any number of boxes is moved.
	NMSRuleOffsetAllGT NMSRule = "offset_all_gt"
)

// RPNScore is what proposals are ordered by.
type RPNScore string

const (
	// RPNScoreLogit: everywhere by logit (Detectron2). The empty value: the probability in float32, where large logits are equal; within a level torchvision,
	// whose NMS rule is offset_gt, takes the logit.
	RPNScoreLogit RPNScore = "logit"
)

// RoIAlignRule says where a bin is sampled.
type RoIAlignRule string

const (
	RoIAlignTF     RoIAlignRule = "tf"     // one sample at the centre of the bin, features at integer coordinates
	RoIAlignLegacy RoIAlignRule = "legacy" // mean of 2×2 samples, sides ≥ 1 feature pixel (torchvision, aligned=False; Detectron's ROIAlign)
	RoIAlignMMDet1 RoIAlignRule = "mmdet1" // mean of 2×2 samples, ends one pixel further, sides ≥ 0 (mmdetection 1.x)
	// RoIAlignAdaptive: half a feature pixel up and left, mean of ⌈h⌉×⌈w⌉ samples of a bin of h×w feature pixels (Detectron2's ROIAlignV2, mmdetection 2.x and 3.x).
	RoIAlignAdaptive RoIAlignRule = "adaptive"
)

// ClassifierFeatures says which of the backbone's outputs a classifier takes the mean of.
type ClassifierFeatures string

const (
	ClassifierTop ClassifierFeatures = "top" // the coarsest level (TF2: classification_model.py)
	// ClassifierAll (TF1: heads.py, ClassificationHead): from the coarsest level to the finest, each plus the one above at its size, over their number.
	ClassifierAll ClassifierFeatures = "all"
)

// LevelRule says which level a RoI of height h and width w is cut from; c, s: canonical level and size.
type LevelRule string

const (
	LevelRuleTF          LevelRule = "tf"          // ⌊ln(√(w·h)/s)/ln 2⌋ + c
	LevelRuleTorchvision LevelRule = "torchvision" // ⌊c + log2(√(w·h)/s) + 1e-6⌋
	LevelRuleMMDet1      LevelRule = "mmdet1"      // ⌊log2(√((w+1)·(h+1))/s + 1e-6)⌋ + c
	LevelRuleDetectron2  LevelRule = "detectron2"  // ⌊c + log2(√(w·h)/s + 1e-8)⌋
	LevelRuleMMDet2      LevelRule = "mmdet2"      // ⌊log2(√(w·h)/s + 1e-6)⌋ + c
)

// Paste says how a mask of a box becomes a mask of the image.
type Paste string

const (
	// PasteExact: a pixel takes the bilinear value of the zero-bordered mask at its centre, if that lies in the box (the built-in model).
	PasteExact Paste = "exact"
	// PasteInteger: zero border, box grown by (n+2)/n, corners cut to integers, cv2.resize (TF: mask_utils.paste_instance_masks).
	PasteInteger Paste = "integer"
	// PasteBorder: the same box as integer, resized by PyTorch's interpolate (torchvision: paste_masks_in_image).
	PasteBorder Paste = "border"
	// PasteMMDet1: no border, corners cut to integers, cv2.resize (mmdetection 1.x: FCNMaskHead.get_seg_masks).
	PasteMMDet1 Paste = "mmdet1"
	// PasteGrid: a pixel takes the bilinear value of the zero-bordered mask at its centre, within a pixel around the box; it belongs to the object from the
	// threshold on, which itself is enough (Detectron2: mask_ops.py, _do_paste_mask; mmdetection 2.x and 3.x).
	PasteGrid Paste = "grid"
)
