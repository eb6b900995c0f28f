package train

import (
	"context"
	"errors"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// A batch is the images of a step, or a part of them from an image on.
type batch struct{ step, first int }

// divisors are what the losses of a whole batch are divided by. The parts of a batch
// are added up with them, so that they are its losses and gradients, but for rounding
// and for the statistics of norms.
type divisors struct {
	parts    int
	matched  []int // anchors of each level of the region proposal network that have an object
	regions  int   // that have a class other than the background
	masked   int   // of those that the mask head is trained on
	assigned int   // anchors of RetinaNet with a class
}

// learn adds up the losses and gradients of a batch. If it has parts, the network looks at
// each of them twice: what the losses are divided by depends on the regions that it
// proposes for all of them.
func (t *Trainer) learn(ctx context.Context, step int) (total Losses, images []*dataset.Image, err error) {
	t.waited = 0
	parts := max(t.recipe.Parts, 1)
	each := func(do func(b batch, truths []truth) error) error {
		images = nil
		for i := range parts {
			start := time.Now()
			b := batch{step, i * (t.recipe.Batch / parts)}
			list, truths, err := t.fill(b)
			if err != nil {
				return err
			}
			t.waited += time.Since(start)
			t.drop(b)
			t.dropBlocks(b)
			images = append(images, list...)
			if err := do(b, truths); err != nil {
				return err
			}
		}
		return nil
	}
	var d *divisors
	if parts > 1 {
		d = &divisors{parts: parts}
		err = each(func(b batch, truths []truth) error { return t.net.count(ctx, b, truths, d) })
		if err != nil {
			return nil, nil, err
		}
	}
	total = Losses{}
	err = each(func(b batch, truths []truth) error {
		losses, err := t.net.learn(ctx, b, truths, d)
		for name, v := range losses {
			total[name] += v
		}
		return err
	})
	return total, images, err
}

// fill reads the images of a batch, or of a part, and shows them to the network.
func (t *Trainer) fill(b batch) (images []*dataset.Image, truths []truth, err error) {
	in := t.net.input()
	images, truths = make([]*dataset.Image, in.Items), make([]truth, in.Items)
	errs := make([]error, in.Items)
	t.team.Do(in.Items, parallel.Func(func(_, item int) {
		slot := b.first + item
		i := t.epoch[pick(t.recipe.Seed, len(t.epoch), t.recipe.Batch, b.step, slot)]
		images[item] = &t.set.Images[i]
		e, err := t.cache.get(t, i)
		if err != nil {
			errs[item] = err
			return
		}
		truths[item] = see(e.picture, e.objects, e.diameter, &t.recipe.Augment, &t.config.Input, in.Height, in.Width, t.recipe.Regions, t.recipe.Seed, b.step, slot, func(y int) []float32 { return in.Row(item, y) })
		if t.config.Model == config.ModelClassification {
			truths[item].classes = []int{e.objects[0].Class} // of the image, whatever part of it is shown
		}
	}))
	in.ClearBorders()
	return images, truths, errors.Join(errs...)
}
