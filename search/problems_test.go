package search

import (
	"math/rand/v2"
	"slices"
)

// bandit is a single decision among so many arms. The last is the best.
type bandit int

func (b bandit) Options(prefix []int) int {
	if len(prefix) > 0 {
		return 0
	}
	return int(b)
}
func (b bandit) Valid([]int) bool                   { return true }
func (b bandit) Mutate(_ []int, r *rand.Rand) []int { return draw(b, r) }
func (b bandit) Neighbours([]int) (all [][]int) {
	for i := range int(b) {
		all = append(all, []int{i})
	}
	return all
}

// score is 0 to 1 by the arm, with noise of one step of it.
func (b bandit) score(choices []int, r *rand.Rand) float64 {
	return (float64(choices[0]) + 2*r.Float64() - 1) / float64(b-1)
}

// permutation is an order to be found: each decision is which of the things left
// comes next. The score is the share of places that have the right thing.
type permutation []int

func (p permutation) things(choices []int) (order, left []int) {
	for i := range p {
		left = append(left, i)
	}
	for _, c := range choices {
		order = append(order, left[c])
		left = slices.Delete(left, c, c+1)
	}
	return order, left
}

func (p permutation) Options(prefix []int) int { return len(p) - len(prefix) }

func (p permutation) Tokens(prefix []int) (kind int, tokens []int) {
	_, left := p.things(prefix)
	return 0, left
}

// Valid leaves out the orders that begin with thing 0.
func (p permutation) Valid(choices []int) bool { return choices[0] != 0 }

func (p permutation) Mutate(choices []int, r *rand.Rand) []int {
	for {
		n := p.Neighbours(choices)
		if c := n[r.IntN(len(n))]; p.Valid(c) {
			return c
		}
	}
}

func (p permutation) Neighbours(choices []int) (all [][]int) {
	order, _ := p.things(choices)
	for i := range order {
		for j := range i {
			swapped := slices.Clone(order)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			_, left := p.things(nil)
			var c []int
			for _, thing := range swapped {
				at := slices.Index(left, thing)
				c, left = append(c, at), slices.Delete(left, at, at+1)
			}
			all = append(all, c)
		}
	}
	return all
}

func (p permutation) score(choices []int) (s float64) {
	order, _ := p.things(choices)
	for i := range order {
		if order[i] == p[i] {
			s += 1 / float64(len(p))
		}
	}
	return s
}
