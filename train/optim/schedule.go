// Package optim moves weights: learning rates, AdamW, stochastic gradient descent with
// momentum as Keras and as TensorFlow 1 keep it, clipping, moving averages.
package optim

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// A Schedule is the learning rate of update step, counted from 0.
type Schedule func(step int) float64

// Constant is one rate.
func Constant(rate float64) Schedule { return func(int) float64 { return rate } }

// Steps is values[i] up to and with step boundaries[i], then the next value
// (tf.keras PiecewiseConstantDecay: a boundary still belongs to the old value; in
// TensorFlow 1's detection code, modeling/learning_rates.py, to the new one).
func Steps(boundaries []int, values []float64) Schedule {
	return func(step int) float64 {
		for i, b := range boundaries {
			if step <= b {
				return values[i]
			}
		}
		return values[len(boundaries)]
	}
}

// Cosine falls from rate to alpha·rate in so many steps from offset on
// (arXiv 1608.03983; tf.keras CosineDecay): rate·((1 − alpha)·½(1 + cos πk) + alpha).
func Cosine(rate float64, steps, offset int, alpha float64) Schedule {
	return func(step int) float64 {
		k := min(float64(step-offset)/float64(steps), 1)
		return rate * (float64((1-alpha)*0.5*(1+portable.Cos(math.Pi*k))) + alpha)
	}
}

// Warmup rises in a line from rate first to that of after in the given number of
// steps; after that it is after, which is not shifted (modeling/optimization/
// lr_schedule.py, LinearWarmup).
func Warmup(first float64, steps int, after Schedule) Schedule {
	return func(step int) float64 {
		if step >= steps {
			return after(step)
		}
		return first + float64(float64(step)/float64(steps)*(after(steps)-first))
	}
}
