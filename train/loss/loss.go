// Package loss has the losses of Mask R-CNN, RetinaNet and classification, each
// with its gradient, as TensorFlow's Model Garden defines them.
//
// Every function returns the value of the loss for a batch and adds nothing else
// to it: weights of losses, and decay, are the caller's. Gradients are with respect to
// the network's outputs; a function sets every element of the gradient that it is
// given, those without influence to zero. Sums are float64.
package loss

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// crossEntropy is the sigmoid cross entropy of a logit z with a target y in
// [0, 1], and its derivative: max(z, 0) − z·y + log(1 + e^−|z|).
func crossEntropy(z, y float64) (value, slope float64) {
	e := portable.Exp(-math.Abs(z))
	p := 1 / (1 + e)
	if z < 0 {
		p = e / (1 + e)
	}
	return max(z, 0) - float64(z*y) + portable.Log1p(e), p - y
}

// huber is ½e² for |e| ≤ delta, else delta·|e| − ½delta², and its derivative. It
// is not divided by delta (tf.keras.losses.Huber).
func huber(e, delta float64) (value, slope float64) {
	if math.Abs(e) <= delta {
		return e * e / 2, e
	}
	return float64(delta*math.Abs(e)) - float64(delta*delta/2), math.Copysign(delta, e)
}

// logSumExp of the logits of a row.
func logSumExp(z []float32) float64 {
	most := math.Inf(-1)
	for _, v := range z {
		most = max(most, float64(v))
	}
	sum := 0.0
	for _, v := range z {
		sum += portable.Exp(float64(v) - most)
	}
	return portable.Log(sum) + most
}

// L2 is decay/2·Σw² of a kernel; with grad it adds decay·w to it (Keras'
// regularizers.l2(decay/2)). It applies to kernels only, not to biases or norms.
func L2(kernel []float32, decay float64, grad []float32) float64 {
	sum := 0.0
	for i, w := range kernel {
		sum += float64(float64(w) * float64(w))
		if grad != nil {
			grad[i] += float32(decay * float64(w))
		}
	}
	return float64(decay / 2 * sum)
}
