// Package proxy measures architectures by a small training, as the search of the SpineNet paper does (arXiv 1912.05027 §5.1): a RetinaNet on the candidate's
// block table with a quarter of the widths is trained for a few hundred steps, and its box AP on images that are held out is the candidate's score.
//
// The score says little about what the network reaches when it is trained in full. It is good for one thing: to compare architectures that were measured by the
// same Task.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/train"
)

// Options say how candidates are trained.
type Options struct {
	Steps int    // updates
	Batch int    // images of an update
	Size  int    // side of the network's input, pixels, a multiple of 128
	Seed  uint64 // of initial weights, order and changes of images, and of what is held out

	MemoryLimit int64 // bytes for the values of a batch, as in train.Options; 0: any number
}

// A Task is what every candidate is trained and measured on. It may measure several at once.
type Task struct {
	Options
	Train *dataset.Set // what candidates learn from
	Held  *dataset.Set // what they are measured on
	Zoom  float64      // how much larger they see the pictures than these are as a whole in the input; 1: as a whole

	parts map[string]part // what they see of a picture, by its path; nil: all
	mu    sync.Mutex
	kept  map[string]image.Image // decoded pictures, by path
	used  int64                  // their bytes, about
}

// New makes the task of a data set. A fifth of the images, 200 at most, chosen by the seed, is held out.
func New(set *dataset.Set, o Options) (*Task, error) {
	const least, most = 10, 200 // images
	n := len(set.Images)
	if n < least {
		return nil, fmt.Errorf("proxy: %d images: want at least %d, of which a fifth is held out", n, least)
	}
	f := train.Folds(set, max(5, (n+most-1)/most), o.Seed)[0]
	t := &Task{Options: o, Train: f.Train, Held: f.Validation}
	if err := t.magnify(); err != nil {
		return nil, err
	}
	if objects(t.Held) == 0 {
		return nil, fmt.Errorf("proxy: no objects in the %d images that are held out", len(t.Held.Images))
	}
	return t, t.Recipe().Validate()
}

// objects counts what is to be found in a set.
func objects(set *dataset.Set) (n int) {
	for _, im := range set.Images {
		for _, o := range im.Objects {
			if !o.Crowd {
				n++
			}
		}
	}
	return n
}

// Widths of the paper's proxy: all blocks have a quarter of SpineNet-49's channels, also inside a resampling, and endpoints and heads 64.
const (
	filterScale   = 0.25
	resampleAlpha = 0.25
	endpoints     = 64
)

// Config is the network of a candidate, without classes.
func (t *Task) Config(table *config.BlockTable) (*config.Config, error) {
	c, err := config.TF2RetinaNet("49")
	if err != nil {
		return nil, err
	}
	c.Name = "proxy"
	c.Backbone.BlockTable, c.Backbone.Blocks = "", table
	c.Backbone.FilterScale, c.Backbone.ResampleAlpha, c.Backbone.Endpoints = filterScale, resampleAlpha, endpoints
	c.RetinaHead.Filters = endpoints
	c.Input.Height, c.Input.Width = t.Size, t.Size
	c.Detections.ScoreThreshold = 0 // after so few steps scores are low, and AP is about their order
	return c, c.Validate()
}

// Recipe is the training of a candidate.
func (t *Task) Recipe() *train.Recipe {
	r := train.FineTune(len(t.Train.Images)) // for its samplers, which a RetinaNet does not use
	r.Name, r.Source = "proxy", "arXiv 1912.05027 §5.1, for a CPU"
	r.Seed, r.Batch, r.Steps, r.Height, r.Width = t.Seed, t.Batch, t.Steps, t.Size, t.Size
	r.Rate = train.Rate{Value: rate, Warmup: rate / 10, WarmupSteps: t.Steps / 10, Cosine: true}
	r.Norms = train.Norms{Momentum: 0.97} // of a few hundred steps the statistics are those of the last hundred
	r.Augment = train.Augment{Flip: 0.5, Scale: [2]float64{0.9, 1.1}}
	return r
}

// rate is the learning rate after the warm-up.
const rate = 0.02

// A Score is what a candidate reached.
type Score struct {
	AP       float64 `json:"ap"` // of boxes, on the images held out, by COCO's rules
	AP50     float64 `json:"ap50"`
	Loss     float64 `json:"loss"`               // mean of the last tenth of the steps
	Diverged bool    `json:"diverged,omitempty"` // a loss was no number any more: all values are 0
}

// Score trains and measures a candidate. The same task and table give the same score for any number of threads.
func (t *Task) Score(ctx context.Context, table *config.BlockTable, threads int) (Score, error) {
	c, err := t.Config(table)
	if err != nil {
		return Score{}, err
	}
	start, err := train.Scratch(c, t.Train, t.Seed)
	if err != nil {
		return Score{}, err
	}
	trainer, err := train.New(start.Config, start, t.Train, t.Recipe(), &train.Options{Threads: threads, Read: t.read, MemoryLimit: t.MemoryLimit})
	if err != nil {
		return Score{}, err
	}
	var s Score
	last := max(1, t.Steps/10)
	err = trainer.Run(ctx, func(p train.Progress) error {
		if p.Step > p.Steps-last {
			s.Loss += p.Losses["model_loss"] / float64(last)
		}
		return nil
	})
	if errors.As(err, new(*train.DivergedError)) {
		return Score{Diverged: true}, nil
	}
	if err != nil {
		return Score{}, err
	}
	scores, err := trainer.Validate(ctx, t.Held)
	if err != nil {
		return Score{}, err
	}
	s.AP, s.AP50 = scores.BoxAP, scores.AP50
	return s, nil
}
