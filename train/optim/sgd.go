package optim

import "math"

// SGD is stochastic gradient descent with momentum. The zero value has none.
type SGD struct {
	Momentum float64
	// Nesterov looks ahead by one step of the momentum (Keras' form only).
	Nesterov bool
	// RateOutside keeps gradients in the velocity, as TensorFlow 1 and PyTorch do:
	//
	//	v = momentum·v + g; w = w − rate·v
	//
	// Otherwise the learning rate is inside, as Keras has it, which differs while the
	// rate changes:
	//
	//	v = momentum·v − rate·g; w = w + v
	RateOutside bool
}

// Update moves the weights of one array by its gradient; velocity, of the same
// length, begins at zero and belongs to the array.
func (o *SGD) Update(weights, velocity, grad []float32, rate float64) {
	m, r := float32(o.Momentum), float32(rate)
	for i, g := range grad {
		if o.RateOutside {
			v := float32(m*velocity[i]) + g
			velocity[i] = v
			weights[i] -= float32(r * v)
			continue
		}
		step := float32(r * g)
		v := float32(m*velocity[i]) - step
		velocity[i] = v
		if o.Nesterov {
			v = float32(m*v) - step
		}
		weights[i] += v
	}
}

// ClipGlobalNorm scales all gradients so that the norm of them together is limit
// at most, and returns the norm that they had. Below the limit they stay as they are.
func ClipGlobalNorm(grads [][]float32, limit float64) float64 {
	sum := 0.0
	for _, g := range grads {
		for _, v := range g {
			sum += float64(float64(v) * float64(v))
		}
	}
	norm := math.Sqrt(sum)
	if norm > limit {
		f := float32(limit / norm)
		for _, g := range grads {
			for i := range g {
				g[i] *= f
			}
		}
	}
	return norm
}
