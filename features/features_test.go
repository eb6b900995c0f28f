package features

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// P3…P7 of a photo, from a checkpoint, as tensorflow/tpu made them. Rounding
// grows from block to block in a network of no training; the bar is that of the
// fixture of the whole network.
func TestEqualToTF1(t *testing.T) {
	const folder = "../testdata/tf1_tiny/"
	golden := testutil.Load(t, folder+"outputs.safetensors")
	m, err := spinemask.Open(folder+"spinenet-tiny.tar.gz", &spinemask.Options{Height: 256, Width: 256})
	require.NoError(t, err)
	defer m.Close()
	img, err := imageio.Open(folder+"coco_000000423617.png", imageio.Options{})
	require.NoError(t, err)
	p, err := Extract(context.Background(), m, img)
	require.NoError(t, err)
	require.Equal(t, []int{3, 256, 256, 192, 256}, []int{p.MinLevel, p.InputHeight, p.InputWidth, p.PictureHeight, p.PictureWidth})
	require.Len(t, p.Maps, 5)
	for i, x := range p.Maps {
		want := golden.Get(t, fmt.Sprintf("P%d", p.MinLevel+i))
		require.Equal(t, want.Shape, []int(x.Shape()))
		d := testutil.RelRMS(want.Data, x.Data().([]float32))
		t.Logf("P%d %.1e", p.MinLevel+i, d)
		require.LessOrEqual(t, d, 4e-4, "P%d", p.MinLevel+i)
	}
	// A second picture does not change the first one's maps.
	before := p.Maps[0].Clone()
	_, err = Extract(context.Background(), m, imageio.New(100, 50))
	require.NoError(t, err)
	require.Equal(t, before, p.Maps[0].Clone())
}
