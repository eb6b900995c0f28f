package train

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/train/loss"
	"github.com/spinemask/spinemask/train/optim"
)

// Options of a trainer; nil and the zero value are the defaults.
type Options struct {
	Threads int // 0: GOMAXPROCS
	// Read reads the picture of an image of the data set, upright as its objects are
	// marked.
	Read func(*dataset.Image) (image.Image, error)
	// CacheBytes bounds the memory for decoded pictures that are kept; 0: 1 GB.
	CacheBytes int64
	// MemoryLimit is how many bytes the values of a batch may take in each part of the
	// network; over it New fails before it allocates. 0: any number.
	MemoryLimit int64
}

// A Trainer is a network in training. It is not safe for concurrent use.
type Trainer struct {
	config  *config.Config // of the model that is made
	recipe  *Recipe
	options Options
	set     *dataset.Set
	data    string // hash of the set
	epoch   []int  // images of an epoch

	team     *parallel.Team
	params   *backprop.Params
	decayed  []*backprop.Param // kernels, which decay
	fresh    []string          // names of the arrays that the run made anew
	state    state
	net      learner
	branches map[string]float64 // that stochastic depth may leave out, and how often
	schedule optim.Schedule
	sgd      optim.SGD
	adamw    *optim.AdamW // nil: sgd
	cache    cache
	waited   time.Duration // of the last step
	times    Times
	recent   recentLosses
}

// state is what a run goes on from, beside the weights.
type state struct {
	step     int // updates done
	velocity map[string][]float32
	square   map[string][]float32 // nil: none is kept
	average  map[string][]float32 // nil: none is kept
}

// arrays are the kinds of arrays of a state, each by its prefix in a state file.
func (s *state) arrays() map[string]map[string][]float32 {
	return map[string]map[string][]float32{"velocity/": s.velocity, "square/": s.square, "average/": s.average}
}

// New prepares the training of a network with the config c on a data set, whose classes
// are those of the config, in their order. weights are those that it begins with, such
// as a Start; they are copied. What a Start made anew is trained whatever the recipe freezes.
// The model's input gets the size of the recipe; if the input follows the photo, this is
// what photos are fitted into. The size of its objects becomes that of the data set.
func New(c *config.Config, weights spinemask.Weights, set *dataset.Set, r *Recipe, o *Options) (*Trainer, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if len(set.Images) == 0 {
		return nil, errors.New("train: the data set has no images")
	}
	if len(set.Categories) != len(c.Categories) {
		return nil, fmt.Errorf("train: the data set has %d classes, the model %d", len(set.Categories), len(c.Categories))
	}
	if c.Model == config.ModelClassification {
		for i := range set.Images {
			if im := &set.Images[i]; len(im.Objects) != 1 || im.Objects[0].Crowd {
				return nil, fmt.Errorf("train: %s: %d objects, want one, whose class is that of the image", im.Name, len(im.Objects))
			}
		}
	}
	c = c.Clone()
	t := &Trainer{config: c, recipe: r, set: set, data: set.SHA256(), epoch: balanced(set.Images, r.Balance)}
	if o != nil {
		t.options = *o
	}
	if t.options.Threads <= 0 {
		t.options.Threads = runtime.GOMAXPROCS(0)
	}
	if t.options.Read == nil {
		t.options.Read = readImage
	}
	t.cache.limit = t.options.CacheBytes
	if t.cache.limit == 0 {
		t.cache.limit = 1 << 30
	}
	height, width := r.Height, r.Width
	switch in := &c.Input; {
	case height == 0 && in.HasSize():
		height, width = in.Height, in.Width
	case height == 0 && in.MinSize == in.MaxSize: // photos fit into a square
		height = (in.MaxSize + in.PadMultiple - 1) / in.PadMultiple * in.PadMultiple
		width = height
	case height == 0:
		return nil, errors.New("train: the recipe has no input size, and the model takes that of the photo")
	case in.HasSize():
		in.Height, in.Width = height, width
	default:
		in.MinSize, in.MaxSize = min(height, width), max(height, width)
	}
	multiple := c.Input.PadMultiple
	if multiple == 0 { // a classifier's pictures are not padded
		multiple = 1 << c.Backbone.MaxLevel
	}
	if height%multiple != 0 || width%multiple != 0 {
		return nil, fmt.Errorf("train: input of %d×%d pixels: want multiples of %d", height, width, multiple)
	}
	if w := r.Augment.Window; w != nil { // the model's input stays as it is
		height, width = w.Side, w.Side
		if w.Side%multiple != 0 {
			return nil, fmt.Errorf("train: recipe: augment.window.side: %d, want a multiple of %d", w.Side, multiple)
		}
	}
	if c.Objects != nil {
		c.Objects.LookCloser = false // that it is worth its time was measured for another model
	}
	if d := objectDiameter(set, &c.Input); d > 0 {
		c.Objects = &config.Objects{Diameter: d}
	}
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	if t.params, err = backprop.NewParams(n.Tensors(), weights); err != nil {
		return nil, err
	}
	if b, ok := weights.(interface{ fresh() []string }); ok {
		t.fresh = b.fresh()
	}
	debug.FreeOSMemory() // what reading the weights left behind, before a batch's memory is taken
	t.freeze()
	t.team = parallel.NewTeam(t.options.Threads)
	s := sizes{r.Batch / max(r.Parts, 1), height, width, r.Regions.Samples, r.Regions.Masks}
	if t.net, err = t.learner(s); err != nil {
		return nil, err
	}
	t.branches = t.depth()
	t.schedule = r.Schedule()
	t.sgd = optim.SGD{Momentum: r.Momentum, RateOutside: r.RateOutside}
	t.state.velocity = map[string][]float32{}
	for _, p := range t.params.List {
		if p.Statistic || p.Frozen {
			continue
		}
		t.state.velocity[p.Name] = make([]float32, len(p.Value))
		if decays(p) {
			t.decayed = append(t.decayed, p)
		}
	}
	if a := r.AdamW; a != nil {
		t.adamw = &optim.AdamW{Beta1: a.Beta1, Beta2: a.Beta2, Epsilon: a.Epsilon}
		t.state.square = t.likeVelocity()
	}
	if r.Average > 0 {
		t.state.average = t.likeVelocity()
	}
	return t, nil
}

