package kernels

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages under x. It is advice: a refusal changes nothing.
func adviseHuge(x []float32) {
	const madvHugepage = 14 // not in package syscall
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x)), madvHugepage)
}
