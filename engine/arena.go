package engine

import "github.com/spinemask/spinemask/internal/kernels"

// An Arena is the memory of the values of one run at a time. A workspace may
// take over the arena of another, which must not be used afterwards.
type Arena struct {
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
