package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/spinemask/spinemask/config"
)

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

// at is the kind of the decision at a place of the sequence and its block; which
// parent of the block it is, 0 or 1.
func (s *Space) at(place int) (kind, block, parent int) {
	if place < s.blocks() {
		return kindLevel, place, 0
	}
	place -= s.blocks()
	for b := range s.blocks() {
		if len(s.Adjust) > 1 && !s.isOutput(b) {
			if place == 0 {
				return kindAdjust, b, 0
			}
			place--
		}
		if len(s.Kinds) > 1 {
			if place == 0 {
				return kindType, b, 0
			}
			place--
		}
		if place < 2 {
			kind = kindNear
			if s.isOutput(b) {
				kind = kindFar
			}
			return kind, b, place
		}
		place -= 2
	}
	return 0, s.blocks(), 0
}

// left are the levels of the blocks that may come next after the levels chosen so
// far, ascending.
func (s *Space) left(choices []int) []int {
	levels, choices := s.Intermediate, choices[:len(choices):len(choices)]
	if len(choices) >= len(levels) {
		levels, choices = s.Output, choices[len(levels):]
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
	kind, b, parent := s.at(len(prefix))
	if b == s.blocks() {
		return 0, nil
	}
	count := func(first, n int) {
		for i := range n {
			tokens = append(tokens, first+i)
		}
	}
	switch kind {
	case kindLevel:
		return kind, s.left(prefix)
	case kindAdjust:
		low, high := s.adjustments(s.left(prefix[:b])[prefix[b]])
		count(low, high-low)
	case kindType:
		count(0, len(s.Kinds))
	default:
		first, n := s.parents(b)
		if kind == kindFar {
			count(first, n)
		} else {
			for i := range n {
				tokens = append(tokens, n-1-i)
			}
		}
		if parent == 1 { // not the same again
			tokens = slices.Delete(tokens, prefix[len(prefix)-1], prefix[len(prefix)-1]+1)
		}
	}
	return kind, tokens
}

// Options is the number of options of the decision after the prefix, 0 if it is complete.
func (s *Space) Options(prefix []int) int {
	_, tokens := s.Tokens(prefix)
	return len(tokens)
}

// genes reads complete choices that are right.
func (s *Space) genes(choices []int) []gene {
	genes := make([]gene, s.blocks())
	for b := range genes {
		genes[b].adjust = max(0, slices.Index(s.Adjust, 0))
	}
	for i, c := range choices {
		kind, b, parent := s.at(i)
		_, tokens := s.Tokens(choices[:i])
		g := &genes[b]
		switch kind {
		case kindLevel:
			g.level = tokens[c]
		case kindAdjust:
			g.adjust = tokens[c]
		case kindType:
			g.kind = tokens[c]
		case kindNear:
			g.in[parent] = len(s.Stem) + b - 1 - tokens[c]
		case kindFar:
			g.in[parent] = tokens[c]
		}
	}
	return genes
}

// choices are those of genes; parents in ascending order.
func (s *Space) choices(genes []gene) []int {
	var choices []int
	for {
		kind, b, parent := s.at(len(choices))
		if b == s.blocks() {
			return choices
		}
		_, tokens := s.Tokens(choices)
		g := genes[b]
		slices.Sort(g.in[:])
		var token int
		switch kind {
		case kindLevel:
			token = g.level
		case kindAdjust:
			token = g.adjust
		case kindType:
			token = g.kind
		case kindNear:
			token = len(s.Stem) + b - 1 - g.in[parent]
		case kindFar:
			token = g.in[parent]
		}
		choices = append(choices, slices.Index(tokens, token))
	}
}

// level is that of a block after adjustment.
func (s *Space) level(g gene) int {
	if len(s.Adjust) == 0 {
		return g.level
	}
	return g.level + s.Adjust[g.adjust]
}

// Table is the block table of complete choices; parents in ascending order.
func (s *Space) Table(choices []int) (*config.BlockTable, error) {
	if err := Check(s, choices); err != nil {
		return nil, err
	}
	t := &config.BlockTable{Stem: slices.Clone(s.Stem)}
	for b, g := range s.genes(choices) {
		slices.Sort(g.in[:])
		t.Blocks = append(t.Blocks, config.Block{Level: s.level(g), Kind: s.Kinds[g.kind], In: g.in, Output: s.isOutput(b)})
	}
	return t, nil
}

// Encode finds choices that make a block table. Of the blocks that could have come
// to a level by adjustment it takes those which make the sum of the adjustments'
// sizes least.
func (s *Space) Encode(t *config.BlockTable) ([]int, error) {
	if !slices.Equal(t.Stem, s.Stem) {
		return nil, fmt.Errorf("search: stem of levels %v, the space has %v", t.Stem, s.Stem)
	}
	if len(t.Blocks) != s.blocks() {
		return nil, fmt.Errorf("search: %d blocks, the space has %d", len(t.Blocks), s.blocks())
	}
	genes := make([]gene, s.blocks())
	for b, blk := range t.Blocks {
		g := &genes[b]
		first, n := s.parents(b)
		for _, in := range blk.In {
			if in < first || in >= first+n {
				return nil, fmt.Errorf("search: block %d: parent %d, the space has %d to %d", b, in, first, first+n-1)
			}
		}
		if blk.In[0] == blk.In[1] {
			return nil, fmt.Errorf("search: block %d: both parents are feature %d", b, blk.In[0])
		}
		if g.kind = slices.Index(s.Kinds, blk.Kind); g.kind < 0 {
			return nil, fmt.Errorf("search: block %d: type %q, the space has %q", b, blk.Kind, s.Kinds)
		}
		if blk.Output != s.isOutput(b) {
			return nil, fmt.Errorf("search: block %d: the space has %d intermediate blocks, then those of outputs", b, len(s.Intermediate))
		}
		g.adjust, g.in = max(0, slices.Index(s.Adjust, 0)), blk.In
	}
	for _, group := range []struct{ from, to int }{{0, len(s.Intermediate)}, {len(s.Intermediate), s.blocks()}} {
		order := make([]int, 0, group.to-group.from)
		for b := group.from; b < group.to; b++ {
			order = append(order, b)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.Blocks[a].Level, t.Blocks[b].Level) })
		levels := slices.Concat(s.Intermediate, s.Output)[group.from:group.to]
		for i, b := range order { // both ascend: the least sum
			g, d := &genes[b], t.Blocks[b].Level-levels[i]
			g.level = levels[i]
			if d == 0 {
				continue
			}
			if g.adjust = slices.Index(s.Adjust, d); g.adjust < 0 || s.isOutput(b) {
				return nil, fmt.Errorf("search: block %d: level %d cannot be had of the levels %v", b, t.Blocks[b].Level, levels)
			}
		}
	}
	return s.choices(genes), nil
}

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
