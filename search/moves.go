package search

import (
	"math/rand/v2"
	"slices"
)

// moves is how often Mutate looks for a change that is valid.
const moves = 1000

// Mutate changes one thing: two blocks change places, one parent is another, one
// level or type is adjusted. Which of these is drawn first.
func (s *Space) Mutate(choices []int, r *rand.Rand) []int {
	for range moves {
		var kinds [4][]func([]gene)
		s.changes(s.genes(choices), func(kind int, change func([]gene)) { kinds[kind] = append(kinds[kind], change) })
		var some [][]func([]gene)
		for _, k := range kinds {
			if len(k) > 0 {
				some = append(some, k)
			}
		}
		if len(some) == 0 {
			break
		}
		of := some[r.IntN(len(some))]
		genes := s.genes(choices)
		of[r.IntN(len(of))](genes)
		if c := s.choices(genes); s.Valid(c) {
			return c
		}
	}
	return slices.Clone(choices)
}

// Neighbours are all tables that differ from that of the choices in two blocks that
// change places, in one parent, in one adjustment or in one type.
func (s *Space) Neighbours(choices []int) [][]int {
	var all [][]int
	s.changes(s.genes(choices), func(_ int, change func([]gene)) {
		genes := s.genes(choices)
		change(genes)
		all = append(all, s.choices(genes))
	})
	return all
}

// changes visits all single changes of a table. Blocks that change places take their
// level, adjustment and type along; the connections stay where they are.
func (s *Space) changes(genes []gene, visit func(kind int, change func([]gene))) {
	for a := range genes {
		for b := a + 1; b < len(genes); b++ {
			if s.isOutput(a) == s.isOutput(b) && (s.level(genes[a]) != s.level(genes[b]) || genes[a].kind != genes[b].kind) {
				visit(0, func(genes []gene) {
					genes[a], genes[b] = genes[b], genes[a]
					genes[a].in, genes[b].in = genes[b].in, genes[a].in
				})
			}
		}
	}
	for b, g := range genes {
		first, n := s.parents(b)
		for parent := range 2 {
			for in := first; in < first+n; in++ {
				if in != g.in[0] && in != g.in[1] {
					visit(1, func(genes []gene) { genes[b].in[parent] = in })
				}
			}
		}
		if len(s.Adjust) > 1 && !s.isOutput(b) {
			low, high := s.adjustments(g.level)
			for a := low; a < high; a++ {
				if a != g.adjust {
					visit(2, func(genes []gene) { genes[b].adjust = a })
				}
			}
		}
		for k := range s.Kinds {
			if k != g.kind {
				visit(3, func(genes []gene) { genes[b].kind = k })
			}
		}
	}
}
