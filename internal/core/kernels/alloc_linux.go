package kernels

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages under x. It is advice: a refusal changes nothing.
func adviseHuge(x []float32) {
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x)), syscall.MADV_HUGEPAGE)
}
