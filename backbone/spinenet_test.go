package backbone

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

func published(t *testing.T, variant string) *config.Config {
	c, err := config.TF1(variant)
	require.NoError(t, err)
	return c
}

// Levels and channels of every block as figure 2 and table 1 of the paper have
// them.
func TestShapesOfSpineNet49(t *testing.T) {
	c := published(t, "49")
	g := graph.New()
	f, err := Build(g, g.Input("image", 3), c)
	require.NoError(t, err)
	shapes, err := g.Shapes(640, 640)
	require.NoError(t, err)
	want := []graph.Shape{
		{H: 160, W: 160, C: 256}, {H: 40, W: 40, C: 256}, {H: 80, W: 80, C: 512}, {H: 40, W: 40, C: 1024}, {H: 10, W: 10, C: 256},
		{H: 40, W: 40, C: 1024}, {H: 20, W: 20, C: 256}, {H: 5, W: 5, C: 256}, {H: 20, W: 20, C: 1024}, {H: 20, W: 20, C: 1024},
		{H: 40, W: 40, C: 1024}, {H: 80, W: 80, C: 512}, {H: 20, W: 20, C: 1024}, {H: 5, W: 5, C: 1024}, {H: 10, W: 10, C: 1024},
	}
	for i, v := range f.Blocks {
		require.Equal(t, want[i], shapes[v], "block %d", i)
	}
	for l := 3; l <= 7; l++ {
		require.Equal(t, graph.Shape{H: 640 >> l, W: 640 >> l, C: 256}, shapes[f.Levels[l]])
	}
}

// Widths truncate, as int(width·scale) does: 0.65·64 = 41.6.
func TestWidthsTruncate(t *testing.T) {
	c := published(t, "49S")
	g := graph.New()
	f, err := Build(g, g.Input("image", 3), c)
	require.NoError(t, err)
	require.Equal(t, 4*41, g.Channels(f.Stem[0]))
	require.Equal(t, 166, g.Channels(f.Blocks[1]))
}

// The ratio of 8 occurs once, from block 3 (level 4) to block 13 (level 7):
// one pool in tensorflow/tpu, two in the Model Garden.
func TestPoolRules(t *testing.T) {
	pools := func(rule config.PoolRule) (list []string) {
		c := published(t, "49")
		c.Backbone.PoolRule = rule
		g := graph.New()
		_, err := Build(g, g.Input("image", 3), c)
		require.NoError(t, err)
		for _, n := range g.Nodes() {
			if _, ok := n.Op.(graph.MaxPool); ok {
				list = append(list, n.Name+" "+n.Op.String())
			}
		}
		return list
	}
	one, chain := pools(config.PoolRuleOne), pools(config.PoolRuleChain)
	require.Contains(t, one, "backbone/block13/resample0/pool maxpool 5x5/4 same")
	require.NotContains(t, one, "backbone/block13/resample0/pool1 maxpool 3x3/2 same")
	require.Contains(t, chain, "backbone/block13/resample0/pool0 maxpool 3x3/2 same")
	require.Contains(t, chain, "backbone/block13/resample0/pool1 maxpool 3x3/2 same")
	require.Len(t, chain, len(one)+1)
}

// A block table is a value: here a chain of four blocks, and tables that make
// no sense.
func TestOtherBlockTables(t *testing.T) {
	c := published(t, "49")
	c.Backbone.MinLevel, c.Backbone.MaxLevel = 3, 4
	table := []config.Block{
		{Level: 3, Kind: config.BlockBottleneck, In: [2]int{0, 1}},
		{Level: 4, Kind: config.BlockResidual, In: [2]int{1, 2}},
		{Level: 3, Kind: config.BlockBottleneck, In: [2]int{2, 3}, Output: true},
		{Level: 4, Kind: config.BlockBottleneck, In: [2]int{2, 3}, Output: true},
	}
	build := func(table []config.Block) error {
		c.Backbone.BlockTable, c.Backbone.Blocks = "", &config.BlockTable{Stem: []int{2, 2}, Blocks: table}
		g := graph.New()
		_, err := Build(g, g.Input("image", 3), c)
		if err == nil {
			_, err = g.Shapes(128, 256)
		}
		return err
	}
	require.NoError(t, build(table))
	require.EqualError(t, build(table[:3]), "backbone: the block table has no output of level 4")
	require.EqualError(t, build([]config.Block{{Level: 3, In: [2]int{0, 2}}}), "backbone: block 0: parent 2 is not an earlier feature")
	require.EqualError(t, build([]config.Block{{Level: 0, In: [2]int{0, 1}}}), "backbone: block 0: level 0")
}

// At a filter scale of 0.25 the stem's convolution makes the first group's 64
// channels, and the original projects nothing.
func TestProjectionOnlyWhereChannelsDiffer(t *testing.T) {
	for scale, want := range map[float64]int{0.25: 0, 0.375: 1, 1: 1} {
		c := published(t, "49")
		c.Backbone.FilterScale = scale
		g := graph.New()
		_, err := Build(g, g.Input("image", 3), c)
		require.NoError(t, err)
		shortcuts := 0
		for _, n := range g.Nodes() {
			if strings.HasSuffix(n.Name, "/shortcut") {
				shortcuts++
			}
		}
		require.Equal(t, want, shortcuts, "scale %v", scale)
	}
}

// At 224 the sides 28, 14, 7, 4 and 2 do not divide: what tensorflow/tpu's resample_with_alpha does then (spinenet.py).
func TestSidesThatDoNotDivide(t *testing.T) {
	c, err := config.TF1Classification("49")
	require.NoError(t, err)
	g := graph.New()
	f, err := Build(g, g.Input("image", 3), c)
	require.NoError(t, err)
	shapes, err := g.Shapes(224, 224)
	require.NoError(t, err)
	for l, side := range map[int]int{3: 28, 4: 14, 5: 7, 6: 4, 7: 2} {
		require.Equal(t, graph.Shape{H: side, W: side, C: 256}, shapes[f.Levels[l]])
	}
	steps := map[string]string{}
	for _, n := range g.Nodes() {
		steps[n.Name] = n.Op.String()
	}
	require.Equal(t, "maxpool 3x3/2 same", steps["backbone/block04/resample0/pool"], "14 to 4: a convolution to 7, a pool to 4")
	require.NotContains(t, steps, "backbone/block04/resample0/nearest")
	require.Equal(t, "maxpool 5x5/3 same", steps["backbone/block13/resample0/pool"], "14 to 2: a convolution to 7, a pool to 3")
	require.Equal(t, "nearest 2x2", steps["backbone/block13/resample0/nearest"])
	require.Equal(t, "nearest 7x7", steps["backbone/block06/resample0/nearest"], "4 to 7")
}
