package backprop

import "time"

// Times is where the time of a program went, since it was made.
type Times struct {
	Forward         time.Duration // of convolutions and dense layers
	BackwardData    time.Duration // of the gradients of their inputs, and of what joined convolutions make with them (joinConv)
	BackwardWeights time.Duration // of those of their kernels
	Norms           time.Duration // with the activations behind them, both ways
	Other           time.Duration // sums, pools, upsampling, other activations, both ways
}

// Times returns where the time went.
func (p *Program) Times() Times { return p.times }

// spent is where the time of an operation belongs.
func (p *Program) spent(o operation, back bool) *time.Duration {
	switch o.(type) {
	case *norm:
		return &p.times.Norms
	case *conv, *dense, *deconv:
		if back {
			return &p.times.BackwardData
		}
		return &p.times.Forward
	}
	return &p.times.Other
}
