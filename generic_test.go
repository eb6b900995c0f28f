package spinemask_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

// Plain Go, which rounds every product, gives the logits of assembly, which
// fuses them, within 1e-4.
func TestLogitsOfPlainGo(t *testing.T) {
	f, err := weights.Open("models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	defer f.Close()
	const side = 128
	in := testutil.Tensor{Shape: []int{side, side, 3}, Data: make([]float32, side*side*3)}
	img := waves(5, side, side)
	for i := range in.Data {
		r, _, _, _ := img.At(i/3%side, i/3/side).RGBA()
		in.Data[i] = float32(r)/0x8000 - 1
	}
	logits := func(set *kernels.Set) testutil.Tensors {
		n := paritytest.New(t, f, weights.Options{}, testutil.Tensors{"input": in}, engine.Options{Kernels: set})
		return n.Run(n.Trunk, side, side, paritytest.Values{"input": 0}, paritytest.Values{
			"objectness3": n.Output(n.Trunk, "objectness3"), "objectness5": n.Output(n.Trunk, "objectness5"), "deltas4": n.Output(n.Trunk, "deltas4"),
		})
	}
	sets := kernels.Sets()
	want := logits(sets[0])
	for _, set := range sets[1:] {
		for name, got := range logits(set) {
			worst := 0.0
			for i, v := range want[name].Data {
				worst = max(worst, math.Abs(float64(got.Data[i]-v)))
			}
			t.Logf("%s %s %.1e", set.Name, name, worst)
			require.LessOrEqual(t, worst, 1e-4, "%s %s", set.Name, name)
		}
	}
}

// The instances are the same as well.
func TestInstancesOfPlainGo(t *testing.T) {
	img := readImage("testdata/images/d35f25c8e3f7fca5.png")
	segment := func(set string) *spinemask.Result {
		t.Setenv("SPINEMASK_CPU", set)
		m, err := nuclei.Open(&spinemask.Options{Height: 128, Width: 128, MinScore: spinemask.DisplayScore})
		require.NoError(t, err)
		defer m.Close()
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		return r
	}
	want, got := segment("generic"), segment("")
	require.NotEmpty(t, want.Instances)
	require.Len(t, got.Instances, len(want.Instances))
	for i, in := range want.Instances {
		require.GreaterOrEqual(t, rle.IoU(in.Mask, got.Instances[i].Mask, false), 0.999, "instance %d", i)
	}
}
