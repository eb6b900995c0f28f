package spinemask

import (
	"context"
	"fmt"
	"image"

	"github.com/spinemask/spinemask/classifier"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/network"
)

// A Class is what a classifier says of a whole picture.
type Class struct {
	Category int     // id in the data set of the model: the row of the network's output
	Name     string  // of the category
	Score    float32 // probability, 0…1: the softmax of the logits of all classes
	Logit    float32 // the network's own output
}

// Classify gives the k most probable classes of a picture, the most probable
// first and of equal ones the lower row; all classes if k is 0. The model must be
// a classifier (config.ModelClassification); others find instances, see Segment.
// It waits while all workspaces are busy. When ctx is done it returns ctx's error
// within a fraction of a second.
func (m *Model) Classify(ctx context.Context, img image.Image, k int) ([]Class, error) {
	if k < 0 {
		return nil, fmt.Errorf("spinemask: Classify: %d classes, want 0 or more", k)
	}
	var classes []Class
	err := m.run(ctx, img, func(s *session, pixels *imageio.Image) error {
		c, ok := s.tail.(*photoClassifier)
		if !ok {
			return fmt.Errorf("spinemask: the model is a detector, %s: it finds instances and does not classify whole pictures; use Segment", m.config.Model)
		}
		logits, err := c.logits(ctx, pixels)
		if err != nil {
			return err
		}
		for _, best := range classifier.Best(logits, k) {
			category := m.config.CategoryAt(best.Row)
			classes = append(classes, Class{category.ID, categoryName(category), best.Probability, best.Logit})
		}
		return nil
	})
	return classes, err
}

// photoClassifier is a classifier behind the trunk.
type photoClassifier struct {
	*session
	pooler *classifier.Pooler
	maps   []classifier.Map
	head   *engine.Workspace
}

func newPhotoClassifier(s *session) *photoClassifier {
	return &photoClassifier{session: s, pooler: classifier.NewPooler(s.m.config), head: s.workspace(s.m.classifier)}
}

func (c *photoClassifier) bind() {
	b := &c.m.config.Backbone
	c.maps = c.maps[:0]
	for l := b.MinLevel; l <= b.MaxLevel; l++ {
		p := c.trunk.Output(network.PName(l))
		c.maps = append(c.maps, classifier.Map{Data: p.Data, Height: p.Height, Width: p.Width, Channels: p.Channels, RowStride: p.RowStride})
	}
}

// logits are valid until the next call.
func (c *photoClassifier) logits(ctx context.Context, img *imageio.Image) ([]float32, error) {
	if _, err := c.features(ctx, img); err != nil {
		return nil, err
	}
	in := c.head.Input("features")
	c.pooler.Pool(in.Pixel(0, 0, 0), c.maps)
	if err := c.head.Run(ctx, 1); err != nil {
		return nil, err
	}
	out := c.head.Output("logits")
	return out.Pixel(0, 0, 0), nil
}
