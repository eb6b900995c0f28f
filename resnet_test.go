package spinemask_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/weights"
)

// A classifier of torchvision 0.29.2, from its file and a photo to logits; see the README of
// the fixture.
func TestResNetEqualsTorchvision(t *testing.T) {
	golden := testutil.Load(t, "testdata/resnet_tiny/outputs.safetensors")
	f, err := weights.Open("testdata/resnet_tiny/tiny.pth")
	require.NoError(t, err)
	defer f.Close()
	c, assumed, err := f.Config(weights.Options{})
	require.NoError(t, err)
	require.Equal(t, config.ModelClassification, c.Model)
	require.Equal(t, weights.Assumption{Field: "semantics", Value: "torchvision", Reason: "names in the file", Option: "Semantics"}, assumed[0])
	require.Equal(t, 7, len(c.Categories))
	m, err := spinemask.Open("testdata/resnet_tiny/tiny.pth", nil)
	require.NoError(t, err)
	defer m.Close()
	for i, name := range []string{"a1777737270c5f96", "547ef286ee5f4e5d"} {
		img, err := imageio.Open("testdata/images/"+name+".png", imageio.Options{})
		require.NoError(t, err)
		requireInput(t, &c.Input, img, golden.Get(t, fmt.Sprint(i, ".input")))
		classes, err := m.Classify(context.Background(), img, 0)
		require.NoError(t, err)
		logits := make([]float32, len(classes))
		for _, k := range classes {
			logits[k.Category] = k.Logit
		}
		want := golden.Get(t, fmt.Sprint(i, ".logits")).Data
		testutil.RequireClose(t, want, logits, 1e-4)
		require.Equal(t, slices.Max(want), want[classes[0].Category])
	}
}

// requireInput compares every 16th pixel of the network's input, [3][rows][columns].
func requireInput(t *testing.T, in *config.Input, img *imageio.Image, want testutil.Tensor) {
	g, err := preprocess.Fit(in, img.Height, img.Width)
	require.NoError(t, err)
	r := preprocess.NewResizer(in)
	r.Start(g, img.Pix)
	got := make([]float32, g.InputHeight*g.InputWidth*3)
	r.Rows(got, 3*g.InputWidth, 0, g.InputHeight, &preprocess.Scratch{})
	rows, columns := want.Shape[1], want.Shape[2]
	for i, v := range want.Data {
		ch, y, x := i/(rows*columns), i/columns%rows*16, i%columns*16
		require.InDelta(t, v, got[(y*g.InputWidth+x)*3+ch], 1e-6, "channel %d of %d %d", ch, y, x)
	}
}
