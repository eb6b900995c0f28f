// Package tabular is a small world for comparing controllers of package search: a scale-permuted space so small that all its networks were trained, and the
// table of their scores (the idea of NAS-Bench-101, arXiv 1902.09635).
package tabular

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/search"
)

// Sizes is the number of sizes of objects, each of which is asked for on the map of one level.
const Sizes = 3

// firstLevel is that of the map of the smallest objects.
const firstLevel = 2

// Space is the space of the world: after the stem an intermediate block of a level from 2 to 5, then the output blocks of the levels 2, 3 and 4 in any order.
// All are bottlenecks.
func Space() *search.Space {
	s := &search.Space{Stem: []int{2, 2}, Intermediate: []int{3}, Adjust: []int{-1, 0, 1, 2}, Kinds: []config.BlockKind{config.BlockBottleneck}}
	for i := range Sizes {
		s.Output = append(s.Output, firstLevel+i)
	}
	return s
}

// Tables lists all block tables of Space.
func Tables() []*config.BlockTable {
	s := Space()
	var all []*config.BlockTable
	for _, a := range s.Adjust {
		permutations(s.Output, func(outputs []int) {
			levels := append([]int{s.Intermediate[0] + a}, outputs...)
			parents(len(s.Stem), len(levels), func(in [][2]int) {
				t := &config.BlockTable{Stem: s.Stem}
				for b, level := range levels {
					t.Blocks = append(t.Blocks, config.Block{Level: level, Kind: s.Kinds[0], In: in[b], Output: b > 0})
				}
				all = append(all, t)
			})
		})
	}
	return all
}

// permutations visits all orders of a list that ascends, in lexical order.
func permutations(list []int, visit func([]int)) {
	var walk func(done, left []int)
	walk = func(done, left []int) {
		if len(left) == 0 {
			visit(done)
		}
		for i, v := range left {
			walk(append(slices.Clone(done), v), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	walk(nil, list)
}

// parents visits all choices of two parents of each block.
func parents(stem, blocks int, visit func([][2]int)) {
	in := make([][2]int, blocks)
	var walk func(b int)
	walk = func(b int) {
		if b == blocks {
			visit(slices.Clone(in))
			return
		}
		for second := 1; second < stem+b; second++ {
			for first := range second {
				in[b] = [2]int{first, second}
				walk(b + 1)
			}
		}
	}
	walk(0)
}

// Key is the same for tables that are the same network: those which differ in the order of blocks that do not build on each other, or in a block on which no
// output builds. It writes out of what each output is made. Of the tables with one key the first in Tables was trained.
func Key(t *config.BlockTable) string {
	made := make([]string, 0, len(t.Stem)+len(t.Blocks)) // of each feature
	var levels, uses []int
	for i, level := range t.Stem {
		made, levels, uses = append(made, fmt.Sprint(i)), append(levels, level), append(uses, 0)
		if i > 0 {
			uses[i-1]++
		}
	}
	var outputs []string
	for _, b := range t.Blocks {
		from := []string{made[b.In[0]], made[b.In[1]]}
		sort.Strings(from)
		for _, in := range b.In {
			uses[in]++
		}
		var added []string
		if b.Output { // package backbone adds features that nobody has used; in this space those of a level have as many channels
			for i, n := range uses {
				if n == 0 && levels[i] == b.Level {
					added = append(added, made[i])
					uses[i]++
				}
			}
			sort.Strings(added)
		}
		key := fmt.Sprintf("%d(%s)", b.Level, strings.Join(append(from, added...), " "))
		if b.Output {
			key = "P" + key
			outputs = append(outputs, key)
		}
		made, levels, uses = append(made, key), append(levels, b.Level), append(uses, 0)
	}
	sort.Strings(outputs)
	return strings.Join(outputs, " ")
}

// Networks are the tables of Space without those that are the same network as one before.
func Networks() []*config.BlockTable {
	seen := map[string]bool{}
	return slices.DeleteFunc(Tables(), func(t *config.BlockTable) bool {
		key := Key(t)
		again := seen[key]
		seen[key] = true
		return again
	})
}

// name writes a table in one word, its blocks in order: level, parents; those of outputs with a P.
func name(t *config.BlockTable) string {
	var words []string
	for _, b := range t.Blocks {
		word := fmt.Sprintf("%d:%d+%d", b.Level, b.In[0], b.In[1])
		if b.Output {
			word = "P" + word
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}
