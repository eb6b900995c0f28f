package tabular

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/spinemask/spinemask/backbone"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/train/loss"
	"github.com/spinemask/spinemask/train/optim"
)

// How each network is trained: every training picture is seen once.
const (
	steps     = 60
	batch     = 8
	heldOut   = 128 // pictures
	rate      = 0.1 // falls to 0 in a cosine
	warmup    = 5   // steps
	momentum  = 0.8
	scale     = 0.125 // filter scale of the blocks
	endpoints = 32
)

// A Trainer trains networks with one seed. All see the same pictures in the same order.
type Trainer struct {
	seed           uint64
	train, heldOut []*picture
}

// NewTrainer draws the pictures. Two seeds have no picture in common, and other first weights.
func NewTrainer(seed uint64) *Trainer {
	t := &Trainer{seed: seed}
	for i := range steps * batch {
		t.train = append(t.train, draw(rand.New(rand.NewPCG(seed, uint64(i)))))
	}
	for i := range heldOut {
		t.heldOut = append(t.heldOut, draw(rand.New(rand.NewPCG(seed, 1<<32+uint64(i)))))
	}
	return t
}

// Score trains a network and looks at held-out pictures: the negative mean over all objects of the cross entropy of their classes. Norms use the statistics of the
// batch there too, so that their moving ones need no longer training.
func (t *Trainer) Score(table *config.BlockTable) (float64, error) {
	r, err := newRun(table, t.seed)
	if err != nil {
		return 0, err
	}
	for step := range steps {
		if err := r.step(t.train[step*batch:][:batch], step); err != nil {
			return 0, err
		}
	}
	sum, objects := 0.0, 0
	for i := 0; i < heldOut; i += batch {
		if err := r.show(t.heldOut[i:][:batch]); err != nil {
			return 0, err
		}
		for size := range Sizes {
			a := r.ask(size)
			sum += float64(a.loss * float64(len(a.at)))
			objects += len(a.at)
		}
	}
	return -sum / float64(objects), nil
}

// run is the training of one network.
type run struct {
	program  *backprop.Program
	params   *backprop.Params
	velocity [][]float32
	schedule optim.Schedule
	shown    []*picture
}

// network is a backbone with a convolution of one pixel on each of its maps, which gives the classes.
func network(table *config.BlockTable) (*graph.Graph, error) {
	c, err := config.TF2RetinaNet("49")
	if err != nil {
		return nil, err
	}
	c.Activation = config.ActivationReLU
	b := &c.Backbone
	b.BlockTable, b.Blocks = "", table
	b.FilterScale, b.Endpoints, b.MinLevel, b.MaxLevel = scale, endpoints, firstLevel, firstLevel+Sizes-1
	g := graph.New()
	f, err := backbone.Build(g, g.Input("image", 3), c)
	if err != nil {
		return nil, err
	}
	for size := range Sizes {
		x := g.Conv(output(size)+"/predict", f.Levels[firstLevel+size], graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: kinds, Bias: true})
		g.Output(output(size), x)
	}
	return g, g.Err()
}

func output(size int) string { return fmt.Sprintf("size%d", size) }

func newRun(table *config.BlockTable, seed uint64) (*run, error) {
	g, err := network(table)
	if err != nil {
		return nil, err
	}
	first := weights{seed, map[string][]int{}}
	for _, t := range g.Tensors() {
		first.shapes[t.Name] = t.Shape
	}
	r := &run{schedule: optim.Warmup(0, warmup, optim.Cosine(rate, steps, 0, 0))}
	if r.params, err = backprop.NewParams(g.Tensors(), first); err != nil {
		return nil, err
	}
	for _, p := range r.params.List {
		r.velocity = append(r.velocity, make([]float32, len(p.Grad)))
	}
	r.program, err = backprop.New(g, r.params, batch, side, side, parallel.NewTeam(1), backprop.Options{Momentum: 0.9})
	return r, err
}

// weights are the first ones of a network: kernels are uniform with the deviation √(2/inputs), which keeps that of maps behind a relu.
type weights struct {
	seed   uint64
	shapes map[string][]int
}

func (w weights) Float32(name string) ([]float32, error) {
	n, out := 1, 1
	for _, d := range w.shapes[name] {
		n, out = n*d, d
	}
	v := make([]float32, n)
	switch name[strings.LastIndex(name, "/")+1:] {
	case "gamma", "variance":
		for i := range v {
			v[i] = 1
		}
	case "kernel":
		h := fnv.New64a()
		h.Write([]byte(name))
		r := rand.New(rand.NewPCG(w.seed, h.Sum64()))
		limit := float32(math.Sqrt(6 * float64(out) / float64(n)))
		for i := range v {
			v[i] = limit * (2*float32(r.Float32()) - 1)
		}
	}
	return v, nil
}

// show runs the network on a batch of pictures.
func (r *run) show(pictures []*picture) error {
	r.shown = pictures
	in := r.program.Input("image")
	for i, p := range pictures {
		for y := range side {
			row := in.Row(i, y)
			for k, v := range p.pixels[3*side*y:][:3*side] {
				row[k] = 4 * (v - 0.5)
			}
		}
	}
	in.ClearBorders()
	return r.program.Forward(context.Background())
}

// answer is what the network says of the objects of one size in the batch.
type answer struct {
	loss float64   // mean cross entropy
	at   [][3]int  // picture, y and x of each object's cell
	grad []float32 // of the loss, kinds for each object
}

func (r *run) ask(size int) answer {
	var a answer
	var logits []float32
	var classes []int
	out := r.program.Output(output(size))
	for i, p := range r.shown {
		for _, o := range p.objects {
			if o.size == size {
				logits = append(logits, out.Pixel(i, o.y, o.x)...)
				classes = append(classes, o.class)
				a.at = append(a.at, [3]int{i, o.y, o.x})
			}
		}
	}
	a.grad = make([]float32, len(logits))
	a.loss = loss.Classification(logits, classes, kinds, 0, a.grad)
	return a
}

// step makes one update by the sum of the losses of all sizes.
func (r *run) step(pictures []*picture, step int) error {
	r.params.ClearGrads()
	if err := r.show(pictures); err != nil {
		return err
	}
	for size := range Sizes {
		a := r.ask(size)
		grad := r.program.OutputGrad(output(size))
		for i, at := range a.at {
			pixel := grad.Pixel(at[0], at[1], at[2])
			for k, g := range a.grad[i*kinds:][:kinds] {
				pixel[k] += g // two objects may have one cell
			}
		}
	}
	if err := r.program.Backward(context.Background()); err != nil {
		return err
	}
	r.program.Commit()
	sgd := optim.SGD{Momentum: momentum}
	for i, p := range r.params.List {
		if p.Grad != nil {
			sgd.Update(p.Value, r.velocity[i], p.Grad, r.schedule(step))
		}
	}
	return nil
}
