package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// The cases of the fixture: the Garden's schedules and optimizers
// (tf-models-official 2.15.0).
func TestOptimizersAreTheGardens(t *testing.T) {
	folder := testutil.Shared(t, "fixtures", "tf2_training")
	for _, c := range testutil.Cases(t, folder, "train_ops") {
		if c.Op != "learning_rate" && c.Op != "sgd" {
			continue
		}
		t.Run(c.Name+" "+c.Note, func(t *testing.T) {
			if c.Op == "sgd" {
				checkSGD(t, &c)
			} else {
				checkSchedule(t, &c)
			}
		})
	}
}

func checkSchedule(t *testing.T, c *testutil.Case) {
	var a struct {
		Rate struct {
			Name       string
			Boundaries []int
			Values     []float64
			Offset     int
			Initial    float64 `json:"initial_learning_rate"`
			Steps      int     `json:"decay_steps"`
			Alpha      float64
		} `json:"learning_rate"`
		Warmup struct {
			First float64 `json:"warmup_learning_rate"`
			Steps int     `json:"warmup_steps"`
		}
	}
	require.NoError(t, json.Unmarshal(c.Args, &a))
	s := Steps(a.Rate.Boundaries, a.Rate.Values)
	if a.Rate.Name == "CosineDecay" {
		s = Cosine(a.Rate.Initial, a.Rate.Steps, a.Rate.Offset, a.Rate.Alpha)
	}
	s = Warmup(a.Warmup.First, a.Warmup.Steps, s)
	var got []float32
	for _, step := range c.In(t, "steps").Ints() {
		got = append(got, float32(s(step)))
	}
	testutil.RequireClose(t, c.Out(t, "values").Data, got, 1e-6)
}

func checkSGD(t *testing.T, c *testutil.Case) {
	var a struct {
		Momentum float64
		Nesterov bool
		Clip     *float64 `json:"global_clipnorm"`
		EMA      *struct {
			Decay   float64 `json:"average_decay"`
			Dynamic *bool   `json:"dynamic_decay"`
			Start   int     `json:"start_step"`
		}
		Rates []float64 `json:"learning_rates"`
	}
	require.NoError(t, json.Unmarshal(c.Args, &a))
	o := SGD{Momentum: a.Momentum, Nesterov: a.Nesterov}
	names := []string{"w", "v"}
	var weights, velocity, average [2][]float32
	for i, name := range names {
		weights[i] = append([]float32(nil), c.In(t, name).Data...)
		velocity[i], average[i] = make([]float32, len(weights[i])), make([]float32, len(weights[i]))
	}
	for step, rate := range a.Rates {
		var grads [][]float32
		for i, name := range names {
			g := c.In(t, "grad_"+name).Data
			grads = append(grads, append([]float32(nil), g[step*len(weights[i]):][:len(weights[i])]...))
		}
		if a.Clip != nil {
			ClipGlobalNorm(grads, *a.Clip)
		}
		for i, name := range names {
			o.Update(weights[i], velocity[i], grads[i], rate)
			testutil.RequireClose(t, c.Out(t, fmt.Sprintf("%s_%d", name, step+1)).Data, weights[i], 1e-6)
			if a.EMA != nil && name == "w" { // the one that was recorded
				e := Average{Decay: a.EMA.Decay, Dynamic: a.EMA.Dynamic == nil || *a.EMA.Dynamic, Start: a.EMA.Start}
				e.Update(average[i], weights[i], step+1)
				testutil.RequireClose(t, c.Out(t, fmt.Sprintf("average_%s_%d", name, step+1)).Data, average[i], 1e-6)
			}
		}
	}
}

// TensorFlow 1's MomentumOptimizer by its formula, in float64; it differs from
// Keras' while the rate changes.
func TestRateOutsideTheVelocity(t *testing.T) {
	outside, inside := SGD{Momentum: 0.9, RateOutside: true}, SGD{Momentum: 0.9}
	w, v := []float32{1}, []float32{0}
	k, u := []float32{1}, []float32{0}
	wantW, wantV := 1.0, 0.0
	for step, rate := range []float64{0.1, 0.2, 0.3, 0.03} {
		g := float32(step+1) / 8
		outside.Update(w, v, []float32{g}, rate)
		inside.Update(k, u, []float32{g}, rate)
		wantV = 0.9*wantV + float64(g)
		wantW -= rate * wantV
		require.InDelta(t, wantW, w[0], 1e-6)
	}
	require.Greater(t, math.Abs(float64(k[0]-w[0])), 0.01)
}

func TestClippingLeavesSmallGradients(t *testing.T) {
	g := [][]float32{{3, 0}, {0, 4}}
	require.Equal(t, 5.0, ClipGlobalNorm(g, 5))
	require.Equal(t, [][]float32{{3, 0}, {0, 4}}, g)
	require.Equal(t, 5.0, ClipGlobalNorm(g, 1))
	require.InDeltaSlice(t, []float32{0.6, 0}, g[0], 1e-6)
}
