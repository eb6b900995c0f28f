package cocoeval

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// IoUType says what a detection and an annotation are compared by.
type IoUType uint8

const (
	BBox      IoUType = iota // boxes
	Segm                     // masks
	Boundary                 // the smaller of mask IoU and the IoU of the masks' boundaries (Cheng et al. 2021)
	Keypoints                // object keypoint similarity
)

var iouNames = [...]string{"bbox", "segm", "boundary", "keypoints"}

func (t IoUType) String() string { return iouNames[t] }

// ParseIoUType is the inverse of String.
func ParseIoUType(s string) (IoUType, error) {
	if i := slices.Index(iouNames[:], s); i >= 0 {
		return IoUType(i), nil
	}
	return 0, fmt.Errorf("cocoeval: IoU type %q, want bbox, segm, boundary or keypoints", s)
}

// Fields returns what an evaluation by t reads of the files.
func (t IoUType) Fields() coco.Fields {
	switch t {
	case BBox:
		return coco.Boxes
	case Keypoints:
		return coco.Boxes | coco.Keypoints
	}
	return coco.Masks
}

// Mode says what to do where pycocotools is known to be wrong.
type Mode uint8

const (
	Strict    Mode = iota // as pycocotools, bit for bit
	Corrected             // repaired, and told in Evaluation.Warnings
)

// Protocol is a set of rules for what counts.
type Protocol uint8

const (
	COCO Protocol = iota
	LVIS          // federated: detections of categories that nobody looked for in an image do not count (lvis-api)
)

// Summation is the order in which the statistics' means are summed. It is numpy's, and changed with it; the arrays do not
// depend on it.
type Summation uint8

const (
	Numpy2    Summation = iota // one pairwise sum (numpy 2)
	Numpy1_24                  // pairwise in blocks of 8192 values, blocks in order (numpy 1.24)
)

// AreaRange is a range of object areas in square pixels, or of another quantity; both ends belong to it. Annotations outside
// do not count, nor do detections without an annotation that are outside themselves.
type AreaRange struct {
	Label    string
	Min, Max float64
	Of       Quantity
}

// Quantity is what a range of objects is about.
type Quantity uint8

const (
	Area         Quantity = iota // COCO's: of annotations as the file says, of detections that of their mask or box
	AspectRatio                  // width over height of the box
	RelativeArea                 // area of the box over that of the image
)

// Params is what an evaluation depends on. NewParams gives the published settings; a zero Params is not one.
type Params struct {
	IoU       IoUType
	Mode      Mode
	Protocol  Protocol
	Summation Summation

	MaxDets          []int       // detections per image and category that count, ascending after New
	Areas            []AreaRange // at most 32
	IoUThresholds    []float64
	RecallThresholds []float64 // ascending
	ClassAgnostic    bool      // compare without regard to categories (useCats = 0)
	CategoryIDs      []int64   // nil: all
	ImageIDs         []int64   // nil: all; as coco.Annotations.ImageID
	Sigmas           []float64 // of keypoints

	// MatchIoU, if not 0, asks for Evaluator.Outcomes at this IoU, of boxes or masks. It need not be one of IoUThresholds.
	MatchIoU float64

	// Observe, if not nil, is called with each image and category that has annotations or detections, for each area range,
	// from several goroutines at once and in no order. It must not keep what it is given.
	Observe func(*Match)
}

// iouThresholds is numpy's linspace(.5, .95, 10). As .5 + i*.05 two of them would differ in the last bit.
var iouThresholds = [...]float64{
	0x1p-1, 0x1.199999999999ap-1, 0x1.3333333333333p-1, 0x1.4cccccccccccdp-1, 0x1.6666666666666p-1,
	0x1.8p-1, 0x1.999999999999ap-1, 0x1.b333333333333p-1, 0x1.cccccccccccccp-1, 0x1.e666666666666p-1,
}

// recallThresholds is numpy's linspace(0, 1, 101): i*0.01, which i/100 is not for ten of them.
func recallThresholds() []float64 {
	r := make([]float64, 101)
	step := 0.01
	for i := range r {
		r[i] = float64(i) * step
	}
	return r
}

// cocoSigmas are the standard deviations of the 17 keypoints of COCO's persons relative to the object's scale, times 10.
var cocoSigmas = [...]float64{.26, .25, .25, .35, .35, .79, .79, .72, .72, .62, .62, 1.07, 1.07, .87, .87, .89, .89}

// NewParams returns the settings of pycocotools for t, or those of lvis-api.
func NewParams(t IoUType, p Protocol) Params {
	all, small := AreaRange{Label: "all", Max: 1e5 * 1e5}, AreaRange{Label: "small", Max: 32 * 32}
	medium, large := AreaRange{Label: "medium", Min: 32 * 32, Max: 96 * 96}, AreaRange{Label: "large", Min: 96 * 96, Max: 1e5 * 1e5}
	out := Params{
		IoU: t, Protocol: p,
		MaxDets:          []int{1, 10, 100},
		Areas:            []AreaRange{all, small, medium, large},
		IoUThresholds:    slices.Clone(iouThresholds[:]),
		RecallThresholds: recallThresholds(),
	}
	if t == Keypoints {
		out.MaxDets = []int{20}
		out.Areas = []AreaRange{all, medium, large}
		for _, s := range cocoSigmas {
			out.Sigmas = append(out.Sigmas, s/10)
		}
	}
	if p == LVIS {
		out.MaxDets = []int{300}
	}
	return out
}

// Check reports settings that cannot be evaluated, as New does.
func (p *Params) Check() error {
	switch {
	case len(p.MaxDets) == 0 || slices.Min(p.MaxDets) < 0:
		return fmt.Errorf("cocoeval: maxDets %v, want numbers of detections", p.MaxDets)
	case len(p.Areas) == 0 || len(p.Areas) > 32:
		return fmt.Errorf("cocoeval: %d area ranges, want 1 to 32", len(p.Areas))
	case len(p.IoUThresholds) == 0:
		return errors.New("cocoeval: no IoU thresholds")
	case len(p.RecallThresholds) == 0 || !slices.IsSorted(p.RecallThresholds):
		return errors.New("cocoeval: recall thresholds, want at least one, ascending")
	case p.IoU == Keypoints && len(p.Sigmas) == 0:
		return errors.New("cocoeval: no keypoint sigmas")
	case p.MatchIoU != 0 && !(p.MatchIoU >= MinOverlap && p.MatchIoU <= 1):
		return fmt.Errorf("cocoeval: match IoU %v, want %v to 1", p.MatchIoU, MinOverlap)
	case p.MatchIoU != 0 && p.IoU == Keypoints:
		return errors.New("cocoeval: outcomes want boxes or masks, not keypoints")
	case p.Protocol == LVIS && (p.IoU == Keypoints || len(p.MaxDets) != 1 || p.ClassAgnostic):
		return errors.New("cocoeval: lvis wants boxes or masks, one maxDets and categories")
	}
	return nil
}
