package train

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights"
)

// Models of other systems learn by heart, too, on their own anchors, coding of boxes,
// RoIAlign and frozen norms: the loss of the same images falls.
func TestForeignModelsLearn(t *testing.T) {
	f, err := weights.Open("../testdata/mmdet_tiny/tiny.pth") // with random weights
	require.NoError(t, err)
	defer f.Close()
	from, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	require.Equal(t, config.BoxCodingPlusOne, from.Boxes.Coding)
	require.Equal(t, config.RoIAlignMMDet1, from.RoIAlign.Rule)
	set, read := blobs()
	start, err := From(from, f, from, set, 1)
	require.NoError(t, err)
	require.NotEmpty(t, start.Kept)
	r := small(60)
	r.Average, r.Norms.Frozen, r.ClipNorm = 0, true, 10
	r.Augment = Augment{Scale: [2]float64{1, 1}}
	r.Rate = Rate{Value: 0.003}
	tr, err := New(start.Config, start, set, r, &Options{Read: read})
	require.NoError(t, err)
	var losses []float64
	require.NoError(t, tr.Run(context.Background(), func(p Progress) error {
		losses = append(losses, p.Losses["model_loss"])
		return nil
	}))
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	t.Log(mean(losses[:10]), mean(losses[50:]))
	require.Less(t, mean(losses[50:]), 0.8*mean(losses[:10]))
}
