package labeleval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/rle"
)

// Overlaps says which true and predicted objects of an image share pixels.
type Overlaps struct {
	True, Predicted []Object // by rising labels
	Pairs           []Pair   // those that share a pixel, by rising True, then Predicted
}

// An Object is all pixels of one label.
type Object struct {
	Label uint32
	Area  uint64 // pixels, at least 1
}

// A Pair is a true and a predicted object, by their places in the lists, and the
// pixels that they share.
type Pair struct {
	True, Predicted int
	Shared          uint64
}

// Count compares two maps of the same pixels, in the same order: rows or columns.
// It is an error if one has more pixels than the other.
func Count(truth, predicted []uint32) (*Overlaps, error) {
	if len(truth) != len(predicted) {
		return nil, fmt.Errorf("labeleval: maps of %d and %d pixels", len(truth), len(predicted))
	}
	// Labels come in runs, so there are far fewer look-ups than pixels.
	shared := map[uint64]uint64{}
	for i := 0; i < len(truth); {
		t, p, from := truth[i], predicted[i], i
		for i++; i < len(truth) && truth[i] == t && predicted[i] == p; i++ {
		}
		if t != 0 || p != 0 {
			shared[uint64(t)<<32|uint64(p)] += uint64(i - from)
		}
	}
	trueArea, predictedArea := map[uint32]uint64{}, map[uint32]uint64{}
	for key, n := range shared {
		trueArea[uint32(key>>32)] += n
		predictedArea[uint32(key)] += n
	}
	o := &Overlaps{}
	var trueAt, predictedAt map[uint32]int
	o.True, trueAt = objects(trueArea)
	o.Predicted, predictedAt = objects(predictedArea)
	for key, n := range shared {
		if t, p := uint32(key>>32), uint32(key); t != 0 && p != 0 {
			o.Pairs = append(o.Pairs, Pair{trueAt[t], predictedAt[p], n})
		}
	}
	slices.SortFunc(o.Pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.True, b.True), cmp.Compare(a.Predicted, b.Predicted))
	})
	return o, nil
}

// objects lists the labels above 0 and gives the place of each.
func objects(area map[uint32]uint64) (list []Object, at map[uint32]int) {
	delete(area, 0)
	for label, n := range area {
		list = append(list, Object{label, n})
	}
	slices.SortFunc(list, func(a, b Object) int { return cmp.Compare(a.Label, b.Label) })
	at = make(map[uint32]int, len(list))
	for i, o := range list {
		at[o.Label] = i
	}
	return list, at
}

// CountMasks compares masks of one image, all of its size and proper
// ([rle.Mask.Validate]). Label i+1 is mask i; masks without pixels are left out.
// Masks of one side may overlap each other, which labels cannot.
func CountMasks(truth, predicted []rle.Mask) *Overlaps {
	o := &Overlaps{}
	var trueMasks, predictedMasks []measured
	o.True, trueMasks = measure(truth)
	o.Predicted, predictedMasks = measure(predicted)
	for t := range trueMasks {
		for p := range predictedMasks {
			a, b := &trueMasks[t], &predictedMasks[p]
			if !a.Overlaps(b.Summary) {
				continue
			}
			if n := rle.IntersectionArea(a.runs, b.runs); n > 0 {
				o.Pairs = append(o.Pairs, Pair{t, p, n})
			}
		}
	}
	return o
}

type measured struct {
	rle.Summary
	runs []uint32
}

func measure(masks []rle.Mask) (list []Object, kept []measured) {
	for i, m := range masks {
		if s := m.Summary(); s.Area > 0 {
			list = append(list, Object{uint32(i + 1), uint64(s.Area)})
			kept = append(kept, measured{s, m.Runs})
		}
	}
	return list, kept
}

// union is the number of pixels of either object of a pair.
func (o *Overlaps) union(p Pair) uint64 {
	return o.True[p.True].Area + o.Predicted[p.Predicted].Area - p.Shared
}

// iou is the intersection over union of a pair.
func (o *Overlaps) iou(p Pair) float64 { return float64(p.Shared) / float64(o.union(p)) }
