package loss

import "math"

// RPNScore is the region proposal network's loss of objectness: the sigmoid cross
// entropy, summed over the anchors with label 1 (object) or 0 (none); others are
// ignored. It is divided by divisor, the number of images times the number of
// regions that are sampled of each (512), as the Garden does: not the number of
// sampled anchors (losses/maskrcnn_losses.py, RpnScoreLoss; tasks/maskrcnn.py).
func RPNScore(logits []float32, labels []int8, divisor float64, grad []float32) float64 {
	sum := 0.0
	for i, label := range labels {
		grad[i] = 0
		if label < 0 {
			continue
		}
		v, d := crossEntropy(float64(logits[i]), float64(min(label, 1)))
		sum += v
		grad[i] = float32(d / divisor)
	}
	return sum / divisor
}

// RPNBoxDelta is the width of the quadratic part of the loss of an anchor's box.
// TensorFlow makes a float32 of it.
const RPNBoxDelta = float64(float32(1. / 9))

// RPNMatched counts the anchors with a box: any of the four targets is beyond 1e-6.
func RPNMatched(targets []float32) (n int) {
	for i := 0; i < len(targets); i += 4 {
		if hasBox(targets[i:]) {
			n++
		}
	}
	return n
}

func hasBox(t []float32) bool {
	for _, v := range t[:4] {
		if math.Abs(float64(v)) > 1e-6 {
			return true
		}
	}
	return false
}

// RPNBox is the loss of the anchors' boxes of one level: Huber's, summed over the
// four coordinates of the anchors that have a box, divided by 4·matched + 0.01,
// matched being the number of those on this level in the whole batch. The losses of
// the levels are added (RpnBoxLoss).
func RPNBox(deltas, targets []float32, delta float64, matched int, grad []float32) float64 {
	divisor, sum := float64(4*matched)+0.01, 0.0
	for i := 0; i < len(targets); i += 4 {
		has := hasBox(targets[i:])
		for j := i; j < i+4; j++ {
			grad[j] = 0
			if has {
				v, d := huber(float64(deltas[j])-float64(targets[j]), delta)
				sum += v
				grad[j] = float32(d / divisor)
			}
		}
	}
	return sum / divisor
}
