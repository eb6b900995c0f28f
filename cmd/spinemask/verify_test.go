package main

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
)

// A model that finds only the best of the golden detections stands for one that computes wrongly.
func TestVerifyNoticesWrongResults(t *testing.T) {
	model, err := nuclei.Open(&spinemask.Options{MinScore: 0.9})
	require.NoError(t, err)
	defer model.Close()
	var out strings.Builder
	require.ErrorContains(t, verify(context.Background(), &out, model), "checks failed") // how many depends on the model
	require.Contains(t, out.String(), "WRONG  built-in model: masks")

	nan := float32(math.NaN())
	require.False(t, relative(map[string][]float32{"a": {1, 2}, "b": {1}}, map[string][]float32{"a": {1, nan}, "b": {1}}) <= 1, "a NaN is not near anything")
	require.InDelta(t, 0.5, relative(map[string][]float32{"a": {2}}, map[string][]float32{"a": {1}}), 1e-9)
}
