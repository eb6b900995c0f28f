package nuclei

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// A run gives the same bytes on every processor with vectors: the sums are of what avx2 and avx512 make, for a grey picture
// and one in colour, and hold on arm64.
func TestSameBytesOnEveryMachine(t *testing.T) {
	if kernels.Best().Name == "generic" {
		t.Skip("plain Go rounds every product")
	}
	m, err := Open(&spinemask.Options{})
	require.NoError(t, err)
	defer m.Close()
	for name, sum := range map[string]uint64{"e50ac10d1dce6496.png": 0x1b4d332c741ac5a1, "87ea72894f6534b2.png": 0x4fa4d0d1fbc6a0b2} {
		picture, err := spinemask.OpenImage(filepath.Join("..", "..", "testdata", "images", name), nil)
		require.NoError(t, err)
		r, err := m.Segment(context.Background(), picture)
		require.NoError(t, err)
		require.Greater(t, len(r.Instances), 10)
		text, err := json.Marshal(r.Instances)
		require.NoError(t, err)
		h := fnv.New64a()
		h.Write(text)
		require.Equal(t, sum, h.Sum64(), "%s: %d instances, %#x", name, len(r.Instances), h.Sum64())
	}
}
