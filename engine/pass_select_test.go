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
