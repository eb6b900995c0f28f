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
	// count adds what the losses of the images in the input will be divided by.
	count(ctx context.Context, b batch, truths []truth, d *divisors) error
	// learn computes the losses of the images that the input holds, and adds the
	// gradients of its weights to those of the params. The numbers that it draws follow
	// from the step and the number of the image in the batch. With divisors nil, the images
	// are the whole batch.
	learn(ctx context.Context, b batch, truths []truth, d *divisors) (Losses, error)
}

// sizes of a batch.
type sizes struct{ batch, height, width, regions, masks int }
