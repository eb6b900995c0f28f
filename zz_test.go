package spinemask_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)


func TestZZGrow(t *testing.T) {
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
	before := heap(1000)
	after := heap(10000)
	t.Log(before, after); require.Less(t, after, before+1<<20)
}