// likeVelocity are zeros for each array that is trained.
func (t *Trainer) likeVelocity() map[string][]float32 {
	m := map[string][]float32{}
	for name, v := range t.state.velocity {
		m[name] = make([]float32, len(v))
	}
	return m
}

// learner makes the network of the config's kind.
func (t *Trainer) learner(s sizes) (learner, error) {
	o := backprop.Options{Momentum: t.recipe.Norms.Momentum, FrozenNorms: t.recipe.Norms.Frozen, MemoryLimit: t.options.MemoryLimit, DropBlockLevel: t.recipe.DropBlock.level()}
	switch t.config.Model {
	case config.ModelRetinaNet:
		return newRetinaNet(t.config, t.params, s, t.team, o)
	case config.ModelClassification:
		return newClassification(t.config, t.params, s, t.recipe.Smoothing, t.team, o)
	}
	m, err := newMaskRCNN(t.config, t.params, s, t.team, o)
	if err != nil {
		return nil, err
	}
	m.propose(t.recipe)
	return m, nil
}

// freeze marks what the recipe does not train. What the run made anew is trained in any case;
// of such norms, if statistics are frozen, scale and shift, behind a mean of 0 and a variance of 1.
func (t *Trainer) freeze() {
	for _, p := range t.params.List {
		switch t.recipe.Freeze {
		case FreezeStem:
			p.Frozen = strings.HasPrefix(p.Name, "backbone/stem/")
		case FreezeBackbone:
			p.Frozen = strings.HasPrefix(p.Name, "backbone/") || strings.HasPrefix(p.Name, "fpn/")
		}
		if norm := strings.Contains(p.Name, "/norm"); norm && t.recipe.Norms.Frozen && !t.recipe.Norms.Affine {
			p.Frozen = true
		}
		if slices.Contains(t.fresh, p.Name) {
			p.Frozen = false
		}
	}
}

// StepDone is the number of updates made.
func (t *Trainer) StepDone() int { return t.state.step }

// Recipe is the recipe of the run.
func (t *Trainer) Recipe() *Recipe { return t.recipe }

