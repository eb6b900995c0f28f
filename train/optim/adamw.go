package optim

import "math"

// AdamW is Adam with a decay of weights that the gradients do not know of
// (arXiv 1711.05101, algorithm 2), in the form of PyTorch's torch.optim.AdamW.
type AdamW struct {
	Beta1, Beta2 float64 // decays of the moving averages of the gradient and of its square
	Epsilon      float64 // added to the root of the latter
}

// Update moves the weights of one array by its gradient in the given update, counted
// from 1; decay is the part of the weights that a rate of 1 would take away. mean and
// square, of the same length, begin at zero and belong to the array:
//
//	w = w·(1 − rate·decay)
//	mean = β1·mean + (1 − β1)·g; square = β2·square + (1 − β2)·g²
//	w = w − rate·(mean/(1 − β1^t)) / (√(square/(1 − β2^t)) + ε)
func (o *AdamW) Update(weights, mean, square, grad []float32, rate, decay float64, update int) {
	keep := float32(1 - float64(rate*decay))
	b1, b2 := float32(o.Beta1), float32(o.Beta2)
	c1, c2 := float32(1-o.Beta1), float32(1-o.Beta2)
	step := float32(rate / (1 - power(o.Beta1, update)))
	root := float32(1 / math.Sqrt(1-power(o.Beta2, update)))
	eps := float32(o.Epsilon)
	for i, g := range grad {
		m := float32(b1*mean[i]) + float32(c1*g)
		s := float32(b2*square[i]) + float32(c2*float32(g*g))
		mean[i], square[i] = m, s
		below := float32(float32(math.Sqrt(float64(s)))*root) + eps
		weights[i] = float32(weights[i]*keep) - float32(step*m)/below
	}
}

// power is x to the n, by products alone, which have the same bits everywhere.
func power(x float64, n int) float64 {
	p := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			p = float64(p * x)
		}
		x *= x
	}
	return p
}
