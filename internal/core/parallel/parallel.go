// Package parallel runs the parts of a task on a fixed number of goroutines,
// fork and join, without allocating.
package parallel

import (
	"sync/atomic"
	"time"
)

// A Task consists of parts that may run in any order and at the same time.
// worker is in [0, Workers()) and belongs to one goroutine at a time, so that
// scratch memory may be indexed by it.
type Task interface {
	Part(worker, part int)
}

// A Team runs one task at a time. Its helpers are goroutines that watch for the
// next task for a moment after they have done one: networks fork again within
// microseconds, and waking a parked thread takes up to a hundred. Then they end,
// so an idle team has none. A task does not wait for helpers that have not begun
// by the time its parts are all handed out.
type Team struct {
	task    Task
	parts   int64
	next    atomic.Int64
	helpers []*helper
	done    chan struct{} // from a helper that is waited for
}

// A helper is the state of a worker but the first.
type helper struct {
	state atomic.Int32
	run   func()   // made once: starting a prepared func allocates nothing
	_     [64]byte // others' states are in other cache lines
}

const (
	absent  = int32(iota) // there is no goroutine
	free                  // it watches, or will when it gets a processor
	called                // it is to work at the task
	working               // it does
	awaited               // it does, and Do sleeps until it is done
)

// How long a helper watches for a task, and Do for a helper before it sleeps.
const (
	linger = 100 * time.Microsecond
	watch  = 50 * time.Microsecond
)

// NewTeam returns a team of n ≥ 1 workers, the caller of Do included.
func NewTeam(n int) *Team {
	t := &Team{done: make(chan struct{}, 1)}
	for w := 1; w < n; w++ {
		h := &helper{}
		h.run = func() { t.help(h, w) }
		t.helpers = append(t.helpers, h)
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
	for _, h := range helpers {
		if h.state.Swap(called) == absent {
			go h.run()
		}
	}
	t.work(0)
	for _, h := range helpers {
		t.join(h)
	}
	t.task = nil
}

// join returns when a helper does not work any more, or will not begin to.
func (t *Team) join(h *helper) {
	if h.state.CompareAndSwap(called, free) || h.state.Load() != working {
		return
	}
	if !within(watch, func() bool { return h.state.Load() != working }) && h.state.CompareAndSwap(working, awaited) {
		<-t.done
	}
}

// help is a helper's goroutine.
func (t *Team) help(h *helper, worker int) {
	for {
		if h.state.CompareAndSwap(called, working) {
			t.work(worker)
			if h.state.Swap(free) == awaited {
				t.done <- struct{}{}
			}
		}
		if !within(linger, func() bool { return h.state.Load() == called }) && h.state.CompareAndSwap(free, absent) {
			return
		}
	}
}

// within says whether something becomes true before a time is over.
func within(d time.Duration, is func() bool) bool {
	for start := time.Now(); ; {
		for range 64 {
			if is() {
				return true
			}
		}
		if time.Since(start) > d {
			return is()
		}
	}
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
