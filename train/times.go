package train

import (
	"time"

	"github.com/spinemask/spinemask/internal/core/backprop"
)

// Times is where the time of a trainer's steps went.
type Times struct {
	backprop.Times
	Images  time.Duration // reading and changing pictures
	Regions time.Duration // RoIAlign, both ways
	Update  time.Duration // of the weights
	Steps   time.Duration // whole steps; the rest is proposals, targets and losses
}

// Times returns where the time of all steps so far went.
func (t *Trainer) Times() Times {
	sum := t.times
	for _, p := range t.net.programs() {
		of := p.Times()
		sum.Forward += of.Forward
		sum.BackwardData += of.BackwardData
		sum.BackwardWeights += of.BackwardWeights
		sum.Norms += of.Norms
		sum.Other += of.Other
	}
	if m, ok := t.net.(*maskRCNN); ok {
		sum.Regions += m.aligning
	}
	return sum
}
