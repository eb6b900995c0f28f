package labeleval

import (
	"fmt"
)

// A Panoptic adds up the panoptic quality of each category, by the rules of
// panopticapi 7bb4655 (evaluation.py, pq_compute_single_core).
type Panoptic struct {
	Categories []int64 // ids, in the order of the data set
	counts     map[int64]*Match
}

// NewPanoptic begins with no images. ids are those of the categories.
func NewPanoptic(ids []int64) *Panoptic {
	q := &Panoptic{Categories: ids, counts: map[int64]*Match{}}
	for _, id := range ids {
		q.counts[id] = &Match{}
	}
	return q
}

// A Segment is what a panoptic file says about a label of a map.
type Segment struct {
	Label    uint32
	Category int64
	Area     uint64 // pixels as the file says, of true segments; predicted ones are counted
	Crowd    bool   // of true segments
}

// PanopticImage is an image with two maps of the same pixels, in the same order, in
// which 0 is what nobody labelled (VOID), and what their labels are. True labels
// without a segment count for nothing.
type PanopticImage struct {
	True, Predicted                 []uint32
	TrueSegments, PredictedSegments []Segment
}

// Add counts an image. Objects of one category match above an IoU of 0.5, of which
// VOID under the prediction is no part. A prediction of which more than half lies on
// VOID and on the last crowd of its category is not counted. It is an error if labels
// and segments of the prediction are not the same, or a category is not known.
func (q *Panoptic) Add(im *PanopticImage) error {
	o, err := Count(im.True, im.Predicted)
	if err != nil {
		return err
	}
	return q.add(o, im.TrueSegments, im.PredictedSegments)
}

func (q *Panoptic) add(o *Overlaps, trues, predicted []Segment) error {
	trueOf, err := q.segments(trues, o.True, "true")
	if err != nil {
		return err
	}
	predictedOf, err := q.segments(predicted, o.Predicted, "predicted")
	if err != nil {
		return err
	}
	for p, object := range o.Predicted {
		if predictedOf[p] == nil {
			return fmt.Errorf("labeleval: predicted label %d is in the map, but not among the segments", object.Label)
		}
	}
	if n := len(predicted); n > len(o.Predicted) {
		return fmt.Errorf("labeleval: %d predicted segments, %d labels in the map", n, len(o.Predicted))
	}

	void := make([]uint64, len(o.Predicted))
	for p, object := range o.Predicted {
		void[p] = object.Area
	}
	for _, pair := range o.Pairs {
		void[pair.Predicted] -= pair.Shared
	}
	matchedTrue, matchedPredicted := map[*Segment]bool{}, make([]bool, len(o.Predicted))
	for _, pair := range o.Pairs {
		t, p := trueOf[pair.True], predictedOf[pair.Predicted]
		if t == nil || t.Crowd || t.Category != p.Category {
			continue
		}
		union := o.Predicted[pair.Predicted].Area + t.Area - pair.Shared - void[pair.Predicted]
		if iou := float64(pair.Shared) / float64(union); iou > 0.5 {
			q.counts[t.Category].TP++
			q.counts[t.Category].Sum += iou
			matchedTrue[t], matchedPredicted[pair.Predicted] = true, true
		}
	}
	crowds := map[int64]*Segment{}
	for i := range trues {
		switch t := &trues[i]; {
		case t.Crowd:
			crowds[t.Category] = t
		case !matchedTrue[t]:
			q.counts[t.Category].FN++
		}
	}
	ignored := void
	for _, pair := range o.Pairs {
		if t := trueOf[pair.True]; t != nil && t == crowds[predictedOf[pair.Predicted].Category] {
			ignored[pair.Predicted] += pair.Shared
		}
	}
	for p, object := range o.Predicted {
		if !matchedPredicted[p] && 2*ignored[p] <= object.Area {
			q.counts[predictedOf[p].Category].FP++
		}
	}
	return nil
}

// segments gives the segment of each object, nil where there is none.
func (q *Panoptic) segments(list []Segment, objects []Object, side string) ([]*Segment, error) {
	byLabel := map[uint32]*Segment{}
	for i := range list {
		s := &list[i]
		if byLabel[s.Label] != nil {
			return nil, fmt.Errorf("labeleval: %s segment %d is listed twice", side, s.Label)
		}
		if q.counts[s.Category] == nil {
			return nil, fmt.Errorf("labeleval: %s segment %d has the unknown category %d", side, s.Label, s.Category)
		}
		byLabel[s.Label] = s
	}
	of := make([]*Segment, len(objects))
	for i, o := range objects {
		of[i] = byLabel[o.Label]
	}
	return of, nil
}

// Of is what was counted of a category: Panoptic is its PQ, MeanMatched SQ and F1 RQ.
func (q *Panoptic) Of(id int64) Match { return *q.counts[id] }

// Mean gives PQ, SQ and RQ as means over those of some categories that have a true or
// a counted predicted segment, and the number of those; SQ of one without a match
// counts as 0. All are 0 of none, which panopticapi divides by.
func (q *Panoptic) Mean(ids []int64) (pq, sq, rq float64, n int) {
	for _, id := range ids {
		m := q.Of(id)
		if m.TP+m.FP+m.FN == 0 {
			continue
		}
		pq, sq, rq, n = pq+m.Panoptic(), sq+m.MeanMatched(), rq+m.F1(), n+1
	}
	return ratio(pq, float64(n)), ratio(sq, float64(n)), ratio(rq, float64(n)), n
}
