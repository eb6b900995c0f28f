package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/backprop"
)

// A DivergedError says what is not a number any more. The weights are those before the
// step.
type DivergedError struct {
	Step   int      // from 1
	What   string   // the loss, or the weights whose gradient it is, with its value
	Images []string // of the batch, or the one whose values were the first
	Layer  string   // that gave the first value that is no number; "" if none did
}

func (e *DivergedError) Error() string {
	text := fmt.Sprintf("train: step %d: %s; images %s", e.Step, e.What, strings.Join(e.Images, ", "))
	if e.Layer != "" {
		text += "; first seen behind the layer " + e.Layer
	}
	return text
}

// checkFinite names the first thing that is not a number any more.
func (t *Trainer) checkFinite(ctx context.Context, losses Losses, images []*dataset.Image) error {
	e := &DivergedError{Step: t.state.step + 1}
	for _, im := range images {
		e.Images = append(e.Images, im.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(losses)) {
		if v := losses[name]; math.IsNaN(v) || math.IsInf(v, 0) {
			e.What = fmt.Sprintf("%s is %g", name, v)
			return t.locate(ctx, e, images)
		}
	}
	for _, p := range t.params.List {
		for _, g := range p.Grad {
			if g-g != 0 {
				e.What = fmt.Sprintf("the gradient of %s is %g", p.Name, g)
				return e
			}
		}
	}
	return nil
}

// locate makes the step again and looks for the first value that is no number.
func (t *Trainer) locate(ctx context.Context, e *DivergedError, images []*dataset.Image) error {
	for _, p := range t.net.programs() {
		p.Watch(func(layer string, m *backprop.Map) {
			if e.Layer != "" {
				return
			}
			for item := range m.Items {
				if !finite(m, item) {
					e.Layer = layer
					if t.recipe.Parts <= 1 { // of a head: the image of the region
						e.Images = []string{images[item*len(images)/m.Items].Name}
					}
					return
				}
			}
		})
		defer p.Watch(nil)
	}
	if _, _, err := t.learn(ctx, t.state.step); err != nil {
		return errors.Join(e, err)
	}
	return e
}

func finite(m *backprop.Map, item int) bool {
	for y := range m.Height {
		for _, v := range m.Row(item, y) {
			if v-v != 0 {
				return false
			}
		}
	}
	return true
}

// recentLosses are those of the last steps.
type recentLosses struct {
	values [128]float64
	count  int // ever added
}

// add says how many standard deviations a loss lies above the mean of those before it,
// and keeps it.
func (r *recentLosses) add(loss float64) float64 {
	const least = 32
	n := min(r.count, len(r.values))
	mean, square := 0.0, 0.0
	for _, v := range r.values[:n] {
		mean += v / float64(n)
	}
	for _, v := range r.values[:n] {
		square += (v - mean) * (v - mean) / float64(n)
	}
	r.values[r.count%len(r.values)] = loss
	r.count++
	if n < least || square == 0 {
		return 0
	}
	return (loss - mean) / math.Sqrt(square)
}
