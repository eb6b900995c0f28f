package search

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/config"
)

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

// Canonical are the choices that Encode finds for the table of complete choices: all that make the same table have the same.
func (s *Space) Canonical(choices []int) []int {
	t, err := s.Table(choices)
	if err != nil {
		return choices
	}
	c, err := s.Encode(t)
	if err != nil {
		return choices
	}
	return c
}
