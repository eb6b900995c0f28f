package weights

import "syscall"

// release takes a mapped file out of the memory of the process. It is advice: a refusal changes nothing.
func release(mapped []byte) {
	if len(mapped) > 0 {
		_ = syscall.Madvise(mapped, syscall.MADV_DONTNEED)
	}
}
