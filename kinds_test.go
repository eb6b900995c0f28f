package spinemask_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/testkit/reference"
	"github.com/spinemask/spinemask/rle"
)

// tinyOf is a tiny model of another kind, with weights of no meaning.
func tinyOf(t testing.TB, family func(string) (*config.Config, error), o *spinemask.Options) *spinemask.Model {
	c, err := family("49S")
	require.NoError(t, err)
	c.Input.Height, c.Input.Width = 128, 128
	c.Backbone.FilterScale, c.Backbone.Endpoints = 0.1, 8
	if c.Model == config.ModelRetinaNet {
		c.RetinaHead.Convs, c.RetinaHead.Filters = 1, 8
		c.Categories = c.Categories[:3]
	}
	n, err := network.Build(c)
	require.NoError(t, err)
	m, err := spinemask.New(c, reference.Random(n.Tensors(), 1), o)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func TestEveryKindDoesWhatItIsFor(t *testing.T) {
	ctx := context.Background()
	picture := waves(1, 200, 120)
	detector, classes := tinyOf(t, config.TF2RetinaNet, &spinemask.Options{Raw: true}), tinyOf(t, config.TF1Classification, nil)

	r, err := detector.Segment(ctx, picture)
	require.NoError(t, err)
	require.NotEmpty(t, r.Instances)
	for i, in := range r.Instances {
		require.False(t, in.HasMask())
		require.Equal(t, rle.Mask{}, in.Mask)
		require.True(t, i == 0 || in.Score <= r.Instances[i-1].Score)
	}
	drawing, err := r.Draw(picture)
	require.NoError(t, err)
	require.False(t, drawing.Rect.Empty())
	data, err := r.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(data), "segmentation")
	var back spinemask.Result
	require.NoError(t, back.UnmarshalJSON(data))
	require.Len(t, back.Instances, len(r.Instances))
	require.False(t, back.Instances[0].HasMask())

	five, err := classes.Classify(ctx, picture, 5)
	require.NoError(t, err)
	require.Len(t, five, 5)
	all, err := classes.Classify(ctx, picture, 0)
	require.NoError(t, err)
	require.Len(t, all, 1001)
	require.Equal(t, five, all[:5])
	sum := 0.0
	for _, k := range all {
		sum += float64(k.Score)
	}
	require.InDelta(t, 1, sum, 1e-5)

	_, err = classes.Segment(ctx, picture)
	require.EqualError(t, err, "spinemask: the model is for classification of whole pictures: it finds no instances; use Classify")
	_, err = detector.Classify(ctx, picture, 5)
	require.EqualError(t, err, "spinemask: the model is a detector, retinanet: it finds instances and does not classify whole pictures; use Segment")
	_, err = classes.Classify(ctx, picture, -1)
	require.EqualError(t, err, "spinemask: Classify: -1 classes, want 0 or more")
	_, err = classes.Classify(ctx, nil, 5)
	require.ErrorContains(t, err, "the image is nil")
	for _, m := range []*spinemask.Model{detector, classes} {
		f, err := m.Features(ctx, picture)
		require.NoError(t, err)
		require.Len(t, f.Maps, 5)
		plan, err := m.Plan(120, 200)
		require.NoError(t, err)
		require.Contains(t, plan, "backbone")
		require.Positive(t, m.WeightBytes())
	}
	require.NoError(t, classes.Close())
	_, err = classes.Classify(ctx, picture, 5)
	require.ErrorIs(t, err, spinemask.ErrClosed)
}

// The same bytes for any number of threads.
func TestThreadsChangeNothingOfOtherKinds(t *testing.T) {
	ctx := context.Background()
	picture := waves(2, 150, 170)
	var results []*spinemask.Result
	var classes [][]spinemask.Class
	for _, threads := range []int{1, 2, 5} {
		r, err := tinyOf(t, config.TF1RetinaNet, &spinemask.Options{Threads: threads, Raw: true}).Segment(ctx, picture)
		require.NoError(t, err)
		require.NotEmpty(t, r.Instances)
		results = append(results, bare(r))
		k, err := tinyOf(t, config.TF1Classification, &spinemask.Options{Threads: threads}).Classify(ctx, picture, 0)
		require.NoError(t, err)
		classes = append(classes, k)
	}
	require.Equal(t, results[0], results[1])
	require.Equal(t, results[0], results[2])
	require.Equal(t, classes[0], classes[1])
	require.Equal(t, classes[0], classes[2])
}
