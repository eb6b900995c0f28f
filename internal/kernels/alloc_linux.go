package kernels

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages for those that lie in x altogether. It is advice: a refusal changes nothing.
func adviseHuge(x []float32) {
	const madvHugepage = 14 // not in package syscall
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	first := int(-start%hugePage) / 4
	if pages := (len(x) - first) * 4 / hugePage; pages > 0 {
		whole := unsafe.Slice((*byte)(unsafe.Pointer(&x[first])), pages*hugePage)
		_ = syscall.Madvise(whole, madvHugepage)
	}
}
