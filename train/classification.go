package train

import (
	"context"
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/train/loss"
)

// classification computes the losses of batches and the gradients of the weights of
// a network that gives a whole picture a class, by the mean of its last level
// (modeling/classification_model.py of the Model Garden).
type classification struct {
	config      *config.Config
	trunk, head *backprop.Program
	smoothing   float64
}

func newClassification(c *config.Config, params *backprop.Params, s sizes, smoothing float64, team *parallel.Team, o backprop.Options) (*classification, error) {
	if c.Classifier.Features != config.ClassifierTop {
		return nil, fmt.Errorf("train: classification by the features %q cannot be trained, only %q", c.Classifier.Features, config.ClassifierTop)
	}
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	m := &classification{config: c, smoothing: smoothing}
	if m.trunk, err = backprop.New(n.Trunk, params, s.batch, s.height, s.width, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	o.InputGrads = []string{"features"}
	if m.head, err = backprop.New(n.Classifier, params, s.batch, 1, 1, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return m, nil
}

func (m *classification) input() *backprop.Map          { return m.trunk.Input("image") }
func (m *classification) programs() []*backprop.Program { return []*backprop.Program{m.trunk, m.head} }

func (m *classification) count(context.Context, batch, []truth, *divisors) error { return nil }

func (m *classification) learn(ctx context.Context, _ batch, truths []truth, d *divisors) (Losses, error) {
	labels := make([]int, len(truths))
	for i, t := range truths {
		labels[i] = t.classes[0]
	}
	if err := m.trunk.Forward(ctx); err != nil {
		return nil, err
	}
	return m.backward(ctx, labels, d)
}

// backward runs the head on the means of the last level, and everything backward.
func (m *classification) backward(ctx context.Context, labels []int, d *divisors) (Losses, error) {
	name := network.PName(m.config.Backbone.MaxLevel)
	top, in := m.trunk.Output(name), m.head.Input("features")
	average(in, top)
	if err := m.head.Forward(ctx); err != nil {
		return nil, err
	}
	out, grad := m.head.Output("logits"), m.head.OutputGrad("logits")
	l := loss.Classification(out.Data, labels, m.config.Classes(), m.smoothing, grad.Data)
	if d != nil {
		l *= scaled(grad.Data, 1/float64(d.parts))
	}
	if err := m.head.Backward(ctx); err != nil {
		return nil, err
	}
	back, topGrad := m.head.InputGrad("features"), m.trunk.OutputGrad(name)
	averageBack(topGrad, back)
	return Losses{"model_loss": l}, m.trunk.Backward(ctx)
}

// average gives the mean over the pixels of each item of x.
func average(mean, x *backprop.Map) {
	pixels := float32(x.Height * x.Width)
	for i := range x.Items {
		to := mean.Pixel(i, 0, 0)
		clear(to)
		for y := range x.Height {
			for k, v := range x.Row(i, y) {
				to[k%x.Channels] += v
			}
		}
		for k := range to {
			to[k] /= pixels
		}
	}
}

// averageBack is the gradient of x from that of the mean.
func averageBack(x, mean *backprop.Map) {
	pixels := float32(x.Height * x.Width)
	for i := range x.Items {
		g := mean.Pixel(i, 0, 0)
		for y := range x.Height {
			row := x.Row(i, y)
			for k := range row {
				row[k] = g[k%x.Channels] / pixels
			}
		}
	}
}
