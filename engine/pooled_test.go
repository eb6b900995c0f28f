package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/reference"
)

var pools = []graph.MaxPool{
	{Size: 3, Stride: 2, Padding: graph.Same}, {Size: 3, Stride: 2, Padding: graph.Fixed}, {Size: 2, Stride: 2, Padding: graph.Valid},
	{Size: 5, Stride: 4, Padding: graph.Same}, {Size: 5, Stride: 2, Padding: graph.Fixed}, {Size: 3, Stride: 1, Padding: graph.Same},
	{Size: 2, Stride: 5, Padding: graph.Valid}, {Size: 1, Stride: 2, Padding: graph.Valid},
}

// A map that is made and pooled in bands gives the bits of one that is pooled as a
// whole, which it is where it is an output, too.
func TestPoolInBands(t *testing.T) {
	for _, op := range pools {
		var want []uint32
		for _, whole := range []bool{true, false} {
			g := graph.New()
			x := g.Conv("a", g.Input("image", 3), graph.Conv{Size: 7, Stride: 2, Padding: graph.Same, Out: 32})
			g.Output("pool", g.MaxPool("pool", x, op))
			if whole {
				g.Output("whole", x)
			}
			require.NoError(t, g.Err())
			p, err := Prepare(g, reference.Random(g.Tensors(), 3), Options{})
			require.NoError(t, err)
			const rows = 2
			pl, err := p.Plan(193, 181, rows)
			require.NoError(t, err)
			require.Equal(t, whole, pl.steps[0].pool == nil, "%v\n%s", op, pl)
			for _, workers := range []int{1, 3} {
				ws := pl.NewWorkspace(parallel.NewTeam(workers), new(Arena))
				for row := range rows {
					fill(ws.Input("image"), row, randomMap(graph.Shape{H: 193, W: 181, C: 3}, uint64(row)))
				}
				require.NoError(t, ws.Run(context.Background(), rows))
				var got []uint32
				out := ws.Output("pool")
				for i := range rows * out.Height * out.Width {
					for _, v := range out.Pixel(i/out.Width/out.Height, i/out.Width%out.Height, i%out.Width) {
						got = append(got, math.Float32bits(v))
					}
				}
				if want == nil {
					want = got
				}
				require.Equal(t, want, got, "%v, %d workers", op, workers)
			}
		}
	}
}

// Bands choose as pools do among zeros with signs, and between a number and NaN.
func TestBandAcross(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	values := []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN())}
	for _, op := range pools {
		for _, width := range []int{5, 6, 7, 400} {
			const c = 20
			row := make([]float32, width*c)
			for i := range row {
				row[i] = values[r.IntN(len(values)-1+i%2)]
			}
			pl := &Plan{layouts: []layout{{shape: graph.Shape{H: 1, W: width, C: c}}, {}}}
			n, _, _ := op.Padding.Window(width, op.Size, op.Stride)
			pl.layouts[1].shape = graph.Shape{H: 1, W: n, C: c}
			b := pl.bandOf(&step{pool: &pooling{op, 0}, out: 1})
			want, got := make([]float32, n*c), make([]float32, n*c)
			in := Map{Data: row, Height: 1, Width: width, Channels: c, RowStride: width * c}
			out := Map{Data: want, Height: 1, Width: n, Channels: c, RowStride: n * c}
			(&pool{kernels.Best(), in, out, op.Size, op.Stride, 0, b.left}).row(0, 0)
			b.across(kernels.Best(), got, row)
			for i := range want {
				require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), fmt.Sprint(op, width, i))
			}
		}
	}
}
