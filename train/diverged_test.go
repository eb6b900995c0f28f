package train

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A rate that is far too large ends in an error that names the image and the layer; the
// weights stay those of the last whole step.
func TestDivergenceIsNamed(t *testing.T) {
	r := small(20)
	r.Average, r.Norms.Frozen, r.Rate = 0, true, Rate{Value: 99}
	tr := trainer(t, r, 2)
	err := tr.Run(context.Background(), nil)
	var diverged *DivergedError
	require.True(t, errors.As(err, &diverged), "%v", err)
	require.Equal(t, tr.StepDone()+1, diverged.Step)
	require.NotEmpty(t, diverged.Images)
	require.Regexp(t, "^(backbone|rpn|box|mask)/", diverged.Layer)
	for _, p := range tr.params.List {
		for _, v := range p.Value {
			require.False(t, math.IsNaN(float64(v)), p.Name)
		}
	}
}

func TestUnusualLossesStandOut(t *testing.T) {
	var r recentLosses
	for i := range 200 {
		d := r.add(1 + 0.1*float64(i%2))
		require.Less(t, math.Abs(d), 1.05)
		if i < 32 {
			require.Zero(t, d)
		}
	}
	require.InDelta(t, (2-1.05)/0.05, r.add(2), 1e-9)
}
