package engine

import "unsafe"

// newArena returns n zeros that start at a cache line.
func newArena(n int) []float32 {
	const line = 64
	b := make([]float32, n+line/4)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%line) / 4
	return b[skip : skip+n : skip+n]
}
