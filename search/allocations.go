package search

import (
	"maps"
	"slices"

	"github.com/spinemask/spinemask/config"
)

// window is how many features back the paper's intermediate blocks look for parents (section 5.1).
const window = 5

// allocations are the blocks of each level in the paper's table 1: those of the
// stem, levels 2 to 5, and those of the scale-permuted network, levels 2 to 7.
var allocations = map[string]struct {
	stem     [4]int
	permuted [6]int
}{
	"r35_sp18": {[4]int{2, 3, 5, 1}, [6]int{1, 1, 1, 1, 1, 1}},
	"r23_sp30": {[4]int{2, 2, 2, 1}, [6]int{1, 2, 4, 1, 1, 1}},
	"r14_sp39": {[4]int{1, 1, 1, 1}, [6]int{2, 3, 5, 1, 1, 1}},
	"r0_sp53":  {[4]int{2, 0, 0, 0}, [6]int{1, 4, 6, 2, 1, 1}},
}

// Spaces are the names that [NamedSpace] knows.
func Spaces() []string {
	return append(slices.Sorted(maps.Keys(allocations)), "spinenet49")
}

// NamedSpace is the space of one of the paper's searches, nil if it has none of the
// name. Those of the R[N]-SP[M] are made of bottlenecks that keep their levels
// (section 3.3).
func NamedSpace(name string) *Space {
	if name == "spinenet49" {
		return SpineNet49()
	}
	a, ok := allocations[name]
	if !ok {
		return nil
	}
	s := &Space{Output: []int{3, 4, 5, 6, 7}, Kinds: []config.BlockKind{config.BlockBottleneck}, Window: window}
	for i, n := range a.stem {
		s.Stem = append(s.Stem, slices.Repeat([]int{i + 2}, n)...)
	}
	for i, n := range a.permuted {
		if slices.Contains(s.Output, i+2) {
			n--
		}
		s.Intermediate = append(s.Intermediate, slices.Repeat([]int{i + 2}, n)...)
	}
	return s
}

// SpineNet49 is the space of SpineNet-49: that of R0-SP53 with adjusted levels and
// two types of blocks (section 3.4). The allocation that table 1 of the paper gives
// for SpineNet-49, {1, 2, 4, 4, 2, 2}, is what its adjustments made of R0-SP53's.
func SpineNet49() *Space {
	s := NamedSpace("r0_sp53")
	s.Adjust = []int{-1, 0, 1, 2}
	s.Kinds = []config.BlockKind{config.BlockBottleneck, config.BlockResidual}
	return s
}
