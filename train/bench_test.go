package train

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/train/target"
)

// random are weights with the deviation that keeps activations near 1.
type random struct{ tensors map[string]graph.Tensor }

func (w random) Float32(name string) ([]float32, error) {
	t := w.tensors[name]
	n, fan := 1, 1
	for i, d := range t.Shape {
		n *= d
		if i+1 < len(t.Shape) {
			fan *= d
		}
	}
	v := make([]float32, n)
	r := rand.New(rand.NewPCG(uint64(n), 3))
	for i := range v {
		switch {
		case len(t.Shape) > 1:
			v[i] = float32(r.NormFloat64() / math.Sqrt(float64(fan)))
		case name[len(name)-5:] == "gamma" || name[len(name)-8:] == "variance":
			v[i] = 1
		}
	}
	return v, nil
}

func benchmarkStep(b *testing.B, c *config.Config, s sizes) {
	n, err := network.Build(c)
	require.NoError(b, err)
	w := random{map[string]graph.Tensor{}}
	for _, t := range n.Tensors() {
		w.tensors[t.Name] = t
	}
	params, err := backprop.NewParams(n.Tensors(), w)
	require.NoError(b, err)
	m, err := newMaskRCNN(c, params, s, parallel.NewTeam(2), backprop.Options{Momentum: 0.99})
	require.NoError(b, err)
	b.Logf("%d MB trunk, %d MB box, %d MB mask", m.trunk.Bytes()>>20, m.box.Bytes()>>20, m.mask.Bytes()>>20)
	r := rand.New(rand.NewPCG(1, 2))
	in := m.trunk.Input("image")
	of := make([]targets, s.batch)
	for i := range of {
		for y := range in.Height {
			row := in.Row(i, y)
			for k := range row {
				row[k] = float32(r.NormFloat64())
			}
		}
		for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
			n := (s.height >> l) * (s.width >> l) * c.Anchors.PerPlace()
			labels, deltas := make([]int8, n), make([]float32, 4*n)
			labels[0], deltas[0] = 1, 0.5
			of[i].labels, of[i].deltas = append(of[i].labels, labels), append(of[i].deltas, deltas)
		}
		for range s.regions {
			h, w := 16+r.Float32()*300, 16+r.Float32()*300
			y, x := r.Float32()*float32(s.height)/2, r.Float32()*float32(s.width)/2
			of[i].regions = append(of[i].regions, target.Region{Box: box.Box{Y1: y, X1: x, Y2: y + h, X2: x + w}, Class: r.IntN(2)})
		}
		of[i].masked = target.SampleMasks(of[i].regions, s.masks)
		of[i].masks = make([]float32, s.masks*4*c.RoIAlign.MaskSize*c.RoIAlign.MaskSize)
	}
	in.ClearBorders()
	b.ResetTimer()
	for b.Loop() {
		params.ClearGrads()
		require.NoError(b, m.trunk.Forward(context.Background()))
		_, err := m.backward(context.Background(), of, nil)
		require.NoError(b, err)
	}
}

func BenchmarkStep(b *testing.B) {
	c, err := config.TF2("49")
	require.NoError(b, err)
	b.Run("49", func(b *testing.B) { benchmarkStep(b, c, sizes{2, 640, 640, 512, 128}) })
	small, err := config.TF2("49")
	require.NoError(b, err)
	small.Backbone.FilterScale, small.Backbone.Endpoints = 0.375, 64
	small.RPN.Filters, small.BoxHead.Filters, small.MaskHead.Filters, small.BoxHead.FC = 64, 64, 64, []int{256}
	small.Categories = small.Categories[:1]
	b.Run("nuclei", func(b *testing.B) { benchmarkStep(b, small, sizes{8, 384, 384, 64, 16}) })
}
