package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/weights"
)

// small is a recipe of a few cheap steps.
func small(steps int) *Recipe {
	return &Recipe{
		Name: "test", Seed: 7, Batch: 2, Steps: steps, Height: 128, Width: 128,
		Rate: Rate{Value: 0.01, WarmupSteps: 2}, Momentum: 0.9, WeightDecay: 4e-5, Average: 0.9,
		Norms: Norms{Momentum: 0.9}, Anchors: AnchorSampling{64, 0.5},
		Regions: RegionSampling{PreNMS: 200, PostNMS: 100, Samples: 16, Fraction: 0.25, Masks: 4, MaskCrop: 28},
		Augment: Augment{Flip: 0.5, Turns: true, Scale: [2]float64{0.8, 1.25}, Color: &Color{Brightness: 0.1, Contrast: 0.2, Gamma: 0.2, Invert: 0.5, Noise: 0.02, Blur: 1}},
	}
}

// windowed is small with windows and all changes of colours.
func windowed(steps int) *Recipe {
	r := small(steps)
	r.Augment.Window = &Window{Side: 128, Diameter: [2]float64{20, 40}, Enlarge: 4}
	c := r.Augment.Color
	c.Exposure, c.Grey, c.Tint, c.Stain, c.Shade = 0.2, 0.5, 0.5, 0.2, 0.2
	return r
}

func trainer(t testing.TB, r *Recipe, threads int) *Trainer {
	f, err := weights.Open("../models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	tr, err := New(c, fileArrays{f}, nuclei(t, 5), r, &Options{Threads: threads})
	require.NoError(t, err)
	return tr
}

func model(t testing.TB, tr *Trainer) []byte {
	var b bytes.Buffer
	require.NoError(t, tr.WriteModel(&b, weights.Provenance{Source: "test"}))
	return b.Bytes()
}

// A run that is stopped after any step, in the middle of one too, and gone on with
// in another process ends with the bytes of an undisturbed one; and so it does with any
// number of threads and instruction set.
func TestResumedRunsEndWithTheSameBytes(t *testing.T) {
	const steps = 5
	whole := trainer(t, windowed(steps), 2)
	require.NoError(t, whole.Run(context.Background(), nil))
	want := model(t, whole)

	stop := errors.New("stop")
	state := filepath.Join(t.TempDir(), "state")
	for _, at := range []int{1, 3} {
		first := trainer(t, windowed(steps), 1)
		require.ErrorIs(t, first.Run(context.Background(), func(p Progress) error {
			if p.Step == at {
				return stop
			}
			return nil
		}), stop)
		given, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := first.Step(given) // given up in the middle: nothing has changed
		require.ErrorIs(t, err, context.Canceled)
		file, err := os.Create(state)
		require.NoError(t, err)
		require.NoError(t, first.WriteState(file, map[string]int{"best": at}))
		require.NoError(t, file.Close())

		second, extra, err := Resume(state, nuclei(t, 5), &Options{Threads: 4})
		require.NoError(t, err)
		require.JSONEq(t, `{"best":`+string(rune('0'+at))+`}`, string(extra))
		require.Equal(t, at, second.StepDone())
		require.NoError(t, second.Run(context.Background(), nil))
		require.True(t, bytes.Equal(want, model(t, second)), "stopped after step %d", at)
	}
	for _, set := range kernels.Sets()[1:] { // plain Go rounds every product
		t.Setenv(kernels.EnvCPU, set.Name)
		tr := trainer(t, windowed(steps), 2)
		require.NoError(t, tr.Run(context.Background(), nil))
		require.True(t, bytes.Equal(want, model(t, tr)), set.Name)
	}
}

func TestStateOfOtherDataIsRefused(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(state)
	require.NoError(t, err)
	require.NoError(t, trainer(t, small(3), 2).WriteState(file, nil))
	require.NoError(t, file.Close())
	_, _, err = Resume(state, nuclei(t, 4), nil)
	require.ErrorContains(t, err, "begun with other data")
	_, _, err = Resume("../models/nuclei/nuclei.safetensors", nuclei(t, 4), nil)
	require.ErrorContains(t, err, "not the state of a training run")
}

// With AdamW, what is kept beside the weights is the mean of gradients and that of their squares.
func TestResumedRunsOfAdamW(t *testing.T) {
	recipe := func() *Recipe {
		r := small(4)
		r.Momentum, r.AdamW, r.WeightDecay, r.Rate.Value = 0, &AdamW{0.9, 0.999, 1e-8}, 0.05, 1e-3
		r.Norms = Norms{Frozen: true, Affine: true}
		return r
	}
	whole := trainer(t, recipe(), 2)
	require.NoError(t, whole.Run(context.Background(), nil))
	first := trainer(t, recipe(), 1)
	for range 2 {
		losses, err := first.Step(context.Background())
		require.NoError(t, err)
		require.Zero(t, losses["regularization_loss"], "the decay is not in the loss")
	}
	state := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(state)
	require.NoError(t, err)
	require.NoError(t, first.WriteState(file, nil))
	require.NoError(t, file.Close())
	second, _, err := Resume(state, nuclei(t, 5), nil)
	require.NoError(t, err)
	require.NoError(t, second.Run(context.Background(), nil))
	require.True(t, bytes.Equal(model(t, whole), model(t, second)))
}
