package parallel

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPartRunsOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		team := NewTeam(workers)
		require.Equal(t, workers, team.Workers())
		for _, parts := range []int{0, 1, 2, 7, 1000} {
			ran := make([]atomic.Int32, parts)
			busy := make([]atomic.Int32, workers)
			team.Do(parts, Func(func(worker, part int) {
				require.Equal(t, int32(1), busy[worker].Add(1), "a worker index is used by one goroutine at a time")
				ran[part].Add(1)
				busy[worker].Add(-1)
			}))
			for i := range ran {
				require.Equal(t, int32(1), ran[i].Load())
			}
		}
	}
}

type nothing struct{}

func (nothing) Part(int, int) {}

func TestDoAllocatesNothing(t *testing.T) {
	team := NewTeam(2)
	task := &nothing{}
	require.Less(t, testing.AllocsPerRun(100, func() { team.Do(16, task) }), 1.0)
}
