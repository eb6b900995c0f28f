package dsb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScore(t *testing.T) {
	score, at50 := Score(nil, 0)
	require.Equal(t, []float64{1, 1}, []float64{score, at50})
	score, at50 = Score(nil, 3)
	require.Equal(t, []float64{0, 0}, []float64{score, at50})
	score, at50 = Score([][]float64{{}}, 0)
	require.Equal(t, []float64{0, 0}, []float64{score, at50})

	// One of two objects is found well (a hit up to 0.75), the second detection
	// overlaps the same one: TP 1, FP 1, FN 1 at six thresholds of ten.
	score, at50 = Score([][]float64{{0.78, 0}, {0.6, 0.4}}, 2)
	require.InDelta(t, 6.0/10/3, score, 1e-12)
	require.InDelta(t, 1.0/3, at50, 1e-12)

	// The detection with the higher score chooses first.
	_, at50 = Score([][]float64{{0.6, 0.55}, {0.9, 0}}, 2)
	require.InDelta(t, 1.0/3, at50, 1e-12)

	// As in numpy, 3/5 and 4/5 are below the thresholds 0.6 and 0.8; 0.5 and 0.55
	// are not.
	for iou, hits := range map[float64]float64{0.5: 1, 0.55: 2, 3.0 / 5: 2, 0.61: 3, 4.0 / 5: 6, 0.81: 7} {
		score, _ = Score([][]float64{{iou}}, 1)
		require.InDelta(t, hits/10, score, 1e-12, iou)
	}
}
