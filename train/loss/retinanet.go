package loss

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// Focal is the loss of RetinaNet's classes (arXiv 1708.02002): for every anchor
// and class
//
//	a·q^gamma·crossEntropy(z, y), a = alpha if y = 1, else 1 − alpha; q = |p − y|
//
// summed over the anchors that are not ignored and divided by normalizer, one more
// than the number of positive anchors in the batch. Logits are anchors × classes;
// the target of an anchor is its class, −1 for none, −2 for an ignored anchor
// (losses/focal_loss.py; tasks/retinanet.py).
func Focal(logits []float32, targets []int16, classes int, alpha, gamma, normalizer float64, grad []float32) float64 {
	sum := 0.0
	for anchor, target := range targets {
		z := logits[anchor*classes:][:classes]
		g := grad[anchor*classes:][:classes]
		if target == -2 {
			clear(g)
			continue
		}
		for class, v := range z {
			x, y, a := float64(v), 0.0, 1-alpha
			if class == int(target) {
				y, a = 1, alpha
			}
			ce, d := crossEntropy(x, y) // d = p − y
			q := math.Abs(d)
			m := portable.Pow(q, gamma)
			sum += float64(a * m * ce)
			sign := 1.0 // of dq/dz = sign·p·(1 − p), q^gamma' = gamma·q^(gamma − 1)·q·(1 − q)·sign
			if y == 1 {
				sign = -1
			}
			e := portable.Exp(-math.Abs(x))
			other := 1 / (1 + e) // 1 − q, without cancellation
			if (x > 0) == (y == 0) {
				other = e / (1 + e)
			}
			g[class] = float32(a * (float64(m*d) + float64(sign*gamma*m*other*ce)) / normalizer)
		}
	}
	return sum / normalizer
}

// RetinaBox is the loss of RetinaNet's boxes: the mean over the four coordinates
// of Huber's, summed over the anchors whose target is a class, divided by
// normalizer. The targets of other anchors are not looked at.
func RetinaBox(deltas, targets []float32, class []int16, delta, normalizer float64, grad []float32) float64 {
	sum := 0.0
	for anchor, c := range class {
		for k := 4 * anchor; k < 4*anchor+4; k++ {
			grad[k] = 0
			if c >= 0 {
				v, d := huber(float64(deltas[k])-float64(targets[k]), delta)
				sum += float64(v / 4)
				grad[k] = float32(d / 4 / normalizer)
			}
		}
	}
	return sum / normalizer
}
