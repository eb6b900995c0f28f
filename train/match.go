package train

import (
	"cmp"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/rle"
)

// An ImageScore says how an image went, with the threshold of the scores, at an IoU
// of a half.
type ImageScore struct {
	Image   int // in the set
	Objects int
	Right   int // objects that were found
	Wrong   int // instances where no object of their class is, or a second one

	found []found
}

// at counts what is right and wrong from a score on.
func (s *ImageScore) at(threshold float64) {
	s.Right, s.Wrong = 0, 0
	for _, f := range s.found {
		switch {
		case f.score < threshold:
		case f.right:
			s.Right++
		default:
			s.Wrong++
		}
	}
}

// found is an instance, and whether it is an object.
type found struct {
	score float64
	right bool
}

// match gives each instance, by falling score, the object of its class that it
// covers best and that no other has, if their IoU is at least a half. So what is right
// does not depend on instances with lower scores. Instances on crowds are left out.
func match(instances []spinemask.Instance, objects []dataset.Object, categories []dataset.Category) (list []found) {
	taken := make([]bool, len(objects))
	for i := range instances {
		in := &instances[i]
		best, bestIoU, crowd := -1, 0.5, false
		for j, o := range objects {
			if taken[j] || categories[o.Category].ID != in.Category {
				continue
			}
			switch v := overlap(in, &o); {
			case o.Crowd:
				crowd = crowd || v >= 0.5
			case v >= bestIoU:
				best, bestIoU = j, v
			}
		}
		if best >= 0 {
			taken[best] = true
		}
		if best >= 0 || !crowd {
			list = append(list, found{float64(in.Score), best >= 0})
		}
	}
	return list
}

// overlap is the IoU of masks, of boxes where there are none.
func overlap(in *spinemask.Instance, o *dataset.Object) float64 {
	if len(in.Mask.Runs) == 0 || len(o.Mask.Runs) == 0 {
		return float64(box.IoU(in.Box, o.Box))
	}
	if box.IoU(grown(in.Box), grown(o.Box)) == 0 {
		return 0
	}
	return rle.IoU(in.Mask, o.Mask, o.Crowd)
}

// grown is a box with what masks may reach over it.
func grown(b box.Box) box.Box {
	const edge = 8
	return box.Box{Y1: b.Y1 - edge, X1: b.X1 - edge, Y2: b.Y2 + edge, X2: b.X2 + edge}
}

// bestThreshold is the score from which the instances have the largest
// F1 = 2·right/(instances + objects), in the middle between it and the next lower one.
func bestThreshold(all []found, objects int) (threshold, f1 float64) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(b.score, a.score) })
	right, best := 0, -1
	for i, f := range all {
		if f.right {
			right++
		}
		if i+1 < len(all) && all[i+1].score == f.score {
			continue
		}
		if v := 2 * float64(right) / float64(i+1+objects); v > f1 {
			f1, best = v, i
		}
	}
	switch {
	case best < 0:
		return 0.5, 0 // nothing was found
	case best+1 < len(all):
		return (all[best].score + all[best+1].score) / 2, f1
	}
	return all[best].score / 2, f1
}
