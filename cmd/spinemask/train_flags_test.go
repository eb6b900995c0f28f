package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// --freeze norms keeps scale and shift, too, of a recipe that trains them.
func TestFreezeNormsKeepsScaleAndShift(t *testing.T) {
	for freeze, affine := range map[string]bool{"": true, "stem": true, "norms": false} {
		f := trainFlags{recipe: "../../models/nuclei/recipes/slice10.json", freeze: freeze, given: func(string) bool { return false }}
		r, err := f.makeRecipe(10)
		require.NoError(t, err)
		require.True(t, r.Norms.Frozen)
		require.Equal(t, affine, r.Norms.Affine, freeze)
	}
}
