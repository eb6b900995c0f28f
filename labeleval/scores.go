package labeleval

import "cmp"

// Thresholds are 0.50, 0.55, …, 0.95: those of the arrays in Scores.
var Thresholds = [10]float64{0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95}

// Scores are the counts of an image, or the sums of many, from which all numbers follow.
type Scores struct {
	True, Predicted int // objects

	At    [10]Match // IoU at least Thresholds[i], as stardist
	Above [10]Match // IoU above Thresholds[i], as the Data Science Bowl; the first is that of panoptic quality

	AJI         Fraction // aggregated Jaccard index, as published: Kumar et al., IEEE Trans. Med. Imaging 36, 2017, algorithm 1
	CellposeAJI Fraction // what Cellpose calls so: pixels shared by objects matched one to one, over those of any object

	// A true object is split if at least two predictions, each with more than half of
	// its pixels inside it, cover together at least half of it. Merged predictions are
	// the reverse.
	Splits, Merges int
}

// A Fraction is pixels of an intersection and of a union.
type Fraction struct{ Intersection, Union uint64 }

// Value is the ratio; 1 where nothing is to be found and nothing was.
func (f Fraction) Value() float64 {
	if f.Union == 0 {
		return 1
	}
	return float64(f.Intersection) / float64(f.Union)
}

// Score computes the scores of an image. AJI, splits and merges presume that objects
// of one side do not overlap, as those of label images.
func Score(o *Overlaps) Scores {
	s := Scores{True: len(o.True), Predicted: len(o.Predicted)}
	for i, t := range Thresholds {
		s.At[i] = o.Match(IoU, t)
		s.Above[i] = o.above(uint64(10 + i))
	}
	s.AJI, s.CellposeAJI = o.aji(), o.cellposeAJI()
	s.Splits, s.Merges = o.splits(), o.merges()
	return s
}

// Add pools another image.
func (s *Scores) Add(o *Scores) {
	s.True += o.True
	s.Predicted += o.Predicted
	for i := range s.At {
		s.At[i].Add(o.At[i])
		s.Above[i].Add(o.Above[i])
	}
	s.AJI.add(o.AJI)
	s.CellposeAJI.add(o.CellposeAJI)
	s.Splits += o.Splits
	s.Merges += o.Merges
}

func (f *Fraction) add(o Fraction) {
	f.Intersection, f.Union = f.Intersection+o.Intersection, f.Union+o.Union
}

// Mean is the mean over images of one of their numbers; 0 of no images.
func Mean(images []Scores, number func(*Scores) float64) float64 {
	sum := 0.0
	for i := range images {
		sum += number(&images[i])
	}
	return ratio(sum, float64(len(images)))
}

// DSB is the score of an image in the 2018 Data Science Bowl (Caicedo et al., Nature
// Methods 16, 2019, 1247–1253): the mean over Thresholds of TP / (TP + FP + FN), of
// objects whose IoU is above the threshold. It is 1 where there is nothing to find and
// nothing was found. The score of a data set is the mean over its images.
func (s *Scores) DSB() float64 {
	sum := 0.0
	for i := range s.Above {
		sum += s.DSBAt(i)
	}
	return sum / float64(len(s.Above))
}

// DSBAt is DSB at Thresholds[i] alone.
func (s *Scores) DSBAt(i int) float64 {
	if s.True+s.Predicted == 0 {
		return 1
	}
	return s.Above[i].Accuracy()
}

// aji joins each true object with the prediction of the largest IoU, of equal ones the
// one that shares more pixels, as get_fast_aji of hover_net does. A prediction may be joined more than once; those that never are add to
// the union.
func (o *Overlaps) aji() (f Fraction) {
	joined := make([]bool, len(o.Predicted))
	for rest, t := o.Pairs, 0; t < len(o.True); t++ {
		best, n := -1, 0
		for ; n < len(rest) && rest[n].True == t; n++ {
			if best < 0 || cmp.Or(cmp.Compare(o.iou(rest[n]), o.iou(rest[best])), cmp.Compare(rest[n].Shared, rest[best].Shared)) > 0 {
				best = n
			}
		}
		if best < 0 {
			f.Union += o.True[t].Area
		} else {
			f.Intersection += rest[best].Shared
			f.Union += o.union(rest[best])
			joined[rest[best].Predicted] = true
		}
		rest = rest[n:]
	}
	for p, object := range o.Predicted {
		if !joined[p] {
			f.Union += object.Area
		}
	}
	return f
}

// cellposeAJI is aggregated_jaccard_index of cellpose 4.2.1.1 (metrics.py): objects are
// assigned one to one, with as many as possible at an IoU of 0.5, then the largest sum.
func (o *Overlaps) cellposeAJI() (f Fraction) {
	for _, object := range o.True {
		f.Union += object.Area
	}
	for _, object := range o.Predicted {
		f.Union += object.Area
	}
	for _, p := range o.Pairs {
		f.Union -= p.Shared
	}
	iou := o.ious()
	for _, i := range o.assign(iou, func(i int) bool { return iou[i] >= 0.5 }) {
		f.Intersection += o.Pairs[i].Shared
	}
	return f
}

func (o *Overlaps) splits() int {
	return inPieces(o.True, o.Predicted, o.Pairs, func(p Pair) (whole, piece int) { return p.True, p.Predicted })
}

func (o *Overlaps) merges() int {
	return inPieces(o.Predicted, o.True, o.Pairs, func(p Pair) (whole, piece int) { return p.Predicted, p.True })
}

// inPieces counts the wholes of which pieces of the other side cover half.
func inPieces(wholes, pieces []Object, pairs []Pair, sides func(Pair) (whole, piece int)) (n int) {
	inside, covered := make([]int, len(wholes)), make([]uint64, len(wholes))
	for _, p := range pairs {
		whole, piece := sides(p)
		if 2*p.Shared > pieces[piece].Area {
			inside[whole]++
			covered[whole] += p.Shared
		}
	}
	for i, whole := range wholes {
		if inside[i] >= 2 && 2*covered[i] >= whole.Area {
			n++
		}
	}
	return n
}
