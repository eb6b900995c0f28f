package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

// The first layers of a deep network have small tiles. A head, whose first layers
// have few behind them, has none.
func TestEarlyLayersHaveSmallTiles(t *testing.T) {
	for _, tt := range []struct{ layers, small int }{{6, 0}, {20, 0}, {24, 4}, {40, 12}} {
		g := graph.New()
		x := g.Input("image", 16)
		for i := range tt.layers {
			x = g.Activate(fmt.Sprintf("%d/act", i), g.Conv(fmt.Sprint(i), x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 16}), act)
		}
		g.Output("y", x)
		p, err := Prepare(g, reference.Random(g.Tensors(), 1), Options{Height: 40, Width: 40})
		require.NoError(t, err)
		small := 0
		for i, s := range p.module.steps {
			require.Equal(t, winograd, s.algorithm)
			if s.side == earlySide {
				require.Equal(t, small, i, "small tiles come first")
				require.Equal(t, []int{earlySide}, s.packed.winograd.Rows)
				small++
			}
		}
		require.Equal(t, tt.small, small, "of %d layers", tt.layers)
	}
}

// Maps of few tiles are computed by Winograd only with weights that a larger map
// has transformed anyway.
func TestFewTilesWithSharedWeights(t *testing.T) {
	algorithms := func(factors ...int) (list []algorithm) {
		g := graph.New()
		x := g.Input("image", 16)
		for _, f := range factors {
			y := g.MaxPool(fmt.Sprintf("pool%d", f), x, graph.MaxPool{Size: 1, Stride: f, Padding: graph.Valid})
			g.Output(fmt.Sprintf("y%d", f), g.ConvShared(fmt.Sprintf("conv%d", f), "conv", y, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 16}))
		}
		p, err := Prepare(g, reference.Random(g.Tensors(), 1), Options{Height: 40, Width: 40})
		require.NoError(t, err)
		plan, err := p.Plan(40, 40, 1)
		require.NoError(t, err)
		for _, s := range plan.steps {
			if s.linear() {
				list = append(list, s.algorithm)
			}
		}
		return list
	}
	require.ElementsMatch(t, []algorithm{winograd, winograd, direct}, algorithms(1, 2, 4), "64, 16 and 4 tiles")
	require.ElementsMatch(t, []algorithm{direct, direct}, algorithms(2, 4))
}
