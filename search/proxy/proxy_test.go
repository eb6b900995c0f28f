package proxy

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
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
	task, err := New(set, Options{Steps: 3, Batch: 2, Size: 128, Seed: 1})
	require.NoError(t, err)
	require.Len(t, task.Train.Images, 11)
	require.Len(t, task.Held.Images, 2)
	return task
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

// squares are images of 512×400 pixels with a square each.
func squares(images int, side float32) *dataset.Set {
	set := &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "square"}}}
	for i := range images {
		set.Images = append(set.Images, dataset.Image{
			Name: "same.png", Path: fmt.Sprint(i), Width: 512, Height: 400, Objects: []dataset.Object{{Box: box.Box{X1: 300, Y1: 20, X2: 300 + side, Y2: 20 + side}}},
		})
	}
	return set
}

func TestHoldOut(t *testing.T) {
	o := Options{Steps: 1, Batch: 1, Size: 256}
	for images, want := range map[int]int{10: 2, 12: 2, 400: 80, 1000: 200, 1001: 166} {
		task, err := New(squares(images, 60), o)
		require.NoError(t, err)
		require.Len(t, task.Held.Images, want, images)
		require.Len(t, task.Train.Images, images-want)
	}
	_, err := New(squares(9, 60), o)
	require.EqualError(t, err, "proxy: 9 images: want at least 10, of which a fifth is held out")
	_, err = New(squares(10, 60), Options{Steps: 0, Batch: 1, Size: 256})
	require.ErrorContains(t, err, "steps: 0")
	empty := squares(10, 60)
	for i := range empty.Images {
		empty.Images[i].Objects = nil
	}
	_, err = New(empty, o)
	require.EqualError(t, err, "proxy: no objects in the 2 images that are held out")
}

// Section 5.1 of the paper: all widths a quarter, 64 channels in endpoints and heads.
func TestConfigIsThePapersProxy(t *testing.T) {
	c, err := nuclei(t).Config(table(t, "r23_sp30"))
	require.NoError(t, err)
	require.Equal(t, table(t, "r23_sp30"), c.Backbone.Table())
	require.Equal(t, []any{0.25, 0.25, 64, 64, 128}, []any{c.Backbone.FilterScale, c.Backbone.ResampleAlpha, c.Backbone.Endpoints, c.RetinaHead.Filters, c.Input.Width})
}

// Squares of 60 pixels are 30 in an input of 256: whole pictures. Those of 20 are magnified three times, to parts 170 pixels wide.
func TestSmallObjectsAreMagnified(t *testing.T) {
	o := Options{Steps: 1, Batch: 1, Size: 256}
	task, err := New(squares(10, 60), o)
	require.NoError(t, err)
	require.Equal(t, 1.0, task.Zoom)
	require.Equal(t, 512, task.Train.Images[0].Width)

	set := squares(10, 20)
	set.Images[3].Objects = append(set.Images[3].Objects, // around the first, of which the part is x 225 to 395 and y 0 to 170
		dataset.Object{Box: box.Box{X1: 220, Y1: 100, X2: 240, Y2: 120}}, // three quarters of it are in the part
		dataset.Object{Box: box.Box{X1: 380, Y1: 100, X2: 420, Y2: 120}}, // less than half
		dataset.Object{Box: box.Box{X1: 400, Y1: 100, X2: 420, Y2: 120}}) // nothing
	for seed := range uint64(20) { // until the seed chooses the first object
		o.Seed = seed
		task, err = New(set, o)
		require.NoError(t, err)
		require.InDelta(t, 3, task.Zoom, 1e-12)
		if task.parts["3"].at == image.Rect(225, 0, 395, 170) {
			break
		}
	}
	require.Equal(t, image.Rect(225, 0, 395, 170), task.parts["3"].at)
	for _, im := range append(task.Train.Images, task.Held.Images...) {
		require.Equal(t, []int{170, 170}, []int{im.Width, im.Height})
		if im.Path == "3" {
			require.Equal(t, []dataset.Object{
				{Box: box.Box{X1: 75, Y1: 20, X2: 95, Y2: 40}}, {Box: box.Box{X1: 0, Y1: 100, X2: 15, Y2: 120}},
				{Box: box.Box{X1: 155, Y1: 100, X2: 170, Y2: 120}, Crowd: true},
			}, im.Objects)
		}
	}
	require.Len(t, set.Images[3].Objects, 4, "the set stays as it is")

	// A part of another picture than that in which the objects were marked has the right size, and other pixels.
	im := task.Train.Images[0]
	marked := task.parts[im.Path]
	im.Path = filepath.Join(t.TempDir(), "other.png")
	f, err := os.Create(im.Path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, image.NewGray(image.Rect(0, 0, 500, 400))))
	require.NoError(t, f.Close())
	task.parts[im.Path] = marked
	_, err = task.read(&im)
	require.EqualError(t, err, "the picture has 500×400 pixels (width × height), its objects were marked in 512×400")
}
