package weights

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFactorFindsWhatPeopleWrite truncates the widths of SpineNet as the original does and finds the factor again.
func TestFactorFindsWhatPeopleWrite(t *testing.T) {
	for _, want := range []float64{0.65, 1, 1.3, 0.375, 0.125, 0.1, 0.08, 0.25, 0.5, 0.75, 1.1, 2, 0.6, 0.33} {
		var all []truncation
		for _, base := range []int{64, 128, 256} {
			all = append(all, truncation{base, int(float64(base) * want)})
		}
		got, ok := factor(all)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	_, ok := factor([]truncation{{64, 41}, {256, 170}})
	require.False(t, ok)
}
