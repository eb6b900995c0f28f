package proxy

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
)

func table(t *testing.T, name string) *config.BlockTable {
	c, err := config.ScalePermuted(name)
	require.NoError(t, err)
	return c.Backbone.Table()
}

func nuclei(t *testing.T) *Task {
	set, err := dataset.Open("../../testdata/nuclei_val.json", dataset.Options{Images: "../../testdata/images"})
	require.NoError(t, err)
	learned, held, err := HoldOut(set, 1)
	require.NoError(t, err)
	require.Len(t, learned.Images, 11)
	require.Len(t, held.Images, 2)
	return &Task{Train: learned, Held: held, Steps: 3, Batch: 2, Size: 128, Seed: 1}
}

func TestScoresDoNotDependOnThreadsOrOnCandidatesBefore(t *testing.T) {
	task := nuclei(t)
	one, err := task.Score(t.Context(), table(t, "spinenet49"), 1)
	require.NoError(t, err)
	require.Positive(t, one.Loss)
	other, err := task.Score(t.Context(), table(t, "r0_sp53"), 2)
	require.NoError(t, err)
	require.NotEqual(t, one.Loss, other.Loss)
	two, err := nuclei(t).Score(t.Context(), table(t, "r0_sp53"), 1)
	require.NoError(t, err)
	require.Equal(t, other, two)
}

func TestHoldOut(t *testing.T) {
	for images, want := range map[int]int{10: 2, 12: 2, 400: 80, 1000: 200, 1001: 166} {
		set := &dataset.Set{Images: make([]dataset.Image, images)}
		learned, held, err := HoldOut(set, 1)
		require.NoError(t, err)
		require.Len(t, held.Images, want, images)
		require.Len(t, learned.Images, images-want)
	}
	_, _, err := HoldOut(&dataset.Set{Images: make([]dataset.Image, 9)}, 1)
	require.EqualError(t, err, "proxy: 9 images: want at least 10, of which a fifth is held out")
}

// Section 5.1 of the paper: all widths a quarter, 64 channels in endpoints and heads.
func TestConfigIsThePapersProxy(t *testing.T) {
	c, err := nuclei(t).Config(table(t, "r23_sp30"))
	require.NoError(t, err)
	require.Equal(t, table(t, "r23_sp30"), c.Backbone.Table())
	require.Equal(t, []any{0.25, 0.25, 64, 64, 128}, []any{c.Backbone.FilterScale, c.Backbone.ResampleAlpha, c.Backbone.Endpoints, c.RetinaHead.Filters, c.Input.Width})
}

// An anchor of the published size has a side of 24 pixels at level 3, and 30 in the middle of its octave.
func TestAnchorsAreAsSmallAsObjects(t *testing.T) {
	for _, c := range []struct{ side, want float64 }{{100, 3}, {30, 3}, {20, 2}, {10, 1}, {1, 0.5}} {
		im := dataset.Image{Height: 400, Width: 512}
		for _, factor := range []float64{0.5, 1, 8} { // the median counts
			im.Objects = append(im.Objects, dataset.Object{Box: box.Box{X2: float32(2 * c.side * factor), Y2: float32(2 * c.side * factor)}})
		}
		task := &Task{Train: &dataset.Set{Images: []dataset.Image{im}}, Size: 256} // which shows pictures at half their size
		got, err := task.Config(table(t, "spinenet49"))
		require.NoError(t, err)
		require.Equal(t, c.want, got.Anchors.Size, c.side)
	}
}
