package bench

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights"
)

var (
	randomFile    = flag.String("random", "", "`file` to write a model with weights of no meaning to, for bench/interop/onnx.sh and bench/peers/networks.sh")
	randomKind    = flag.String("kind", string(config.ModelMaskRCNN), "kind of that network")
	randomVariant = flag.String("variant", "49", "published size of it")
	randomSide    = flag.Int("side", 0, "side of its input, 0 for the published one")
)

func TestWriteRandom(t *testing.T) {
	if *randomFile == "" {
		t.Skip("-random is not given")
	}
	n, err := Published(config.Model(*randomKind), *randomVariant, *randomSide)
	require.NoError(t, err)
	graphs, err := network.Build(n.Config)
	require.NoError(t, err)
	var tensors []weights.Tensor
	for _, x := range graphs.Tensors() {
		v, err := n.Weights.Float32(x.Name)
		require.NoError(t, err)
		tensors = append(tensors, weights.NewTensor(x.Name, x.Shape, v))
	}
	f, err := weights.FromTensors(*randomVariant, tensors, nil)
	require.NoError(t, err)
	file, err := os.Create(*randomFile)
	require.NoError(t, err)
	require.NoError(t, weights.Convert(file, f, n.Config, weights.Provenance{Source: "weights of no meaning", System: weights.Native}))
	require.NoError(t, file.Close())
}
