package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every listed change makes a valid recipe that differs from the one it changes, but for the run that changes nothing.
func TestChangesOfEveryRecipe(t *testing.T) {
	recipes, err := filepath.Glob("../../recipes/slice*.json")
	require.NoError(t, err)
	require.NotEmpty(t, recipes)
	for _, recipe := range recipes {
		to := t.TempDir()
		require.NoError(t, write(recipe, "../../changes.json", 375, to))
		same, err := os.ReadFile(filepath.Join(to, "as-it-is.json"))
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join(to, "*.json"))
		require.NoError(t, err)
		require.Len(t, files, 9)
		differ := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(text), `"steps": 375`)
			if withoutName(text) != withoutName(same) {
				differ++
			}
		}
		require.GreaterOrEqual(t, differ, 6, recipe) // what a change makes may be so already
	}
}

func withoutName(recipe []byte) string {
	s := string(recipe)
	for i := range s {
		if i > 2 && s[i] == '\n' {
			return s[i:] // the name is the first field, on the second line
		}
	}
	return s
}

// Fields beside a changed one keep their values; null takes an object away.
func TestChanged(t *testing.T) {
	base, err := os.ReadFile("../../recipes/slice2.json")
	require.NoError(t, err)
	r, err := changed(base, []byte(`{"regions": {"masks": 7}, "augment": {"color": {"invert": 0.5}}}`))
	require.NoError(t, err)
	require.Equal(t, 7, r.Regions.Masks)
	require.Equal(t, 96, r.Regions.Samples)
	require.InDelta(t, 0.5, r.Augment.Color.Invert, 1e-12)
	require.InDelta(t, 0.3, r.Augment.Color.Gamma, 1e-12)
	r, err = changed(base, []byte(`{"augment": {"color": null}}`))
	require.NoError(t, err)
	require.Nil(t, r.Augment.Color)
	require.NotNil(t, r.Augment.Window)
	_, err = changed(base, []byte(`{"augment": {"colour": {}}}`))
	require.ErrorContains(t, err, "colour")
}
