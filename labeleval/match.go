package labeleval

import "slices"

// A Criterion says by what a pair of objects is judged.
type Criterion int

// The criteria of stardist's matching.
const (
	IoU Criterion = iota // shared pixels over those of either object
	IoT                  // over those of the true object
	IoP                  // over those of the predicted one
)

// A Match counts the objects that found a partner, of an image or of many.
type Match struct {
	TP, FP, FN int
	Sum        float64 // of the scores of matched pairs: their IoU, if that is the criterion
}

// Add pools the counts of another image.
func (m *Match) Add(o Match) {
	m.TP, m.FP, m.FN, m.Sum = m.TP+o.TP, m.FP+o.FP, m.FN+o.FN, m.Sum+o.Sum
}

// ratio is 0 where there is nothing to divide by, as in stardist.
func ratio(a, b float64) float64 {
	if b > 0 {
		return a / b
	}
	return 0
}

// Precision is the share of predicted objects that are right; like all ratios
// of a Match, it is 0 of nothing.
func (m Match) Precision() float64 { return ratio(float64(m.TP), float64(m.TP+m.FP)) }

// Recall is the share of true objects that were found.
func (m Match) Recall() float64 { return ratio(float64(m.TP), float64(m.TP+m.FN)) }

// F1 is the harmonic mean of precision and recall.
func (m Match) F1() float64 { return ratio(2*float64(m.TP), float64(2*m.TP+m.FP+m.FN)) }

// Accuracy is TP / (TP + FP + FN), which StarDist, Cellpose and many papers on
// microscopy call average precision. It is not COCO's AP: no scores are involved.
func (m Match) Accuracy() float64 { return ratio(float64(m.TP), float64(m.TP+m.FP+m.FN)) }

// MeanMatched is the mean score of matched pairs; of IoU, the segmentation quality SQ.
func (m Match) MeanMatched() float64 { return ratio(m.Sum, float64(m.TP)) }

// MeanTrue is the mean score over all true objects, 0 of those that were not found.
func (m Match) MeanTrue() float64 { return ratio(m.Sum, float64(m.TP+m.FN)) }

// Panoptic is the panoptic quality PQ, the product of MeanMatched and F1 (Kirillov
// et al., CVPR 2019, who match above an IoU of 0.5).
func (m Match) Panoptic() float64 { return ratio(m.Sum, float64(m.TP)+float64(float64(m.FP+m.FN)/2)) }

// Match pairs objects as stardist 0.9.2 (matching.py) does, in float64 where that
// computes in float32: as many pairs as possible reach the threshold, which must be
// above 0, and of the ways to do so it takes one with the largest sum of scores.
func (o *Overlaps) Match(c Criterion, threshold float64) Match {
	score := make([]float64, len(o.Pairs))
	for i, p := range o.Pairs {
		switch c {
		case IoU:
			score[i] = o.iou(p)
		case IoT:
			score[i] = float64(p.Shared) / float64(o.True[p.True].Area)
		case IoP:
			score[i] = float64(p.Shared) / float64(o.Predicted[p.Predicted].Area)
		}
	}
	return o.match(score, func(i int) bool { return score[i] >= threshold })
}

// above pairs objects whose IoU is larger than twentieths/20, compared without rounding.
func (o *Overlaps) above(twentieths uint64) Match {
	return o.match(o.ious(), func(i int) bool { return 20*o.Pairs[i].Shared > twentieths*o.union(o.Pairs[i]) })
}

// match chooses among the pairs; hit tells those that count.
func (o *Overlaps) match(score []float64, hit func(i int) bool) Match {
	var hits []int
	usedTrue, usedPredicted, clash := make([]bool, len(o.True)), make([]bool, len(o.Predicted)), false
	for i, p := range o.Pairs {
		if hit(i) {
			hits = append(hits, i)
			clash = clash || usedTrue[p.True] || usedPredicted[p.Predicted]
			usedTrue[p.True], usedPredicted[p.Predicted] = true, true
		}
	}
	if clash { // only at IoU 0.5 or below, by another criterion, or of masks that overlap
		hits = slices.DeleteFunc(o.assign(score, hit), func(i int) bool { return !hit(i) })
	}
	m := Match{TP: len(hits), FP: len(o.Predicted) - len(hits), FN: len(o.True) - len(hits)}
	for _, i := range hits {
		m.Sum += score[i]
	}
	return m
}

// assign pairs objects with as many hits as possible and then the largest sum of
// scores. The weights are stardist's: all scores together weigh less than one hit.
func (o *Overlaps) assign(score []float64, hit func(i int) bool) []int {
	weight := make([]float64, len(score))
	for i := range weight {
		weight[i] = score[i] / float64(2*min(len(o.True), len(o.Predicted)))
		if hit(i) {
			weight[i]++
		}
	}
	return assign(o.Pairs, weight, len(o.True), len(o.Predicted))
}

// ious are the IoU of all pairs.
func (o *Overlaps) ious() []float64 {
	list := make([]float64, len(o.Pairs))
	for i, p := range o.Pairs {
		list[i] = o.iou(p)
	}
	return list
}