// SetSteps changes the number of updates of the recipe, and so the schedule of the
// learning rate, from now on. A fifth of the steps at most is for the warm-up.
func (t *Trainer) SetSteps(n int) {
	t.recipe.Steps = n
	t.recipe.Rate.WarmupSteps = min(t.recipe.Rate.WarmupSteps, n/5)
	t.schedule = t.recipe.Schedule()
}

// Bytes is the memory that a batch takes: weights, gradients, and all values.
func (t *Trainer) Bytes() int64 {
	n := int64(0)
	for _, p := range t.net.programs() {
		n += p.Bytes()
	}
	for _, p := range t.params.List {
		n += int64(4*len(p.Value)) + int64(4*len(p.Grad))
	}
	for _, kept := range t.state.arrays() {
		for _, v := range kept {
			n += int64(4 * len(v))
		}
	}
	return n
}

// Step makes one update. It returns the losses of the batch by part, and their sum
// with the decay of weights as "total_loss".
func (t *Trainer) Step(ctx context.Context) (Losses, error) {
	step := t.state.step
	start := time.Now()
	t.params.ClearGrads()
	losses, images, err := t.learn(ctx, step)
	if err != nil {
		return nil, err
	}
	t.times.Images += t.waited
	decay := 0.0
	if t.adamw == nil {
		for _, p := range t.decayed {
			decay += loss.L2(p.Value, t.recipe.WeightDecay, p.Grad)
		}
	}
	losses["regularization_loss"], losses["total_loss"] = decay, losses["model_loss"]+decay
	if err := t.checkFinite(ctx, losses, images); err != nil {
		return nil, err
	}
	for _, p := range t.net.programs() {
		p.Commit()
	}
	updating := time.Now()
	t.update(step)
	t.times.Update += time.Since(updating)
	t.times.Steps += time.Since(start)
	t.state.step++
	return losses, nil
}

// decays says whether an array is a kernel: the others have no decay.
func decays(p *backprop.Param) bool { return strings.HasSuffix(p.Name, "/kernel") }

// update moves the weights.
func (t *Trainer) update(step int) {
	rate := t.schedule(step)
	var trained []*backprop.Param
	for _, p := range t.params.List {
		if t.state.velocity[p.Name] != nil {
			trained = append(trained, p)
		}
	}
	if t.recipe.ClipNorm > 0 {
		var grads [][]float32
		for _, p := range trained {
			grads = append(grads, p.Grad)
		}
		optim.ClipGlobalNorm(grads, t.recipe.ClipNorm)
	}
	average := optim.Average{Decay: t.recipe.Average, Dynamic: true}
	t.team.Do(len(trained), parallel.Func(func(_, i int) {
		p := trained[i]
		if t.adamw == nil {
			t.sgd.Update(p.Value, t.state.velocity[p.Name], p.Grad, rate)
		} else {
			decay := 0.0
			if decays(p) {
				decay = t.recipe.WeightDecay
			}
			t.adamw.Update(p.Value, t.state.velocity[p.Name], t.state.square[p.Name], p.Grad, rate, decay, step+1)
		}
		if t.state.average != nil {
			average.Update(t.state.average[p.Name], p.Value, step+1)
		}
	}))
}

// Progress is told after every step.
type Progress struct {
	Step, Steps int
	Rate        float64 // learning rate of the step
	Losses      Losses
	Took        time.Duration // the step
	Waited      time.Duration // the part of it in which the images were read and changed
	// Deviations is how many standard deviations the loss lies above the mean of the
	// last 128 steps; 0 while there are fewer than 32.
	Deviations float64
}

// Run makes all steps of the recipe that are left. progress, if not nil, is called
// after each; an error that it returns ends the run. When ctx is done the step under
// way is given up, and the weights are those of the last whole one.
func (t *Trainer) Run(ctx context.Context, progress func(Progress) error) error {
	for t.state.step < t.recipe.Steps {
		start, rate := time.Now(), t.schedule(t.state.step)
		losses, err := t.Step(ctx)
		if err != nil {
			return err
		}
		p := Progress{t.state.step, t.recipe.Steps, rate, losses, time.Since(start), t.waited, t.recent.add(losses["total_loss"])}
		if progress != nil {
			if err := progress(p); err != nil {
				return err
			}
		}
	}
	return nil
}
