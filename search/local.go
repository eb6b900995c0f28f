package search

import (
	"math/rand/v2"
	"slices"
)

// Local is local search (White et al., arXiv 2005.02960): it begins at the best of
// some random candidates, tries neighbours of the best so far in random order, goes
// on from the first that is better, and begins anew where none is and all were
// scored. That is the form of their code for more than a few queries (naszilla, local_search:
// num_init 10, query_full_nbhd False); the paper's first form looks at all
// neighbours before each step.
type Local struct {
	Start int // random candidates of which the best is begun with

	p     Problem
	begun int             // candidates scored since the last begin, at most Start
	best  scored          // since then
	tried map[string]bool // all that were ever scored
}

// Canonical is implemented by a problem in which different choices may be the same
// thing; those that are have the same canonical choices.
type Canonical interface {
	Canonical(choices []int) []int
}

// NewLocal makes a local search.
func NewLocal(p Problem) *Local { return &Local{Start: 10, p: p, tried: map[string]bool{}} }

// Propose draws a neighbour of the best that was not scored yet, or at a begin a random candidate.
func (c *Local) Propose(r *rand.Rand) []int {
	if c.begun < c.Start {
		var choices []int
		for range 100 { // one that was not scored yet, if that is easily found
			if choices = drawValid(c.p, r); choices == nil || !c.tried[c.key(choices)] {
				break
			}
		}
		return choices
	}
	neighbours := c.p.Neighbours(c.best.choices)
	r.Shuffle(len(neighbours), func(i, j int) { neighbours[i], neighbours[j] = neighbours[j], neighbours[i] })
	for _, n := range neighbours {
		if !c.tried[c.key(n)] && c.p.Valid(n) {
			return n
		}
	}
	return nil // cannot be: Learn has begun anew
}

// Learn moves to a candidate that is better, and begins anew if no neighbour of the best is left to try.
func (c *Local) Learn(choices []int, score float64) {
	c.tried[c.key(choices)] = true
	if c.best.choices == nil || score > c.best.score {
		c.best = scored{slices.Clone(choices), score}
	}
	if c.begun < c.Start {
		c.begun++
	}
	if c.begun == c.Start && !c.open() {
		c.begun, c.best = 0, scored{}
	}
}

// open says whether a neighbour of the best is left to try.
func (c *Local) open() bool {
	return slices.ContainsFunc(c.p.Neighbours(c.best.choices), func(n []int) bool { return !c.tried[c.key(n)] && c.p.Valid(n) })
}

// key is the same for choices that are the same thing.
func (c *Local) key(choices []int) string {
	if p, ok := c.p.(Canonical); ok {
		choices = p.Canonical(choices)
	}
	key := make([]byte, 0, 2*len(choices))
	for _, v := range choices {
		key = append(key, byte(v), byte(v>>8))
	}
	return string(key)
}
