// Package parallel runs the parts of a task on a fixed number of goroutines,
// fork and join, without allocating.
package parallel

import (
	"sync"
	"sync/atomic"
)

// A Task consists of parts that may run in any order and at the same time.
// worker is in [0, Workers()) and belongs to one goroutine at a time, so that
// scratch memory may be indexed by it.
type Task interface {
	Part(worker, part int)
}

// A Team runs one task at a time. Between tasks it holds no goroutines: a fork
// costs about a microsecond a worker, where waking a parked worker through a
// channel costs a hundred, and a spinning one burns a core.
type Team struct {
	task    Task
	parts   int64
	next    atomic.Int64
	done    sync.WaitGroup
	helpers []func() // made once: starting a prepared func allocates nothing
}

// NewTeam returns a team of n ≥ 1 workers, the caller of Do included.
func NewTeam(n int) *Team {
	t := &Team{}
	for w := 1; w < n; w++ {
		t.helpers = append(t.helpers, func() {
			t.work(w)
			t.done.Done()
		})
	}
	return t
}

// Workers returns the number of workers.
func (t *Team) Workers() int { return len(t.helpers) + 1 }

// Do runs parts 0 … parts−1 of the task and returns when all have run. Parts
// are handed out in order, one at a time, to whoever is free.
func (t *Team) Do(parts int, task Task) {
	t.task, t.parts = task, int64(parts)
	t.next.Store(0)
	helpers := t.helpers[:max(0, min(len(t.helpers), parts-1))]
	t.done.Add(len(helpers))
	for _, h := range helpers {
		go h()
	}
	t.work(0)
	t.done.Wait()
	t.task = nil
}

func (t *Team) work(worker int) {
	for {
		part := t.next.Add(1) - 1
		if part >= t.parts {
			return
		}
		t.task.Part(worker, int(part))
	}
}

// Func makes a task of a function.
type Func func(worker, part int)

// Part calls f.
func (f Func) Part(worker, part int) { f(worker, part) }
