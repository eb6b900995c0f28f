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
	_, err = spinemask.Open("testdata/mmdet_tiny/tiny.pth", &spinemask.Options{Height: 128, Width: 128})
	require.EqualError(t, err, "spinemask: testdata/mmdet_tiny/tiny.pth: input of 128×128 pixels: the model takes the size of the photo")

	// A model whose input follows the photo: the limit is that of a photo.
	m, err := spinemask.Open("testdata/mmdet_tiny/tiny.pth", &spinemask.Options{MemoryLimit: 62e6, Threads: 2})
	require.NoError(t, err)
	_, err = m.Segment(context.Background(), waves(0, 60, 10))
	require.NoError(t, err)
	_, err = m.Segment(context.Background(), waves(0, 60, 90))
	require.ErrorContains(t, err, "over the limit of 62 MB")
	_, err = m.Segment(context.Background(), waves(0, 60, 10))
	require.NoError(t, err)
	require.NoError(t, m.Close())

	m, err = spinemask.Open(tinyCheckpoint, &spinemask.Options{MemoryLimit: 1e9})
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
