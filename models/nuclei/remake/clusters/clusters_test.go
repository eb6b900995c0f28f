package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// Four heaps of points that lie apart are found whatever their order, and whichever
// feature has the larger values.
func TestHeapsAreFound(t *testing.T) {
	var rows [][]float64
	var heap []int
	for i := range 40 {
		h := i * 7 % 4
		rows = append(rows, []float64{float64(h%2) + 0.01*float64(i%5), 1000*float64(h/2) + float64(i%3)})
		heap = append(heap, h)
	}
	cluster := kMeans(standardised(rows), 4)
	of := map[int]int{}
	for i, h := range heap {
		if c, seen := of[h]; seen {
			require.Equal(t, c, cluster[i])
		}
		of[h] = cluster[i]
	}
	distinct := map[int]bool{}
	for _, c := range of {
		distinct[c] = true
	}
	require.Len(t, distinct, 4)
}

// Two of the committed images: one of fluorescence, dark and grey, and one that is stained.
func TestFeaturesTellKindsApart(t *testing.T) {
	of := func(name string) map[string]float64 {
		photo, err := imageio.Open("../../../../testdata/images/"+name, imageio.Options{})
		require.NoError(t, err)
		m := map[string]float64{}
		for i, v := range features(photo, []float64{50, 314, 5000}) {
			m[names[i]] = v
		}
		return m
	}
	dark, stained := of("12f89395ad5d2149.png"), of("2246874c8b5ba218.png")
	require.Less(t, dark["background"], 0.2)
	require.Zero(t, dark["colour"])
	require.Greater(t, stained["background"], 0.4)
	require.Greater(t, stained["colour"], 0.05)
	require.InDelta(t, 4.32, dark["log2 diameter"], 0.01) // 314 pixels: 20 across
	require.InDelta(t, 2, dark["log2 objects"], 1e-12)
}
