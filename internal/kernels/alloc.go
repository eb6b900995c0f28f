package kernels

import "unsafe"

// Alloc returns n zeros that start at a cache line. On Linux, large ones ask for huge pages: Winograd walks through
// dozens of distant streams at once, and with small pages spends up to a fifth of its time on looking up addresses.
func Alloc(n int) []float32 {
	const line = 64
	b := make([]float32, n+line/4)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b)))%line) / 4
	b = b[skip : skip+n : skip+n]
	if 4*n >= hugePage {
		adviseHuge(b)
	}
	return b
}

const hugePage = 2 << 20
