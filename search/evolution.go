package search

import (
	"math/rand/v2"
	"slices"
)

// Evolution is regularised evolution (Real et al., arXiv 1802.01548, algorithm 1): a
// candidate is a mutation of the best of a few that are drawn from those which were
// scored last. Its sizes suit some hundreds of evaluations: a population of 10 and
// tournaments of 3, those of NATS-Bench's comparison (D-X-Y/AutoDL-Projects,
// exps/NATS-algos/regularized_ea.py). Real et al. have 100 and 25 for 20,000.
type Evolution struct {
	Population int // candidates that are alive: those scored last
	Tournament int // of them drawn, with replacement, for a parent

	p     Problem
	alive []scored
}

type scored struct {
	choices []int
	score   float64
}

// NewEvolution makes a regularised evolution.
func NewEvolution(p Problem) *Evolution { return &Evolution{Population: 10, Tournament: 3, p: p} }

// Propose draws uniformly until the population is full, then mutates the winner of a tournament.
func (c *Evolution) Propose(r *rand.Rand) []int {
	if len(c.alive) < c.Population {
		return drawValid(c.p, r)
	}
	best := c.alive[r.IntN(len(c.alive))]
	for range c.Tournament - 1 {
		if s := c.alive[r.IntN(len(c.alive))]; s.score > best.score {
			best = s
		}
	}
	return c.p.Mutate(best.choices, r)
}

// Learn takes a candidate into the population, and the oldest out of it if it is full.
func (c *Evolution) Learn(choices []int, score float64) {
	c.alive = append(c.alive, scored{slices.Clone(choices), score})
	if len(c.alive) > c.Population {
		c.alive = slices.Delete(c.alive, 0, 1)
	}
}
