package weights

import "regexp"

// networks are networks that are known by a piece of the names of their tensors, and not supported.
var networks = []struct {
	piece *regexp.Regexp
	kind
}{
	{regexp.MustCompile(`(^|[./])(roi_head|bbox_head)\.shared_head\.layer4\.`), kind{"a network of mmdetection with a C4 backbone; not supported", kindMMDetResNet.advice}},
	{regexp.MustCompile(`(^|[./])(neck\.lateral_convs\.|neck\.fpn_convs\.|rpn_head\.rpn_conv\.|roi_head\.bbox_head\.|bbox_head\.(fc_cls|shared_fcs|retina_cls)\.)`), kindMMDetResNet},
	{regexp.MustCompile(`(^|[./])(image_encoder\.(trunk\.)?blocks\.|mask_decoder\.)`), kind{"a Segment Anything model; not supported", whatIsRead}},
	{regexp.MustCompile(`(^|[./])(transformer\.decoder\.layers\.|class_labels_classifier\.|class_embed\.)`), kind{"a transformer detector (DETR or the like); not supported", whatIsRead}},
	{regexp.MustCompile(`(^|[./])model\.\d+\.(cv\d|conv|m)\.`), kind{"a YOLO model; not supported", whatIsRead}},
	{regexp.MustCompile(`(^|[./])downsample\.down\.res_down_`), kind{"a Cellpose model; not supported", whatIsRead}},
	{regexp.MustCompile(`(^|/)(fpn|mrcnn|rpn_model)[_/]`), kind{"a Mask R-CNN of Keras (matterport); not supported", whatIsRead}},
}

// networkOf says whose network has a tensor of the name.
func networkOf(name string) (kind, bool) {
	for _, n := range networks {
		if n.piece.MatchString(name) {
			return n.kind, true
		}
	}
	return kind{}, false
}
