package engine

import "unsafe"

// An Arena is the memory of the values of one run at a time. A workspace may
// take over the arena of another, which must not be used afterwards.
type Arena struct {
	floats []float32
}

// take returns n floats that start at a cache line; what they hold is
// undefined. An arena grows and never shrinks.
func (a *Arena) take(n int) []float32 {
	const line = 64
	if len(a.floats) < n {
		a.floats = nil // free to go before more is taken
		b := make([]float32, n+line/4)
		adviseHuge(b)
		skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%line) / 4
		a.floats = b[skip : skip+n : skip+n]
	}
	return a.floats[:n]
}
