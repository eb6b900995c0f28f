package backbone

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

func resNetFPN(t *testing.T, version string, depth int) (*graph.Graph, *Features) {
	c, err := config.Torchvision(version)
	require.NoError(t, err)
	c.Backbone.Depth = depth
	g := graph.New()
	f, err := Build(g, g.Input("image", 3), c)
	require.NoError(t, err)
	return g, f
}

// The parameters that torchvision publishes for its classifiers (num_params in
// models/resnet.py), less those of the last layer, 2048·1000 + 1000.
func TestParametersOfResNets(t *testing.T) {
	for depth, published := range map[int]int64{50: 25_557_032, 101: 44_549_160, 152: 60_192_808} {
		g, _ := resNetFPN(t, "v1", depth)
		counts, err := g.Counts(224, 224, 1)
		require.NoError(t, err)
		stages := g.Stages(counts, 1)
		require.Equal(t, "backbone", stages[0].Name)
		require.Equal(t, published-2_049_000, stages[0].Params, "depth %d", depth)
	}
}

// Sizes for a photo that was padded to 416×608: the top of the pyramid has odd
// sides, and the level above it ⌈n/2⌉.
func TestShapesOfResNetFPN(t *testing.T) {
	g, f := resNetFPN(t, "v2", 50)
	shapes, err := g.Shapes(416, 608)
	require.NoError(t, err)
	for i, v := range f.Blocks {
		require.Equal(t, graph.Shape{H: 104 >> i, W: 152 >> i, C: 256 << i}, shapes[v])
	}
	require.Len(t, f.Levels, 5)
	for l := 2; l <= 5; l++ {
		require.Equal(t, graph.Shape{H: 416 >> l, W: 608 >> l, C: 256}, shapes[f.Levels[l]])
	}
	require.Equal(t, graph.Shape{H: 7, W: 10, C: 256}, shapes[f.Levels[6]])
	_, err = g.Shapes(416, 600)
	require.EqualError(t, err, "graph: fpn/merge3: add: 52×75×256 and 52×76×256")
}

func TestBackbonesThatAreNot(t *testing.T) {
	build := func(change func(*config.Backbone)) error {
		c, err := config.Torchvision("v1")
		require.NoError(t, err)
		change(&c.Backbone)
		g := graph.New()
		_, err = Build(g, g.Input("image", 3), c)
		return err
	}
	require.NoError(t, build(func(*config.Backbone) {}))
	require.EqualError(t, build(func(b *config.Backbone) { b.Depth = 34 }), "backbone: no ResNet of depth 34")
	require.EqualError(t, build(func(b *config.Backbone) { b.MaxLevel = 5 }), "backbone: resnet_fpn with levels 2 to 5, want 2 to 6")
	require.EqualError(t, build(func(b *config.Backbone) { b.Type = "vit" }), `backbone: no type "vit"`)
	require.EqualError(t, build(func(b *config.Backbone) { b.Type = config.BackboneSpineNet }), `backbone: no block table ""`)
}
