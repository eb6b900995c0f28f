// Package search looks for architectures of scale-permuted networks as the
// SpineNet paper does (arXiv 1912.05027, section 3.1 and "NAS details" of 5.1).
//
// A [Problem] is a sequence of decisions; [Space] is the paper's. A [Controller]
// proposes sequences of choices and learns from their scores; [NewController] has
// the paper's, and others to compare it with. Who trains and scores the candidates is
// the caller.
//
// Proposing changes nothing in a controller. Its state follows from the problem,
// the seed and the calls of Learn alone, so the log of the scores restores it, and
// several processes that read the same log have the same controller. A controller
// belongs to one goroutine, also while it proposes.
package search

import (
	"fmt"
	"math/rand/v2"
)

// Problem is what a controller sees: a sequence of decisions. A choice is the
// number of an option, from 0.
type Problem interface {
	// Options is the number of options of the decision after these choices, 0 if they are complete.
	Options(prefix []int) int
	// Valid says whether complete choices may be evaluated.
	Valid(choices []int) bool
	// Mutate makes a random small change (evolution): other choices that are valid, or the same if it finds none.
	Mutate(choices []int, r *rand.Rand) []int
	// Neighbours are all single changes (local search) in a fixed order, whether valid or not.
	Neighbours(choices []int) [][]int
}

// Tokens is implemented by a problem that says what its options mean. A controller
// with a memory then shares what it learns of a token between all decisions of a
// kind. Of other problems the place in the sequence is the kind and the number of
// the option its token.
type Tokens interface {
	// Tokens is the kind of the decision after these choices, and the token of each option. Both are small numbers from 0 on;
	// options may share a token.
	Tokens(prefix []int) (kind int, tokens []int)
}

// Controller chooses what to evaluate next.
type Controller interface {
	// Propose draws the next candidate, which is valid; nil if it found none that is. It changes nothing but r.
	Propose(r *rand.Rand) []int
	// Learn tells the score of a candidate, more being better. The choices are complete, by whomever they were proposed, and the
	// score is finite.
	Learn(choices []int, score float64)
}

// Controllers are the names that [NewController] knows.
func Controllers() []string { return []string{"rnn", "reinforce", "random", "evolution", "local"} }

// NewController makes a controller with its default sizes. What it draws for
// itself, the first weights of an RNN, follows from the seed.
func NewController(name string, p Problem, seed uint64) (Controller, error) {
	switch name {
	case "rnn":
		return NewRNN(p, seed), nil
	case "reinforce":
		return NewREINFORCE(p, seed), nil
	case "random":
		return NewRandom(p), nil
	case "evolution":
		return NewEvolution(p), nil
	case "local":
		return NewLocal(p), nil
	}
	return nil, fmt.Errorf("search: controller %q, want one of %q", name, Controllers())
}

// Check says what is wrong with choices that do not come from p.
func Check(p Problem, choices []int) error {
	for i, c := range choices {
		n := p.Options(choices[:i])
		if n == 0 {
			return fmt.Errorf("search: %d choices, want %d", len(choices), i)
		}
		if c < 0 || c >= n {
			return fmt.Errorf("search: choice %d is %d, want 0 to %d", i, c, n-1)
		}
	}
	if p.Options(choices) > 0 {
		return fmt.Errorf("search: %d choices, want more", len(choices))
	}
	return nil
}

// tries is how many candidates a controller draws until one is valid.
const tries = 10_000
