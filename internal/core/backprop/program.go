// Package backprop runs a graph in training: forward over a batch, and backward
// to the gradients of its weights. It is one more reader of package graph.
//
// A [Program] is compiled once for a batch and a size of input. The caller fills
// the inputs, runs [Program.Forward], fills the gradients of the outputs that a
// loss reads, and runs [Program.Backward], which adds to the gradients of the
// [Params].
//
// Memory is planned as in package engine: every value has a place in one arena
// for as long as somebody reads it. Convolution outputs and sums are kept for
// the way back; norms, activations and upsamplings are computed again from them
// (arXiv 1604.06174 §3), which costs a few per cent of the time and saves more
// than half of the memory.
//
// Results do not depend on the number of threads: work is split over outputs, or
// into parts whose number follows from the sizes alone.
package backprop

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// Options of a program.
type Options struct {
	Kernels *kernels.Set // nil: the best that the machine runs
	// Momentum of the moving statistics of norms: moving = Momentum·moving + (1 − Momentum)·batch.
	Momentum float64
	// Unbiased puts n/(n−1) times the variance of the batch into the moving
	// variance, as TensorFlow's fused kernel does (not its synchronised norm).
	Unbiased bool
	// FrozenNorms normalise with their moving statistics, which stay as they are. So does a norm whose moving mean is a frozen param.
	FrozenNorms bool
	// InputGrads are wanted for these inputs.
	InputGrads []string
	// DropBlockLevel is the level from which on squares of the maps inside bottlenecks can be
	// dropped, see Program.Drop; 0: nowhere.
	DropBlockLevel int
	// MemoryLimit is how many bytes the values of a batch may take; 0: any number.
	MemoryLimit int64
}

// A MemoryError says that a batch takes more memory than it may.
type MemoryError struct{ Need, Limit int64 } // bytes

func (e *MemoryError) Error() string {
	return fmt.Sprintf("a batch takes %d MB of memory, over the limit of %d MB", e.Need>>20, e.Limit>>20)
}

// A Program is a graph made ready to be trained on batches of one size.
type Program struct {
	options Options
	set     *kernels.Set
	team    *parallel.Team
	params  *Params
	values  []*value
	steps   []*step
	inputs  map[string]int
	outputs map[string]int
	arena   []float32
	scratch [][]float32 // of each worker
	rows    rowTask

	times Times

	watch func(layer string, m *Map) // nil: nobody looks
}

// A value is what a step makes, or a caller fills in.
type value struct {
	shape
	name      string
	border    border // of the map
	gradFrame border // of its gradient's map
	step      int    // that makes it; −1: an input
	cheap     bool   // is computed again on the way back
	wantsGrad bool   // something before it is trained

	first, second, gradRoom slot   // places of the value, of the value computed again, and of its gradient
	map_, again, gradMap    Map    // in those places
	gradOn                  *value // whose gradient's place its own takes or would take: nil if it has one itself
	present                 bool   // the second place holds the value
	hasGrad                 bool   // the gradient's place holds a sum already
}

// A step is one operation of the tape.
type step struct {
	name string
	in   []int
	out  int
	op   operation
}

// An operation computes its output, and from the gradient of that those of its
// inputs and weights.
type operation interface {
	forward(p *Program, s *step)
	// again computes the output anew on the way back, if it is cheap.
	again(p *Program, s *step, dst *Map)
	// backward adds to the gradients of the inputs and weights.
	backward(p *Program, s *step)
	// reads says whether backward wants the inputs.
	reads() bool
	// trains says whether the step has weights that are trained.
	trains() bool
}

// New compiles a graph for batches of items inputs of h×w pixels.
func New(g *graph.Graph, params *Params, items, h, w int, team *parallel.Team, o Options) (*Program, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	if o.Kernels == nil {
		o.Kernels = kernels.Best()
	}
	p := &Program{options: o, set: o.Kernels, team: team, params: params, inputs: map[string]int{}, outputs: map[string]int{}}
	shapes, err := g.Shapes(h, w)
	if err != nil {
		return nil, err
	}
	for i, n := range g.Nodes() {
		s := shapes[i]
		p.values = append(p.values, &value{shape: shape{items, s.H, s.W, s.C}, name: n.Name, step: -1})
	}
	for _, out := range g.Outputs() {
		p.outputs[out.Name] = int(out.Value)
	}
	if err := p.compile(g); err != nil {
		return nil, err
	}
	p.findGrads()
	p.frame()
	if err := p.place(); err != nil {
		return nil, err
	}
	return p, nil
}

