package analysis

// A ranking is the detections of a class by descending score: of each right one, how many wrong ones come before it.
type ranking struct {
	wrong int32
	right []int32
}

func (r *ranking) reset() { r.wrong, r.right = 0, r.right[:0] }

func (r *ranking) add(right bool) {
	if right {
		r.right = append(r.right, r.wrong)
	} else {
		r.wrong++
	}
}

// average returns the mean over recall thresholds of the highest precision at that recall or more, 0 where it is not
// reached. n annotations are to be found. eps is what the original adds to the number of detections that it divides by.
func (r *ranking) average(n int, recalls []float64, eps float64) float64 {
	if n <= 0 || len(r.right) == 0 {
		return 0
	}
	sum, best := 0.0, 0.0
	next := len(r.right)
	for t := len(recalls) - 1; t >= 0; t-- {
		for ; next > 0 && float64(next)/float64(n) >= recalls[t]; next-- {
			tp := float64(next)
			best = max(best, tp/(tp+float64(r.right[next-1])+eps))
		}
		// All right ones from next on reach the recall; where not even the last does, best is still 0.
		sum += best
	}
	return sum / float64(len(recalls))
}
