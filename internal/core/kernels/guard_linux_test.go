package kernels

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A guard is memory between two pages that fault when touched: reading one float too far is a crash.
type guard struct{ pages []byte }

const pageSize = 4096

func newGuard(t *testing.T, floats int) *guard {
	size := (4*floats+pageSize-1)/pageSize*pageSize + 2*pageSize
	pages, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	require.NoError(t, syscall.Mprotect(pages[:pageSize], syscall.PROT_NONE))
	require.NoError(t, syscall.Mprotect(pages[size-pageSize:], syscall.PROT_NONE))
	t.Cleanup(func() { _ = syscall.Munmap(pages) })
	return &guard{pages[pageSize : size-pageSize]}
}

// floats returns n floats that end at the upper page, or start at the lower one; the rest is canaries.
func (g *guard) floats(n int, atEnd bool) []float32 {
	all := unsafe.Slice((*float32)(unsafe.Pointer(&g.pages[0])), len(g.pages)/4)
	for i := range all {
		all[i] = canary
	}
	if atEnd {
		return all[len(all)-n:]
	}
	return all[:n:n]
}
