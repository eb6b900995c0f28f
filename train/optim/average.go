package optim

// Average is an exponential moving average of weights
// (modeling/optimization/ema_optimizer.py). It begins at zero, not at the weights.
type Average struct {
	Decay float64
	// Dynamic takes (1 + t)/(10 + t) where that is less, t being the updates done.
	Dynamic bool
	// Start is the update before which the average is the weights.
	Start int
}

// Update moves the average of one array after the given update, counted from 1.
func (a *Average) Update(average, weights []float32, update int) {
	decay := a.Decay
	if t := float64(update - a.Start); t < 0 {
		decay = 0
	} else if a.Dynamic {
		decay = min(decay, (1+t)/(10+t))
	}
	f := float32(1 - decay)
	for i, w := range weights {
		average[i] -= float32(f * (average[i] - w))
	}
}
