package train

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// Each image is for validation in one fold, and for training in all others.
func TestFoldsPartASet(t *testing.T) {
	set := &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "cell"}}}
	for i := range 7 {
		set.Images = append(set.Images, dataset.Image{Name: string(rune('a' + i))})
	}
	for _, n := range []int{2, 3, 7, 20} {
		folds := Folds(set, n, 5)
		require.Len(t, folds, min(n, 7))
		var all []int
		for _, f := range folds {
			require.Len(t, f.Validation.Images, len(f.Images))
			require.Len(t, f.Train.Images, 7-len(f.Images))
			require.InDelta(t, 7/float64(len(folds)), len(f.Images), 1)
			require.Equal(t, set.Categories, f.Train.Categories)
			for k, i := range f.Images {
				require.Equal(t, set.Images[i].Name, f.Validation.Images[k].Name)
				require.NotContains(t, f.Train.Images, set.Images[i])
			}
			all = append(all, f.Images...)
		}
		slices.Sort(all)
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6}, all)
		require.Equal(t, folds, Folds(set, n, 5))
	}
	require.NotEqual(t, Folds(set, 2, 5), Folds(set, 2, 6))
	set.Images = set.Images[:1]
	require.Empty(t, Folds(set, 2, 5))
}
