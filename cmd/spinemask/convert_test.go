package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
	"github.com/spinemask/spinemask/weights"
)

// TestSourcesOfSeveralFilesAreSpared: no file of a model may be its output.
func TestSourcesOfSeveralFilesAreSpared(t *testing.T) {
	dir := t.TempDir()
	list := []modelfiles.Tensor{modelfiles.New("a", 2), modelfiles.New("b", 2)}
	index, err := modelfiles.Sharded(dir, list, 2)
	require.NoError(t, err)
	prefix := filepath.Join(dir, "ckpt-1")
	table, data := modelfiles.Bundle(list)
	require.NoError(t, os.WriteFile(prefix+".index", table, 0o644))
	require.NoError(t, os.WriteFile(prefix+".data-00000-of-00001", data, 0o644))
	shards, err := filepath.Glob(filepath.Join(dir, "*-of-00002.safetensors"))
	require.NoError(t, err)
	require.Len(t, shards, 2)
	for out, source := range map[string]string{shards[0]: index, shards[1]: index, index: index, prefix + ".index": prefix, prefix + ".data-00000-of-00001": prefix} {
		require.ErrorContains(t, convert(io.Discard, source, out, "", weights.Options{}), out+" is the input, it would be overwritten")
	}
}
