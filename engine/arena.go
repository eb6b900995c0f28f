package engine

import "github.com/spinemask/spinemask/internal/core/kernels"

// An Arena is the memory of the values of one run at a time. A workspace may
// take over the arena of another, which must not be used afterwards.
type Arena struct {
	// Scratch is shared with the arenas of other workspaces, which run at other
	// times; nil: not shared.
	Scratch *Scratch

	floats []float32
}

// take returns n floats that start at a cache line; what they hold is
// undefined. An arena grows and never shrinks.
func (a *Arena) take(n int) []float32 {
	if len(a.floats) < n {
		a.floats = nil // free to go before more is taken
		a.floats = kernels.Alloc(n)
	}
	return a.floats[:n]
}

// Scratch is the memory of each worker for the step that runs.
type Scratch struct {
	workers [][]float32
}

// reserve makes room for so many floats for each of so many workers.
func (s *Scratch) reserve(workers, floats int) {
	for len(s.workers) < workers {
		s.workers = append(s.workers, nil)
	}
	for i := range workers {
		if len(s.workers[i]) < floats {
			s.workers[i] = nil // free to go before more is taken
			s.workers[i] = kernels.Alloc(floats)
		}
	}
}
