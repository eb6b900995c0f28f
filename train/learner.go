package train

import (
	"context"

	"github.com/spinemask/spinemask/internal/core/backprop"
)

// Losses are the parts of a batch's loss by name: those of tasks/maskrcnn.py,
// tasks/retinanet.py and tasks/image_classification.py of the Model Garden. model_loss
// is what is minimised but for the decay of weights.
type Losses map[string]float64

// A learner is a kind of network in training.
type learner interface {
	// input is where the images of a batch go.
	input() *backprop.Map
	// programs are the parts of the network.
	programs() []*backprop.Program
	// learn computes the losses of the batch that the input holds, and adds the
	// gradients of its weights to those of the params. The numbers that it draws follow
	// from the step.
	learn(ctx context.Context, step int, truths []truth) (Losses, error)
}

// sizes of a batch.
type sizes struct{ batch, height, width, regions, masks int }
