package target

// SampleAnchors chooses which matched anchors the objectness is trained on: in the
// order given, the first samples·fraction positives, then negatives until there are
// samples. Others are not trained on. Of the chosen, a label is 1 or 0, of the rest
// −1 (utils/object_detection/balanced_positive_negative_sampler.py, subsample).
func SampleAnchors(labels []int8, matches []Match, order []int, samples int, fraction float64) {
	for i := range labels {
		labels[i] = -1
	}
	positives := 0
	for _, i := range order {
		if matches[i].Kind == Positive && positives < int(float64(samples)*fraction) {
			labels[i] = 1
			positives++
		}
	}
	left := samples - positives
	for _, i := range order {
		if matches[i].Kind == Negative && left > 0 {
			labels[i] = 0
			left--
		}
	}
}

// SampleStatic chooses samples rows of which at most a fraction is positive, the
// same number whatever there is: candidates says which rows may be taken, positive
// which of them are positive, order in which of equal ones come first. If there
// are too few candidates, the first other rows count as candidates; if there are too
// few negatives, positives beyond the fraction are taken (the static mode of
// balanced_positive_negative_sampler.py). The result marks the chosen rows.
func SampleStatic(candidates, positive []bool, order []int, samples int, fraction float64) []bool {
	n := len(candidates)
	have := 0
	for _, c := range candidates {
		if c {
			have++
		}
	}
	may, others := make([]bool, n), 0
	for i, c := range candidates {
		if !c {
			others++
		}
		may[i] = c || others <= samples-have
	}
	// In the original, rows get the numbers 1, 2, … in the given order, negatives
	// with a minus, what may not be taken 0; the numbers are sorted, and the positives
	// are taken from their upper end, the negatives from the lower one. So the last
	// rows of the order come first.
	var signed []int
	for k := n - 1; k >= 0; k-- {
		if i := order[k]; may[i] && positive[i] {
			signed = append(signed, i)
		}
	}
	positives := min(int(float64(samples)*fraction), len(signed))
	for i := range n {
		if !may[i] {
			signed = append(signed, -1)
		}
	}
	for _, i := range order {
		if may[i] && !positive[i] {
			signed = append(signed, i)
		}
	}
	chosen := make([]bool, n)
	take := func(list []int) {
		for _, i := range list {
			if i < 0 {
				i = order[0] // the original looks up number 0 there
			}
			chosen[i] = true
		}
	}
	negatives := samples - positives
	take(signed[:positives])
	take(signed[max(positives, n-negatives):])
	return chosen
}
