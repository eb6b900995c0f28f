package train

import (
	"context"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights"
)

func builtIn(t testing.TB) (*weights.File, *config.Config) {
	f, err := weights.Open("../models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	return f, c
}

func TestClassesOfTheSameNameKeepTheirRows(t *testing.T) {
	f, c := builtIn(t)
	set := &dataset.Set{Categories: []dataset.Category{{ID: 3, Name: "debris"}, {ID: 8, Name: "Nucleus"}}}
	s, err := From(c, f, c, set, 1)
	require.NoError(t, err)
	require.Equal(t, []config.Category{{ID: 3, Name: "debris"}, {ID: 8, Name: "Nucleus"}}, s.Config.Categories)
	require.ElementsMatch(t, []string{"box/class/kernel", "box/class/bias", "box/deltas/kernel", "box/deltas/bias", "mask/logits/kernel", "mask/logits/bias"}, s.Classes)
	require.Empty(t, s.New)
	require.Empty(t, s.Left)
	require.Len(t, s.Kept, 786-6)

	old, _ := f.Tensor("box/class/kernel")
	was, err := old.Float32(nil)
	require.NoError(t, err)
	now := s.Weights["box/class/kernel"]
	for i := range len(was) / 2 {
		require.Equal(t, was[2*i], now[3*i], "background")
		require.Equal(t, was[2*i+1], now[3*i+2], "nucleus")
		require.Less(t, math.Abs(float64(now[3*i+1])), 0.06, "debris: N(0, 0.01)")
	}
	old, _ = f.Tensor("box/deltas/bias")
	was, err = old.Float32(nil)
	require.NoError(t, err)
	require.Equal(t, was[4:8], s.Weights["box/deltas/bias"][8:12])
	require.Equal(t, []float32{0, 0, 0, 0}, s.Weights["box/deltas/bias"][4:8])
}

// The same classes: everything is kept, whatever the ids are.
func TestTheSameClassesKeepEverything(t *testing.T) {
	f, c := builtIn(t)
	s, err := From(c, f, c, &dataset.Set{Categories: []dataset.Category{{ID: 77, Name: "nucleus"}}}, 1)
	require.NoError(t, err)
	require.Len(t, s.Kept, 786)
	require.Equal(t, 77, s.Config.Categories[0].ID)
}

// The deviations of initial values, by the Garden's initializers
// (VarianceScaling(1, fan_in) of the backbone and so on).
func TestScratchHasTheGardensDeviations(t *testing.T) {
	c, err := config.TF2("49")
	require.NoError(t, err)
	s, err := Scratch(c, &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "a"}}}, 5)
	require.NoError(t, err)
	require.Empty(t, s.Kept)
	for name, want := range map[string]float64{
		"backbone/stem/conv/kernel": math.Sqrt(1. / (7 * 7 * 3)),
		"rpn/conv0/kernel":          0.01,
		"box/conv1/kernel":          math.Sqrt(2. / (9 * 256)),
		"box/fc0/kernel":            math.Sqrt(1. / 3 / 1024),
		"box/class/kernel":          0.01,
		"box/deltas/kernel":         0.001,
		"mask/deconv/kernel":        math.Sqrt(2. / (4 * 256)),
	} {
		v := s.Weights[name]
		sum, square := 0.0, 0.0
		for _, x := range v {
			sum += float64(x)
			square += float64(x) * float64(x)
		}
		n := float64(len(v))
		require.InEpsilon(t, want, math.Sqrt(square/n), 0.05, name)
		require.InDelta(t, 0, sum/n, 4*want/math.Sqrt(n), name)
	}
	again, err := Scratch(c, &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "a"}}}, 5)
	require.NoError(t, err)
	require.Equal(t, s.Weights, again.Weights)
}

// A model with the background in the last row (Detectron2, mmdetection 2.x and 3.x) is
// trained with the rows in another order, which changes nothing about what it finds.
func TestTheBackgroundBecomesTheFirstRow(t *testing.T) {
	c, err := config.Detectron2("r50")
	require.NoError(t, err)
	c.Input.MinSize, c.Input.MaxSize = 128, 128
	c.Backbone.Stem, c.Backbone.Bottleneck, c.Backbone.Stage, c.Backbone.Endpoints = 8, 4, 8, 8
	c.RPN.Filters, c.BoxHead.FC, c.MaskHead.Filters = 8, []int{16, 16}, 8
	c.Categories = []config.Category{{ID: 1, Name: "cat"}, {ID: 2, Name: "dog"}}
	c.Detections.Max = 20
	first, err := Scratch(c, &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "cat"}, {ID: 2, Name: "dog"}}}, 1)
	require.NoError(t, err)
	n, err := network.Build(c)
	require.NoError(t, err)
	var tensors []weights.Tensor
	for _, x := range n.Tensors() {
		v := first.Weights[x.Name]
		for i := range v {
			switch x.Name {
			case "backbone/stem/conv/kernel":
				v[i] *= 2e-3 // colours are grey levels
			case "box/class/kernel", "box/deltas/kernel":
				v[i] *= 50 // so that classes differ
			}
		}
		tensors = append(tensors, weights.NewTensor(x.Name, x.Shape, v))
	}
	f, err := weights.FromTensors("test", tensors, nil)
	require.NoError(t, err)

	same, err := From(c, f, c, &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "cat"}, {ID: 2, Name: "dog"}}}, 1)
	require.NoError(t, err)
	require.Equal(t, config.BackgroundFirst, same.Config.Background)
	require.Empty(t, same.Classes)
	require.Empty(t, same.New)
	img := image.NewRGBA(image.Rect(0, 0, 128, 96))
	for i := range img.Pix {
		img.Pix[i] = byte(i * i >> 5)
	}
	found := func(c *config.Config, w spinemask.Weights) []spinemask.Instance {
		m, err := spinemask.New(c, w, nil)
		require.NoError(t, err)
		defer m.Close()
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		return r.Instances
	}
	want, got := found(c, &Start{Weights: first.Weights}), found(same.Config, same)
	require.Greater(t, len(want), 2)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].Category, got[i].Category)
		require.InDelta(t, want[i].Score, got[i].Score, 1e-6)
		require.InDelta(t, want[i].Box.X1, got[i].Box.X1, 1e-3)
		require.Equal(t, want[i].Mask.Area(), got[i].Mask.Area())
	}
}

// A backbone alone, with the names of the ImageNet weights of Detectron2, begins a detector.
func TestABackboneAloneBeginsADetector(t *testing.T) {
	whole, err := weights.OpenRaw("../weights/testdata/caffe2_tiny.pkl")
	require.NoError(t, err)
	defer whole.Close()
	var list []weights.Tensor
	for _, name := range whole.Names() {
		if strings.HasPrefix(name, "blobs/res") || name == "blobs/conv1_w" {
			v, _ := whole.Tensor(name)
			list = append(list, v)
		}
	}
	f, err := weights.FromTensors("R-50.pkl", list, nil)
	require.NoError(t, err)
	c, _, err := f.Config(weights.Options{BackboneOnly: true})
	require.NoError(t, err)
	c.Backbone.Endpoints, c.RPN.Filters, c.BoxHead.FC, c.MaskHead.Filters = 4, 4, []int{4, 4}, 4 // narrow heads, to be quick
	s, err := From(c, f, c, &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "debris"}}}, 1)
	require.NoError(t, err)
	require.Len(t, s.Kept, 53*5)
	require.Empty(t, s.Left)
	require.Contains(t, s.New, "fpn/lateral2/kernel")
	require.Contains(t, s.New, "mask/logits/kernel")
}
