package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

// cancelling cancels a run as soon as it says that an image is done.
type cancelling struct{ cancel func() }

func (c cancelling) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(" ms")) {
		c.cancel()
	}
	return len(p), nil
}

// TestInterruptedClassesAreKept: the rows of images that were classified before Ctrl-C are whole.
func TestInterruptedClassesAreKept(t *testing.T) {
	dir := t.TempDir()
	model, out := filepath.Join(dir, "m.safetensors"), filepath.Join(dir, "out.csv")
	require.NoError(t, writeTiny(config.ModelClassification, model))
	photo, err := os.ReadFile("../../testdata/images/c901794d1a421d52.png")
	require.NoError(t, err)
	const images = 12
	photos := filepath.Join(dir, "photos")
	require.NoError(t, os.Mkdir(photos, 0o755))
	for i := range images {
		require.NoError(t, os.WriteFile(filepath.Join(photos, fmt.Sprintf("%02d.png", i)), photo, 0o644))
	}
	interrupt := func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cmd := newClassify(&talk{w: cancelling{cancel}})
		cmd.SetArgs([]string{photos, "-m", model, "-o", out, "-v", "--workers", "1"})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		require.Equal(t, exit(exitInterrupted), cmd.ExecuteContext(ctx))
	}
	interrupt()
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "00.png", rows[1][1])
	require.Zero(t, (len(rows)-1)%3, "three classes of each")
	require.Less(t, (len(rows)-1)/3, images)

	whole := []byte("the rows of an earlier run\n")
	require.NoError(t, os.WriteFile(out, whole, 0o644))
	interrupt()
	text, err = os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, whole, text, "a part does not replace them")
}
