package search

import "slices"

// The kinds of decisions of a space, for [Tokens].
const (
	kindLevel  = iota // of the next block; the token is the level before adjustment
	kindAdjust        // the token is the index of Adjust
	kindType          // the token is the index of Kinds
	kindNear          // parent of an intermediate block; the token is how many features it lies back, from 0
	kindFar           // parent of an output block; the token is the feature
)

// gene is what the choices say of a block.
type gene struct {
	level  int    // before adjustment
	adjust int    // index of Adjust
	kind   int    // index of Kinds
	in     [2]int // features
}

// decision is a place of the sequence.
type decision struct{ kind, block, parent int }

// decisions is the sequence: all orders come first, then what else a block has.
func (s *Space) decisions(visit func(decision) bool) {
	for b := range s.blocks() {
		if !visit(decision{kind: kindLevel, block: b}) {
			return
		}
	}
	for b := range s.blocks() {
		near := kindNear
		if s.isOutput(b) {
			near = kindFar
		}
		if len(s.Adjust) > 1 && !s.isOutput(b) && !visit(decision{kind: kindAdjust, block: b}) ||
			len(s.Kinds) > 1 && !visit(decision{kind: kindType, block: b}) ||
			!visit(decision{near, b, 0}) || !visit(decision{near, b, 1}) {
			return
		}
	}
}

// at is the decision at a place; that of no block after the last.
func (s *Space) at(place int) decision {
	found := decision{block: s.blocks()}
	s.decisions(func(d decision) bool {
		if place--; place < 0 {
			found = d
		}
		return place >= 0
	})
	return found
}

// left are the levels of the blocks that may come next after the choices of levels
// so far, ascending.
func (s *Space) left(choices []int) []int {
	levels := s.Intermediate
	if n := len(levels); len(choices) >= n {
		levels, choices = s.Output, choices[n:]
	}
	levels = slices.Clone(levels)
	for _, c := range choices {
		levels = slices.Delete(levels, c, c+1)
	}
	return levels
}

// Tokens is the kind of the decision after the prefix and what each option means:
// a level, an adjustment, a type, how far back a parent lies or which feature it is.
func (s *Space) Tokens(prefix []int) (kind int, tokens []int) {
	d := s.at(len(prefix))
	if d.block == s.blocks() {
		return 0, nil
	}
	if d.kind == kindLevel {
		return d.kind, s.left(prefix)
	}
	var g gene
	if d.kind == kindAdjust {
		g.level = s.left(prefix[:d.block])[prefix[d.block]]
	}
	if d.parent == 1 {
		_, first := s.tokens(decision{d.kind, d.block, 0}, g)
		g.in[0] = s.feature(d, first[prefix[len(prefix)-1]])
	}
	return s.tokens(d, g)
}

// tokens are those of a decision that is not of a level, with what it depends on: an adjustment on the level, the second
// parent on the first.
func (s *Space) tokens(d decision, g gene) (kind int, tokens []int) {
	from, to := 0, len(s.Kinds)
	switch d.kind {
	case kindAdjust:
		from, to = s.adjustments(g.level)
	case kindNear, kindFar:
		from, to = s.parents(d.block)
		to += from
	}
	for i := from; i < to; i++ {
		if d.parent == 0 || i != g.in[0] {
			token := i
			if d.kind == kindNear {
				token = s.feature(d, i)
			}
			tokens = append(tokens, token)
		}
	}
	return d.kind, tokens
}

// feature is the parent that a token means, and the other way round.
func (s *Space) feature(d decision, token int) int {
	if d.kind == kindNear {
		return len(s.Stem) + d.block - 1 - token
	}
	return token
}

// Options is the number of options of the decision after the prefix, 0 if it is complete.
func (s *Space) Options(prefix []int) int {
	_, tokens := s.Tokens(prefix)
	return len(tokens)
}

// part is the field of a gene that a decision sets.
func (g *gene) part(d decision) *int {
	switch d.kind {
	case kindLevel:
		return &g.level
	case kindAdjust:
		return &g.adjust
	case kindType:
		return &g.kind
	}
	return &g.in[d.parent]
}

// walk visits the decisions of genes with their tokens.
func (s *Space) walk(genes []gene, visit func(d decision, g *gene, tokens []int)) {
	left := slices.Clone(s.Intermediate)
	s.decisions(func(d decision) bool {
		g := &genes[d.block]
		if d.kind != kindLevel {
			_, tokens := s.tokens(d, *g)
			visit(d, g, tokens)
			return true
		}
		if d.block == len(s.Intermediate) {
			left = slices.Clone(s.Output)
		}
		visit(d, g, left)
		if i := slices.Index(left, g.level); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		return true
	})
}

// genes reads complete choices that are right.
func (s *Space) genes(choices []int) []gene {
	genes := make([]gene, s.blocks())
	for b := range genes {
		genes[b].adjust = max(0, slices.Index(s.Adjust, 0))
	}
	i := 0
	s.walk(genes, func(d decision, g *gene, tokens []int) {
		*g.part(d) = s.feature(d, tokens[choices[i]])
		i++
	})
	return genes
}

// choices are those of genes; parents in ascending order.
func (s *Space) choices(genes []gene) []int {
	genes = slices.Clone(genes)
	for b := range genes {
		slices.Sort(genes[b].in[:])
	}
	var choices []int
	s.walk(genes, func(d decision, g *gene, tokens []int) {
		choices = append(choices, slices.Index(tokens, s.feature(d, *g.part(d))))
	})
	return choices
}

// level is that of a block after adjustment.
func (s *Space) level(g gene) int {
	if len(s.Adjust) == 0 {
		return g.level
	}
	return g.level + s.Adjust[g.adjust]
}
