package column

import (
	"syscall"
	"unsafe"
)

// hugePage is the size of a huge page on amd64 and arm64 with pages of 4 KiB.
const hugePage = 2 << 20

// advise asks for huge pages under the part of s's room that fills such pages. Whether they come is up to the system.
func advise[T any](s []T) {
	size := uintptr(cap(s)) * unsafe.Sizeof(*new(T))
	if size < hugePage {
		return
	}
	start := unsafe.Pointer(unsafe.SliceData(s[:cap(s)]))
	skip := -uintptr(start) & (hugePage - 1)
	if size < skip+hugePage {
		return
	}
	whole := (size - skip) &^ (hugePage - 1)
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(start, skip)), whole), syscall.MADV_HUGEPAGE)
}
