package engine

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages under memory that nobody has touched yet. A
// fault on each 4 KiB page of fresh memory can cost more than the convolution
// that fills it.
func adviseHuge(f []float32) {
	const page = 2 << 20
	start := unsafe.Pointer(unsafe.SliceData(f))
	skip := int(-uintptr(start) % page)
	if size := (4*len(f) - skip) / page * page; size > 0 {
		// A wish: without it everything works, slower.
		_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(start, skip)), size), syscall.MADV_HUGEPAGE)
	}
}
