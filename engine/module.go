package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// A value is what a step makes or a caller fills in.
type value struct {
	name     string // of the graph node that makes it
	channels int
	usual    graph.Shape // at the size of Options; zero if there is none
}

// A step is one operation on the tape. Convolutions, deconvolutions and dense
// layers ("linear" steps) compute
//
//	out = act((conv(in[0])·scale + shift) + in[1])
//
// with the parts that passes have put there, depthwise ones all but in[1]; all
// others ignore scale and shift.
type step struct {
	name    string
	op      graph.Op
	in      []int
	out     int
	weights string // place of the weights

	scale, shift []float64        // per output channel; nil: 1, 0
	residual     bool             // in[1] is added
	act          graph.Activation // "" for none
	factors      []int            // of an Add: input i is read as if upsampled by factors[i]

	algorithm algorithm
	side      int // most outputs of a side of Winograd's tiles
	packed    *packed
	each      *eachChannel // of a depthwise convolution
	pool      *pooling     // of what the convolution makes, which nobody else reads
	summed    bool         // a mean reads it: it leaves the sums of its rows behind
	sums      int          // where in a plan's arena
	wave      int          // in which a plan runs it
}

// A module is the compiler's own copy of a graph: a tape of steps in an order
// in which every value is made before it is read. Passes change it in place.
type module struct {
	values  []value
	steps   []step
	inputs  []input // values that the caller fills in
	outputs []output
	weights Weights
	kernels *kernels.Set

	transforms transforms

	winograd bool   // may be selected
	split    bool   // is selected
	threads  int    // that pack
	pick     string // output of which one channel a row is wanted
}

type input struct {
	graph.Input
	value int
}

type output struct {
	name  string
	value int
}

func newModule(g *graph.Graph, w Weights, o Options) (*module, error) {
	m := &module{weights: w, kernels: o.Kernels, winograd: !o.NoWinograd && o.Height > 0, pick: o.Pick, threads: o.Threads}
	if m.kernels == nil {
		m.kernels = kernels.Best()
	}
	m.split = o.Fast && !o.NoWinograd && m.kernels.HasSplit()
	usual := make([]graph.Shape, len(g.Nodes()))
	if o.Height > 0 {
		var err error
		if usual, err = g.Shapes(o.Height, o.Width); err != nil {
			return nil, err
		}
	}
	for i, n := range g.Nodes() {
		m.values = append(m.values, value{n.Name, g.Channels(graph.Value(i)), usual[i]})
		if op, ok := n.Op.(graph.Input); ok {
			m.inputs = append(m.inputs, input{op, i})
			continue
		}
		s := step{name: n.Name, op: n.Op, out: i, weights: n.Weights}
		for _, v := range n.In {
			s.in = append(s.in, int(v))
		}
		m.steps = append(m.steps, s)
	}
	for _, o := range g.Outputs() {
		m.outputs = append(m.outputs, output{o.Name, int(o.Value)})
	}
	return m, nil
}

// linear says whether the step multiplies by a kernel.
func (s *step) linear() bool {
	switch s.op.(type) {
	case graph.Conv, graph.Deconv, graph.Dense:
		return true
	}
	return false
}

// depthwise says whether the step convolves each channel on its own. It computes
//
//	out = act(conv(in[0])·scale + shift)
func (s *step) depthwise() bool {
	_, ok := s.op.(graph.Depthwise)
	return ok
}

// maker returns the index of the step that makes v, −1 for an input.
func (m *module) maker(v int) int {
	return slices.IndexFunc(m.steps, func(s step) bool { return s.out == v })
}

// uses counts the steps and outputs that read v; a step that reads it twice
// counts twice.
func (m *module) uses(v int) int {
	n := 0
	for _, s := range m.steps {
		for _, in := range s.in {
			if in == v {
				n++
			}
		}
	}
	for _, o := range m.outputs {
		if o.value == v {
			n++
		}
	}
	return n
}

// isOutput says whether v is the output with the name.
func (m *module) isOutput(v int, name string) bool {
	return slices.Contains(m.outputs, output{name, v})
}

// onlyMaker returns the step that makes v if v has no reader but the asking
// one, else −1.
func (m *module) onlyMaker(v int) int {
	if m.uses(v) != 1 {
		return -1
	}
	return m.maker(v)
}

// remove deletes step i.
func (m *module) remove(i int) { m.steps = slices.Delete(m.steps, i, i+1) }

// move puts step from at place to; the steps between move up or down by one.
func (m *module) move(from, to int) {
	s := m.steps[from]
	m.remove(from)
	m.steps = slices.Insert(m.steps, to, s)
}

// String prints a step per line, short and stable:
//
//	%4 a/conv = conv 1x1 same 8 (%2, %3) +scale +shift +residual +relu
//
// Passes are tested on this text.
func (m *module) String() string {
	var b strings.Builder
	for i := range m.steps {
		fmt.Fprintln(&b, m.steps[i].String())
	}
	for _, o := range m.outputs {
		fmt.Fprintf(&b, "output %s = %%%d\n", o.name, o.value)
	}
	return b.String()
}

func (s *step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%%%d %s = %v (", s.out, s.name, s.op)
	for i, v := range s.in {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%%%d", v)
		if s.factors != nil && s.factors[i] > 1 {
			fmt.Fprintf(&b, " up %d", s.factors[i])
		}
	}
	b.WriteString(")")
	b.WriteString(s.epilogue())
	if s.algorithm != "" {
		fmt.Fprintf(&b, " by %s", s.algorithm)
	}
	return b.String()
}

// epilogue prints what is fused into the step.
func (s *step) epilogue() string {
	var b strings.Builder
	if s.scale != nil {
		b.WriteString(" +scale")
	}
	if s.shift != nil {
		b.WriteString(" +shift")
	}
	if s.residual {
		b.WriteString(" +residual")
	}
	if s.act != "" {
		b.WriteString(" +" + string(s.act))
	}
	if s.pool != nil {
		b.WriteString(" +" + s.pool.op.String())
	}
	return b.String()
}
