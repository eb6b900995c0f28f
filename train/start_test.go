package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
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
	require.Len(t, s.Kept, 742-6)

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
	require.Len(t, s.Kept, 742)
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
