package search

import "math/rand/v2"

// Random draws every choice uniformly and learns nothing.
type Random struct{ p Problem }

// NewRandom makes a random search.
func NewRandom(p Problem) *Random { return &Random{p} }

// Propose draws candidates until one is valid.
func (c *Random) Propose(r *rand.Rand) []int { return drawValid(c.p, r) }

// Learn does nothing.
func (c *Random) Learn([]int, float64) {}

// draw makes every choice uniformly.
func draw(p Problem, r *rand.Rand) []int {
	var choices []int
	for {
		n := p.Options(choices)
		if n == 0 {
			return choices
		}
		choices = append(choices, r.IntN(n))
	}
}

// drawValid draws until choices are valid, nil after so many tries.
func drawValid(p Problem, r *rand.Rand) []int {
	for range tries {
		if choices := draw(p, r); p.Valid(choices) {
			return choices
		}
	}
	return nil
}
