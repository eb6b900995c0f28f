package kernels

import "unsafe"

// Alloc returns n zeros that start at a cache line. On Linux, large ones start at a huge page and ask for such pages:
// Winograd walks through dozens of distant streams at once and otherwise spends up to a third of its time on looking
// up addresses. They take up to one huge page more than n floats.
func Alloc(n int) []float32 {
	if 4*n < hugeFrom {
		return aligned(make([]float32, n+cacheLine), 4*cacheLine)[:n:n]
	}
	whole := roundUp(n, hugePage/4)
	b := aligned(make([]float32, whole+hugePage/4), hugePage)[:whole]
	adviseHuge(b)
	return b[:n:n]
}

const (
	cacheLine = 16        // floats
	hugePage  = 2 << 20   // bytes
	hugeFrom  = 512 << 10 // bytes
)

// aligned cuts off what lies before the first multiple of so many bytes.
func aligned(b []float32, bytes uintptr) []float32 {
	return b[-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%bytes/4:]
}
