package backprop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/parallel"
)

// Three bottlenecks over a batch of 8 on two threads: the best time of each way.
func BenchmarkBottleneck(b *testing.B) {
	for _, s := range []struct{ side, wide, narrow int }{{96, 96, 24}, {48, 192, 48}, {24, 384, 96}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s.side, s.wide, s.narrow), func(b *testing.B) {
			g := graph.New()
			x := g.Input("x", s.wide)
			for i := range 3 {
				one := func(name string, x graph.Value, size, out int) graph.Value {
					return g.Norm(fmt.Sprint(name, "n", i), g.Conv(fmt.Sprint(name, i), x, graph.Conv{Size: size, Stride: 1, Padding: graph.Same, Out: out}), 1e-3)
				}
				relu := func(name string, x graph.Value) graph.Value { return g.Activate(fmt.Sprint(name, i), x, graph.Relu) }
				y := relu("a", one("c0", x, 1, s.narrow))
				y = relu("b", one("c1", y, 3, s.narrow))
				x = relu("c", g.Add(fmt.Sprint("s", i), one("c2", y, 1, s.wide), x))
			}
			g.Output("y", x)
			require.NoError(b, g.Err())
			r := rand.New(rand.NewPCG(1, 2))
			weights := arrays{}
			for _, t := range g.Tensors() {
				n := 1
				for _, d := range t.Shape {
					n *= d
				}
				weights[t.Name] = values(r, n)
			}
			params, err := NewParams(g.Tensors(), weights)
			require.NoError(b, err)
			p, err := New(g, params, 8, s.side, s.side, parallel.NewTeam(2), Options{Momentum: 0.99, InputGrads: []string{"x"}})
			require.NoError(b, err)
			in := p.Input("x")
			for i := range in.whole {
				in.whole[i] = r.Float32() - 0.5
			}
			best := [2]time.Duration{1 << 60, 1 << 60}
			for b.Loop() {
				start := time.Now()
				require.NoError(b, p.Forward(context.Background()))
				forth := time.Since(start)
				grad := p.OutputGrad("y")
				copy(grad.whole, in.whole)
				start = time.Now()
				require.NoError(b, p.Backward(context.Background()))
				best[0], best[1] = min(best[0], forth), min(best[1], time.Since(start))
			}
			b.ReportMetric(1e3*best[0].Seconds(), "ms-forward")
			b.ReportMetric(1e3*best[1].Seconds(), "ms-backward")
		})
	}
}
