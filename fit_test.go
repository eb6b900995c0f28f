package spinemask_test

import (
	"context"
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/weights"
)

// A model whose input follows the size of the photo gives each photo what a
// fresh model gives it, whatever went through before.
func TestSizeOfTheInputFollowsThePhoto(t *testing.T) {
	f, err := weights.Open(tinyCheckpoint)
	require.NoError(t, err)
	defer f.Close()
	pictures := []image.Image{waves(1, 90, 60), waves(2, 60, 90), photo(t), waves(3, 1, 1), waves(4, 61, 91)}
	backwards := slices.Clone(pictures)
	slices.Reverse(backwards)
	for _, fit := range []config.Fit{config.FitShortestEdge, config.FitKeepRatio} {
		model := func() *spinemask.Model {
			return modelOf(t, f, &spinemask.Options{Workspaces: 2}, func(c *config.Config) {
				c.Input.Fit, c.Input.MinSize, c.Input.MaxSize, c.Input.Height, c.Input.Width = fit, 100, 200, 0, 0
				c.Boxes.Clip = config.ClipImage
				c.RPN.PostNMS, c.Detections.Max = 60, 20
			})
		}
		segment := func(m *spinemask.Model, p image.Image) *spinemask.Result {
			r, err := m.Segment(context.Background(), p)
			require.NoError(t, err)
			require.Equal(t, p.Bounds().Size(), image.Pt(r.Width, r.Height))
			return bare(r)
		}
		want := map[image.Image]*spinemask.Result{}
		for _, p := range pictures {
			want[p] = segment(model(), p)
		}
		require.NotEmpty(t, want[pictures[0]].Instances)
		m := model()
		for _, p := range append(backwards, pictures...) {
			require.Equal(t, want[p], segment(m, p), "%s, %v", fit, p.Bounds())
		}
		results := make([]*spinemask.Result, 4*len(pictures))
		parallel.NewTeam(3).Do(len(results), parallel.Func(func(_, i int) {
			results[i], _ = m.Segment(context.Background(), pictures[i%len(pictures)])
		}))
		for i, r := range results {
			require.NotNil(t, r)
			require.Equal(t, want[pictures[i%len(pictures)]], bare(r), "%s, together with others", fit)
		}
	}
}

// Sizes that a photo is resized to cannot be set for all photos at once.
func TestInputOfOneSizeNeedsAFixedFit(t *testing.T) {
	f, err := weights.Open(tinyCheckpoint)
	require.NoError(t, err)
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	c.Input.Fit, c.Input.MinSize, c.Input.MaxSize = config.FitShortestEdge, 100, 200
	_, err = spinemask.New(c, inMemory{f}, &spinemask.Options{Height: 128, Width: 128})
	require.EqualError(t, err, "spinemask: input of 128×128 pixels: the model takes the size of the photo")
}
