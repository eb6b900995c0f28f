// Package dsb scores nuclei as the 2018 Data Science Bowl did (Caicedo et al.,
// Nature Methods 16, 2019, 1247–1253).
package dsb

// Score compares the detections of an image with its truth: iou[d][g] is the
// mask IoU of detection d, by falling score, with true object g. It is the mean
// over the IoU thresholds 0.50, 0.55, …, 0.95 of TP / (TP + FP + FN), and at50
// is the value at 0.50. Each detection takes the free object that it overlaps
// most. Both are 1 where there is nothing to find and nothing found, and 0
// where only one of the two is empty.
func Score(iou [][]float64, truths int) (score, at50 float64) {
	detections := len(iou)
	if detections == 0 || truths == 0 {
		if detections == truths {
			return 1, 1
		}
		return 0, 0
	}
	const thresholds = 10
	// numpy.arange(.5, .96, .05) steps by the difference of its first two values,
	// which is a little more than 0.05: an IoU of exactly 0.6 does not reach 0.6.
	start, next := 0.5, 0.55
	for i := range thresholds {
		t := start + float64(float64(i)*(next-start))
		used := make([]bool, truths)
		hits := 0
		for _, row := range iou {
			best := -1
			for g, v := range row {
				if !used[g] && v > 0 && (best < 0 || v > row[best]) {
					best = g
				}
			}
			if best >= 0 && row[best] >= t {
				used[best] = true
				hits++
			}
		}
		value := float64(hits) / float64(truths+detections-hits)
		score += value / thresholds
		if i == 0 {
			at50 = value
		}
	}
	return score, at50
}
