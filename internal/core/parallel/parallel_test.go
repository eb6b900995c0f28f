package parallel

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

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

// Tasks in a row, with parts so long that Do sleeps until they are done, and pauses so long that helpers have ended.
func TestTasksInARow(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, processors := range []int{1, 2, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		team := NewTeam(4)
		for round := range 2000 {
			var ran atomic.Int32
			parts := 1 + round%9
			team.Do(parts, Func(func(worker, part int) {
				if round%100 == 0 && worker > 0 {
					time.Sleep(time.Millisecond)
				}
				ran.Add(1)
			}))
			require.EqualValues(t, parts, ran.Load())
			if round%100 == 50 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 10*time.Second, time.Millisecond, "idle teams have no goroutines") // Eventually has one
}

type nothing struct{}

func (nothing) Part(int, int) {}

func TestDoAllocatesNothing(t *testing.T) {
	team := NewTeam(2)
	task := &nothing{}
	require.Less(t, testing.AllocsPerRun(100, func() { team.Do(16, task) }), 1.0)
}
