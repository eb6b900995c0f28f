package backprop

import (
	"strings"

	"github.com/spinemask/spinemask/internal/core/kernels"
)

// Branches lists the residual branches that stochastic depth may leave out
// (arXiv 1603.09382), by the places of their units: a sum PLACE/add whose first input
// is a norm without an activation.
func (p *Program) Branches() (list []string) {
	for _, s := range p.steps {
		if place, ok := strings.CutSuffix(s.name, "/add"); ok && p.branch(s) != nil {
			list = append(list, place)
		}
	}
	return list
}

// Keep multiplies the branch of a unit by factors, one for each item, in the batches
// that follow: 0 leaves it out. nil is 1 for all.
func (p *Program) Keep(place string, factors []float32) {
	for _, s := range p.steps {
		if s.name == place+"/add" {
			if n := p.branch(s); n != nil {
				n.keep = factors
				return
			}
		}
	}
	panic("backprop: no branch " + place)
}

// branch is the norm at the end of a sum's first input, nil if there is none.
func (p *Program) branch(s *step) *norm {
	if _, ok := s.op.(*add); !ok || p.values[s.in[0]].step < 0 {
		return nil
	}
	n, ok := p.steps[p.values[s.in[0]].step].op.(*norm)
	if !ok || n.act != kernels.None {
		return nil
	}
	return n
}
