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

// A model that was trained elsewhere, under the names of TensorFlow 1, keeps every weight when it becomes a native file.
func TestConvertedWeightsAreThoseOfTheSource(t *testing.T) {
	source, err := Open(shared(t, "models/nuclei/model.safetensors"))
	require.NoError(t, err)
	defer source.Close()
	var out bytes.Buffer
	require.NoError(t, write(&out, source.tensors, nil))
	native, err := Load("native", bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	require.Equal(t, source.Names(), native.Names())
	for _, name := range source.Names() {
		want, _ := source.Tensor(name)
		got, ok := native.Tensor(name)
		require.True(t, ok, name)
		require.Equal(t, want.Shape, got.Shape, name)
		a, err := want.Float32(nil)
		require.NoError(t, err)
		b, err := got.Float32(nil)
		require.NoError(t, err)
		require.Equal(t, a, b, name)
	}
}
