package backprop

import (
	"fmt"

	"github.com/spinemask/spinemask/graph"
)

// A Param is a stored array of a network while it is trained.
type Param struct {
	Name      string // as package graph names it: "backbone/stem/conv/kernel"
	Shape     []int
	Statistic bool      // a moving mean or variance: no gradient reaches it
	Frozen    bool      // no gradient is computed
	Value     []float32 // is changed by the optimizer, and of statistics by Commit
	Grad      []float32 // nil for a statistic; what Backward adds to
}

// Params are the arrays of a network, in the order of its graphs. Several
// programs share them, and run one after the other.
type Params struct {
	List   []*Param
	byName map[string]*Param

	rooms rooms
}

// rooms are the scratch memory of all workers together. Programs that share their
// params share it too: they add to the same gradients, so only one runs at a time.
type rooms struct {
	packed, winograd []float32 // weights of the filter that is applied
	common           []float32
}

// Weights gives stored arrays by name, as package engine wants them too.
type Weights interface {
	Float32(name string) ([]float32, error)
}

// NewParams copies the arrays of tensors from weights.
func NewParams(tensors []graph.Tensor, weights Weights) (*Params, error) {
	ps := &Params{byName: map[string]*Param{}}
	for _, t := range tensors {
		if ps.byName[t.Name] != nil {
			continue // shared by graphs
		}
		n := 1
		for _, d := range t.Shape {
			n *= d
		}
		v, err := weights.Float32(t.Name)
		if err != nil {
			return nil, err
		}
		if len(v) != n {
			return nil, fmt.Errorf("backprop: %s: %d values, want %v", t.Name, len(v), t.Shape)
		}
		p := &Param{Name: t.Name, Shape: t.Shape, Statistic: t.Statistic, Value: append([]float32(nil), v...)}
		if !t.Statistic {
			p.Grad = make([]float32, n)
		}
		ps.List = append(ps.List, p)
		ps.byName[t.Name] = p
	}
	return ps, nil
}

// Get returns the array with a name, nil if there is none.
func (ps *Params) Get(name string) *Param { return ps.byName[name] }

// Float32 makes the arrays weights of a program that only runs.
func (ps *Params) Float32(name string) ([]float32, error) {
	p := ps.byName[name]
	if p == nil {
		return nil, fmt.Errorf("backprop: %s: missing", name)
	}
	return p.Value, nil
}

// ClearGrads sets all gradients to zero, before a batch.
func (ps *Params) ClearGrads() {
	for _, p := range ps.List {
		clear(p.Grad)
	}
}

// trained says whether a gradient of the array is wanted.
func (p *Param) trained() bool { return p != nil && !p.Statistic && !p.Frozen }
