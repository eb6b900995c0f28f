package train

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/weights"
)

// A batch that is far too large is refused before it takes memory: finding out how much it would take needs little of it.
func TestFarTooLargeBatchesAreRefusedAtOnce(t *testing.T) {
	f, err := weights.Open("../models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	r := small(1)
	r.Batch, r.Height, r.Width = 1024, 4096, 4096
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = New(c, fileArrays{f}, nuclei(t, 1), r, &Options{Threads: 1, MemoryLimit: 1 << 30})
	runtime.ReadMemStats(&after)
	var m *backprop.MemoryError
	require.ErrorAs(t, err, &m)
	require.Greater(t, m.Need, int64(1<<40))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20)) // weights and gradients are 34 MB
}
