package search

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
)

func parentsOf(t *config.BlockTable) (in [][2]int) {
	for _, b := range t.Blocks {
		in = append(in, b.In)
	}
	return in
}

func levelsOf(t *config.BlockTable) (levels []int) {
	for _, b := range t.Blocks {
		levels = append(levels, b.Level)
	}
	return levels
}

// The blocks of table 8 of the paper; the connections follow from the rule, worked out by hand.
func TestFixedOrders(t *testing.T) {
	h := Hourglass()
	require.Equal(t, []int{2, 3, 3, 3, 4, 4, 4, 4, 4, 5, 7, 6, 5, 4, 3}, levelsOf(h))
	require.Equal(t, [][2]int{
		{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}, // down
		{10, 11}, {11, 12}, {11, 13}, {10, 14}, {5, 15}, // up, joined with the last of the same level on the way down
	}, parentsOf(h))
	f := Fish()
	require.Equal(t, []int{3, 3, 4, 4, 4, 5, 4, 4, 3, 2, 3, 4, 5, 6, 7}, levelsOf(f))
	require.Equal(t, [][2]int{
		{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, // tail
		{6, 7}, {6, 8}, {3, 9}, {1, 10}, // body
		{10, 11}, {9, 12}, {7, 13}, {13, 14}, {14, 15}, // head
	}, parentsOf(f))

	// Both have the blocks of R0-SP53, and so nearly its cost.
	c, err := config.TF2RetinaNet("49")
	require.NoError(t, err)
	b := &Band{Config: c, Side: 640}
	want, err := b.MACs((&config.Backbone{BlockTable: "r0_sp53"}).Table())
	require.NoError(t, err)
	for _, table := range []*config.BlockTable{h, f} {
		macs, err := b.MACs(table)
		require.NoError(t, err)
		require.InEpsilon(t, want, macs, 0.05)
	}
}

func TestDamage(t *testing.T) {
	r0 := (&config.Backbone{BlockTable: "r0_sp53"}).Table()
	twice := func(in ...int) (all [][2]int) {
		for _, i := range in {
			all = append(all, [2]int{i, i})
		}
		return all
	}
	for d, want := range map[Damage][][2]int{
		DamageShort:      twice(0, 0, 2, 2, 3, 5, 4, 4, 8, 8, 4, 6, 8, 6, 7),
		DamageLong:       twice(1, 1, 3, 4, 5, 6, 7, 8, 9, 10, 10, 7, 13, 9, 9),
		DamageSequential: twice(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
	} {
		damaged, err := d.Apply(r0)
		require.NoError(t, err)
		require.Equal(t, want, parentsOf(damaged), d)
		require.Equal(t, levelsOf(r0), levelsOf(damaged))
		c, err := config.TF2RetinaNet("49")
		require.NoError(t, err)
		c, err = (&Band{Config: c}).With(damaged)
		require.NoError(t, err)
		_, err = network.Build(c)
		require.NoError(t, err)
	}
	require.Equal(t, [2]int{4, 10}, r0.Blocks[10].In, "the table itself stays")
	_, err := Damage("all").Apply(r0)
	require.EqualError(t, err, `search: damage "all", want one of ["short" "long" "sequential"]`)
}
