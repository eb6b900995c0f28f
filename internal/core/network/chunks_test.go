package network

import (
	"testing"

	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/stretchr/testify/require"
)

func TestChunk(t *testing.T) {
	require.Equal(t, 84, Chunk(1000, BoxChunk(1), 1))
	require.Equal(t, 250, Chunk(1000, BoxChunk(2), 1))
	require.Equal(t, 25, Chunk(100, MaskChunk(2), 1))
	for threads := 1; threads < 20; threads++ {
		for _, most := range []int{BoxChunk(threads), MaskChunk(threads)} {
			require.Positive(t, Chunk(100, most, kernels.ItemsEach), "no smaller than a group")
		}
	}
	require.Equal(t, 256, Chunk(1000, 256, 16))
	require.Equal(t, 16, Chunk(17, 20, 16))
	for _, most := range []int{16, 32, 100, 256} {
		for _, group := range []int{1, 16} {
			require.LessOrEqual(t, Chunk(0, most, group), most)
			for n := 1; n < 300; n++ {
				size := Chunk(n, most, group)
				require.Positive(t, size)
				require.LessOrEqual(t, size, most)
				require.Zero(t, size%group)
				require.Less(t, (n-1)/size, (n+most/group*group-1)/(most/group*group), "no more parts than needed: %d, most %d, group %d", n, most, group)
			}
		}
	}
}
