package search

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/config"
)

// Hourglass is R0-SP53's blocks in the order of an hourglass, which the paper's table
// 8 compares with (section 5.5): scales fall, then the outputs rise. There was no copy
// of the table to compare the order with; the blocks of each level agree. The paper's
// connections were searched and are not published; here they follow the rule of
// [FixedOrder], so this is not the paper's network.
func Hourglass() *config.BlockTable {
	return FixedOrder([]int{2, 2}, []int{2, 3, 3, 3, 4, 4, 4, 4, 4, 5}, []int{7, 6, 5, 4, 3})
}

// Fish is R0-SP53's blocks in the order of a fish: scales fall, rise and fall again.
// What is said of [Hourglass] holds.
func Fish() *config.BlockTable {
	return FixedOrder([]int{2, 2}, []int{3, 3, 4, 4, 4, 5, 4, 4, 3, 2}, []int{3, 4, 5, 6, 7})
}

// FixedOrder makes bottlenecks of the given levels in order, the last of them output
// blocks. The parents of each are the feature before it and the last earlier one of
// its own level besides, as the skips of an hourglass join equal scales; without one
// of its level, the feature before the one before.
func FixedOrder(stem, intermediate, output []int) *config.BlockTable {
	t := &config.BlockTable{Stem: slices.Clone(stem)}
	levels := slices.Concat(stem, intermediate, output)
	for i := len(stem); i < len(levels); i++ {
		skip := i - 2
		for j := i - 2; j >= 0; j-- {
			if levels[j] == levels[i] {
				skip = j
				break
			}
		}
		t.Blocks = append(t.Blocks, config.Block{
			Level: levels[i], Kind: config.BlockBottleneck, In: [2]int{skip, i - 1},
			Output: i >= len(stem)+len(intermediate),
		})
	}
	return t
}

// Damage is a way of taking connections away (section 5.5, table 9 of the paper).
type Damage string

const (
	DamageShort      Damage = "short"      // of each block the connection to its parent of higher order is taken away
	DamageLong       Damage = "long"       // that to its parent of lower order
	DamageSequential Damage = "sequential" // both, and each block is connected to the feature before it
)

// Damages are the ways, in the paper's order.
func Damages() []Damage { return []Damage{DamageShort, DamageLong, DamageSequential} }

// Apply makes the damaged table. A table has two parents for each block, so the one
// that is left stands twice: it is resampled twice and added, which keeps the cost
// near what it was. As in every network, a block that is nobody's parent then joins
// the output block of its level and number of channels (section 3.3).
func (d Damage) Apply(t *config.BlockTable) (*config.BlockTable, error) {
	out := &config.BlockTable{Stem: slices.Clone(t.Stem), Blocks: slices.Clone(t.Blocks)}
	for i := range out.Blocks {
		in := out.Blocks[i].In
		var left int
		switch d {
		case DamageShort:
			left = min(in[0], in[1])
		case DamageLong:
			left = max(in[0], in[1])
		case DamageSequential:
			left = len(t.Stem) + i - 1
		default:
			return nil, fmt.Errorf("search: damage %q, want one of %q", d, Damages())
		}
		out.Blocks[i].In = [2]int{left, left}
	}
	return out, nil
}
