package engine

import (
	"slices"

	"github.com/spinemask/spinemask/graph"
)

// A block is memory for one value, or for several that take it over from each
// other in place, from the wave that writes the first to the last that reads any
// of them.
type block struct {
	values      []int
	size        int // floats
	first, last int // waves
	offset      int
}

const (
	always    = 1 << 30 // past every wave
	alignment = 16      // floats: a cache line
)

// place gives every value an offset in one arena such that no two that are live
// at the same time overlap, and returns the arena's size. Larger blocks choose
// first, each the lowest place that is free during its life.
func place(m *module, steps []step, layouts []layout, rows int) int {
	blocks := lifetimes(m, steps, layouts, rows)
	slices.SortStableFunc(blocks, func(a, b *block) int { return b.size - a.size })
	size := 0
	var placed []*block // by offset
	for _, b := range blocks {
		b.offset = 0
		for _, p := range placed {
			if b.first <= p.last && p.first <= b.last && b.offset < p.offset+p.size && p.offset < b.offset+b.size {
				b.offset = p.offset + p.size
			}
		}
		size = max(size, b.offset+b.size)
		at, _ := slices.BinarySearchFunc(placed, b, func(p, b *block) int { return p.offset - b.offset })
		placed = slices.Insert(placed, at, b)
		for _, v := range b.values {
			layouts[v].offset = b.offset
		}
	}
	return size
}

// lifetimes returns the blocks of all values. Inputs live always, so that their
// borders stay zero from run to run; outputs live to the end.
func lifetimes(m *module, steps []step, layouts []layout, rows int) []*block {
	blocks := make([]*block, len(m.values)) // of each value
	var all []*block
	start := func(v, first int) {
		size := (layouts[v].size(rows) + alignment - 1) / alignment * alignment
		blocks[v] = &block{values: []int{v}, size: size, first: first, last: first}
		all = append(all, blocks[v])
	}
	lastReader, readers := make([]int, len(m.values)), make([]int, len(m.values)) // wave, and how many steps of it
	for _, s := range steps {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(s.in))) {
			if lastReader[v] != s.wave {
				lastReader[v], readers[v] = s.wave, 0
			}
			readers[v]++
		}
	}
	for _, in := range m.inputs {
		start(in.value, -1)
		lastReader[in.value] = always
	}
	for _, o := range m.outputs {
		lastReader[o.value] = always
	}
	for i := range steps {
		s := &steps[i]
		if v := inPlace(s, layouts); v >= 0 && lastReader[v] == s.wave && readers[v] == 1 {
			blocks[s.out] = blocks[v]
			blocks[v].values = append(blocks[v].values, s.out)
		} else {
			start(s.out, s.wave)
		}
		blocks[s.out].last = max(blocks[s.out].last, s.wave, lastReader[s.out])
		for _, v := range s.in {
			blocks[v].last = max(blocks[v].last, lastReader[v])
		}
	}
	return all
}

// inPlace returns the input that the step may overwrite with its output, pixel
// by pixel, if nobody reads it afterwards; −1 if there is none.
func inPlace(s *step, layouts []layout) int {
	candidate := -1
	switch s.op.(type) {
	case graph.Activate, graph.Gate:
		candidate = s.in[0]
	case graph.Add:
		if (s.factors == nil || s.factors[0] == 1) && !slices.Contains(s.in[1:], s.in[0]) {
			candidate = s.in[0]
		}
	default:
		if s.residual && s.in[1] != s.in[0] {
			candidate = s.in[1]
		}
	}
	if candidate < 0 || !layouts[candidate].same(&layouts[s.out]) {
		return -1
	}
	return candidate
}
