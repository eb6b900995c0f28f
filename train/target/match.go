// Package target says what a network should have given: the labels of anchors, the
// regions that the heads are trained on, and their boxes and masks, as TensorFlow's
// Model Garden assigns them.
//
// Boxes are in pixels of the network's input. Random choices are made by an order
// that the caller gives, a permutation, so that they can be repeated.
package target

import "github.com/spinemask/spinemask/box"

// What a matcher says of an anchor or a region.
const (
	Positive = 1
	Negative = -1
	Ignored  = -2
	Invalid  = -3 // a row that pads a list
)

// A Match is the ground truth that is nearest to a box, and what that means.
type Match struct {
	Truth int // index; 0 where there is none
	IoU   float32
	Kind  int
}

// Thresholds cut IoUs into kinds: below Limits[i] (and not below those before) is
// Kinds[i], what is below none is Positive.
type Thresholds struct {
	Limits []float32
	Kinds  []int
}

// RPNThresholds and RetinaThresholds are those of anchors; regions: RegionsFrom.
var (
	RPNThresholds    = Thresholds{[]float32{0.3, 0.7}, []int{Negative, Ignored}}
	RetinaThresholds = Thresholds{[]float32{0.5, 0.5}, []int{Negative, Ignored}}
)

// RegionsFrom are the thresholds of regions that have an object from an IoU on, in the Model Garden 0.5.
func RegionsFrom(iou float32) Thresholds {
	return Thresholds{[]float32{0, iou, iou}, []int{Invalid, Negative, Ignored}}
}

func (th Thresholds) kind(iou float32) int {
	for i, limit := range th.Limits {
		if iou < limit {
			return th.Kinds[i]
		}
	}
	return Positive
}

// Assign matches boxes, one for each element of list, with truths by their IoU: each box with the truth of the
// largest, of equal ones the first. With force, the first box that is best for a
// truth is positive whatever its IoU; a box that is best for two belongs to the first of
// them. Without truths all boxes are negative (ops/box_matcher.py).
func Assign(list []Match, truths int, iou func(box, truth int) float32, th Thresholds, force bool) {
	if truths == 0 {
		for i := range list {
			list[i] = Match{Kind: Negative}
		}
		return
	}
	best, bestIoU := make([]int, truths), make([]float32, truths)
	for j := range bestIoU {
		bestIoU[j] = -2 // below what padding has
	}
	for i := range list {
		m := Match{Truth: 0, IoU: -2}
		for j := range truths {
			v := iou(i, j)
			if v > m.IoU {
				m.Truth, m.IoU = j, v
			}
			if v > bestIoU[j] {
				best[j], bestIoU[j] = i, v
			}
		}
		m.Kind = th.kind(m.IoU)
		list[i] = m
	}
	if force {
		for j := truths - 1; j >= 0; j-- {
			list[best[j]].Truth, list[best[j]].Kind = j, Positive
		}
	}
}

// IoU is the intersection over the union of two boxes, 0 where they do not meet
// (ops/iou_similarity.py).
func IoU(a, b box.Box) float32 {
	h := max(min(a.Y2, b.Y2)-max(a.Y1, b.Y1), 0)
	w := max(min(a.X2, b.X2)-max(a.X1, b.X1), 0)
	i := float32(h * w)
	if i == 0 {
		return 0
	}
	return i / (a.Area() + b.Area() - i)
}
