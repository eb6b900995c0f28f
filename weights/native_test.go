package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/spinemask/spinemask/config"
	"github.com/stretchr/testify/require"
)

// shared returns a file of the outputs of the original systems, which are not part of the repository.
func shared(t testing.TB, path string) string {
	dir := os.Getenv("SPINEMASK_SHARED")
	if dir == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	return filepath.Join(dir, path)
}

const nuclei = "../models/nuclei/nuclei.safetensors"

func TestBuiltInModelIsWhatItsConfigSays(t *testing.T) {
	f, err := Open(nuclei)
	require.NoError(t, err)
	defer f.Close()
	c, assumed, err := f.Config(Options{})
	require.NoError(t, err)
	require.Empty(t, assumed)
	require.Equal(t, "nuclei", c.Name)
	require.NoError(t, Check(f, wants(t, c)))
	inferred := *c
	inferred.Backbone = config.Backbone{StridedPadding: c.Backbone.StridedPadding, Type: c.Backbone.Type, BlockTable: c.Backbone.BlockTable,
		PoolPadding: c.Backbone.PoolPadding, PoolRule: c.Backbone.PoolRule, EndpointActivation: c.Backbone.EndpointActivation}
	inferred.BoxHead = config.BoxHead{Weights: c.BoxHead.Weights}
	inferred.MaskHead = config.MaskHead{}
	require.Empty(t, measure(f, &inferred))
	require.Equal(t, c, &inferred, "the shapes tell all sizes")
}

// TestBuiltInModelComesFromItsSource converts the trained weights again.
func TestBuiltInModelComesFromItsSource(t *testing.T) {
	committed, err := os.ReadFile(nuclei)
	require.NoError(t, err)
	native, err := Load("nuclei", bytes.NewReader(committed), int64(len(committed)))
	require.NoError(t, err)
	source, err := Open(shared(t, "models/nuclei/model.safetensors"))
	require.NoError(t, err)
	defer source.Close()
	var out bytes.Buffer
	require.NoError(t, write(&out, source.tensors, native.Metadata()))
	require.True(t, bytes.Equal(committed, out.Bytes()))
	sum, err := source.SHA256()
	require.NoError(t, err)
	require.Contains(t, native.Metadata()["provenance"], sum)
}
