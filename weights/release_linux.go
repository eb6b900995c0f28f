package weights

import (
	"os"
	"syscall"
	"unsafe"
)

// release takes the whole pages in part of a mapped file out of the process. It is advice: a refusal changes nothing.
func release(b []byte) {
	page := os.Getpagesize()
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % uintptr(page))
	if whole := (len(b) - skip) / page * page; whole > 0 {
		_ = syscall.Madvise(b[skip:skip+whole], syscall.MADV_DONTNEED)
	}
}
