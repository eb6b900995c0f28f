package kernels

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestAllocAligns(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 1000, hugeFrom/4 - 1, hugeFrom / 4, hugePage/4 + 1, 3 * hugePage / 4} {
		x := Alloc(n)
		require.Len(t, x, n)
		require.Equal(t, n, cap(x))
		boundary := uintptr(64)
		if 4*n >= hugeFrom {
			boundary = hugePage
		}
		require.Zero(t, uintptr(unsafe.Pointer(unsafe.SliceData(x)))%boundary)
		for i, v := range x {
			if v != 0 {
				require.Failf(t, "not zero", "at %d", i)
			}
		}
	}
}
