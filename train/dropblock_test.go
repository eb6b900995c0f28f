package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is dropped grows in a line, and is a quarter in the first level: resnet_main.py of
// tensorflow/tpu (dropblock_keep_prob, and 1 − (1 − p)/4^(4 − group)).
func TestDropBlockFollowsTheSchedule(t *testing.T) {
	d := &DropBlock{Keep: 0.9, Size: 7, Level: 4}
	for _, w := range []struct {
		level, step int
		keep        float64
	}{{4, 0, 1}, {5, 0, 1}, {5, 500, 0.95}, {4, 500, 0.9875}, {7, 1000, 0.9}, {4, 1000, 0.975}} {
		require.InDelta(t, w.keep, d.keep(w.level, w.step, 1000), 1e-12)
	}
}

// A run with DropBlock ends with the same bytes, resumed or not, with any number of
// threads; without it, it ends with others.
func TestDropBlockIsDrawnFromTheStep(t *testing.T) {
	recipe := func() *Recipe {
		r := small(3)
		r.DropBlock = &DropBlock{Keep: 0.6, Size: 3, Level: 4}
		return r
	}
	whole := trainer(t, recipe(), 1)
	require.NoError(t, whole.Run(context.Background(), nil))
	want := model(t, whole)

	stop := errors.New("stop")
	first := trainer(t, recipe(), 2)
	require.NotEmpty(t, first.net.programs()[0].DropBlocks())
	require.ErrorIs(t, first.Run(context.Background(), func(Progress) error { return stop }), stop)
	state := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(state)
	require.NoError(t, err)
	require.NoError(t, first.WriteState(file, nil))
	require.NoError(t, file.Close())
	second, _, err := Resume(state, nuclei(t, 5), &Options{Threads: 3})
	require.NoError(t, err)
	require.NoError(t, second.Run(context.Background(), nil))
	require.True(t, bytes.Equal(want, model(t, second)))

	without := trainer(t, small(3), 1)
	require.NoError(t, without.Run(context.Background(), nil))
	require.False(t, bytes.Equal(want, model(t, without)))
}
