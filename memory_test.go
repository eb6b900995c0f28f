package spinemask_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)

func TestMemoryLimit(t *testing.T) {
	_, err := spinemask.Open(tinyCheckpoint, &spinemask.Options{MemoryLimit: 20e6})
	require.ErrorContains(t, err, "over the limit of 20 MB")
	require.ErrorContains(t, err, "MB of memory needed (weights ")
	_, err = spinemask.Open(tinyCheckpoint, &spinemask.Options{MemoryLimit: 1e9, Workspaces: 1000})
	require.ErrorContains(t, err, "1000 × ")
	m, err := spinemask.Open(tinyCheckpoint, &spinemask.Options{MemoryLimit: 1e9})
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

func TestMemoryDoesNotGrow(t *testing.T) {
	m := tinyModel(t, spinemask.Options{})
	heap := func(pictures int) uint64 {
		for i := range pictures {
			_, err := m.Segment(context.Background(), waves(i, 40+i%17, 40+i%13))
			require.NoError(t, err)
		}
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap(100)
	after := heap(900)
	require.Less(t, after, before+1<<20)
}