// compile makes the tape. A norm and the activation that alone reads it become
// one step, and so do a sum and a relu.
func (p *Program) compile(g *graph.Graph) error {
	nodes := g.Nodes()
	readers := make([]int, len(nodes))
	for _, n := range nodes {
		for _, v := range n.In {
			readers[v]++
		}
	}
	for _, v := range p.outputs {
		readers[v]++
	}
	dropped := p.dropBlocks(nodes)
	joined := map[int]bool{}
	// behind finds the activation that alone reads a node.
	behind := func(i int) (graph.Activation, bool) {
		if i+1 == len(nodes) || readers[i] != 1 || len(nodes[i+1].In) != 1 || int(nodes[i+1].In[0]) != i {
			return "", false
		}
		a, ok := nodes[i+1].Op.(graph.Activate)
		return a.Func, ok
	}
	for i, n := range nodes {
		if joined[i] {
			continue
		}
		s := &step{name: n.Name, out: i}
		for _, v := range n.In {
			s.in = append(s.in, int(v))
		}
		if unit, ok := dropped[n.Name]; ok {
			readers = p.drop(s, unit, readers)
		}
		x := func() *value { return p.values[s.in[0]] }
		switch op := n.Op.(type) {
		case graph.Input:
			p.inputs[n.Name] = i
			continue
		case graph.Conv:
			s.op = newConv(p, n.Weights, op, x(), p.values[i])
		case graph.Dense:
			s.op = newDense(p, n.Weights, op, x())
		case graph.Deconv:
			s.op = newDeconv(p, n.Weights, op, x())
		case graph.Norm:
			m := newNorm(p, n.Weights, op, x())
			if a, ok := behind(i); ok {
				m.act = activation(a)
				joined[i+1] = true
				s.out = i + 1
			}
			p.joinConv(s, m, readers)
			s.op = m
		case graph.Activate:
			s.op = &activate{activation(op.Func)}
		case graph.Add:
			o := newAdd(p, s, p.values[i], readers)
			if a, ok := behind(i); ok && a == graph.Relu && len(n.In) > 1 {
				o.relu = true
				joined[i+1] = true
				s.out = i + 1
				o.into(p, p.values[s.out])
			}
			s.op = o
		case graph.MaxPool:
			s.op = newPool(op, x())
		case graph.Upsample:
			s.op = upsample{op.Factor}
		default:
			return fmt.Errorf("backprop: %s: %v cannot be trained", n.Name, n.Op)
		}
		out := p.values[s.out]
		out.step = len(p.steps)
		switch s.op.(type) {
		case *norm, *activate, upsample:
			out.cheap = true
		}
		p.steps = append(p.steps, s)
	}
	for _, v := range p.outputs {
		p.values[v].cheap = false // they stay for whoever reads them
	}
	return nil
}

// findGrads marks the values whose gradient leads to something that is trained.
func (p *Program) findGrads() {
	for _, name := range p.options.InputGrads {
		p.values[p.inputs[name]].wantsGrad = true
	}
	for _, s := range p.steps {
		wants := s.op.trains()
		for _, v := range s.in {
			wants = wants || p.values[v].wantsGrad
		}
		p.values[s.out].wantsGrad = wants
	}
}

// frame finds the borders that windows read.
func (p *Program) frame() {
	for _, s := range p.steps {
		c, ok := s.op.(*conv)
		if !ok {
			continue
		}
		x, y := p.values[s.in[0]], p.values[s.out]
		x.border = x.border.grow(c.reach)
		if x.wantsGrad {
			y.gradFrame = y.gradFrame.grow(c.backReach(x, y))
		}
	}
}

// gradPlace is the value in whose place the gradient is.
func (v *value) gradPlace() *value {
	for v.gradOn != nil {
		v = v.gradOn
	}
	return v
}

// Kernels are those that the program computes with.
func (p *Program) Kernels() *kernels.Set { return p.set }

// Input is the map of an input, which the caller fills before Forward.
func (p *Program) Input(name string) *Map { return &p.values[p.inputs[name]].map_ }

// Output is the map of an output, valid until the next Forward.
func (p *Program) Output(name string) *Map { return &p.values[p.outputs[name]].map_ }

// OutputGrad is the map of the gradient of a loss with respect to an output, set
// to zero: the caller adds to it between Forward and Backward, and asks once a
// batch. Outputs whose gradient is not asked for have none.
func (p *Program) OutputGrad(name string) *Map {
	v := p.values[p.outputs[name]]
	v.hasGrad = true
	clear(v.gradMap.whole)
	return &v.gradMap
}

// InputGrad is the gradient of an input of Options.InputGrads, valid after
// Backward.
func (p *Program) InputGrad(name string) *Map { return &p.values[p.inputs[name]].gradMap }

// Forward computes all values of a batch.
func (p *Program) Forward(ctx context.Context) error {
	for _, v := range p.values {
		v.present, v.hasGrad = false, false
	}
	for _, s := range p.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		s.op.forward(p, s)
		*p.spent(s.op, false) += time.Since(start)
		if m := &p.values[s.out].map_; p.watch != nil && m.Data != nil {
			p.watch(s.name, m)
		}
	}
	return nil
}

// Watch calls a function with the output of every layer on the way forward, which is
// valid during the call; nil ends that.
func (p *Program) Watch(f func(layer string, m *Map)) { p.watch = f }

// Commit makes the moving statistics of norms those after the batch. Until then
// Forward leaves them as they were, so that a batch can be given up.
func (p *Program) Commit() {
	for _, s := range p.steps {
		if o, ok := s.op.(*norm); ok && !o.fixed(p) {
			copy(o.mean.Value, o.moved[0])
			copy(o.variance.Value, o.moved[1])
		}
	}
}

// Backward adds the gradients of the batch to those of the params.
func (p *Program) Backward(ctx context.Context) error {
	for _, s := range slices.Backward(p.steps) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if out := p.values[s.out]; !out.hasGrad || !out.wantsGrad {
			continue
		}
		if s.op.reads() {
			for _, v := range s.in {
				p.ensure(v)
			}
		}
		start, weights := time.Now(), p.times.BackwardWeights
		p.clearBorders(&p.values[s.out].gradMap)
		s.op.backward(p, s)
		*p.spent(s.op, true) += time.Since(start) - (p.times.BackwardWeights - weights)
	}
	return nil
}
