package train

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
)

// The class is that of the image, also where the part that is shown has nothing of the object that tells it.
func TestClassesAreThoseOfImages(t *testing.T) {
	c, err := config.TF2Classification("49S")
	require.NoError(t, err)
	c.Backbone.FilterScale, c.Backbone.Endpoints = 0.125, 16
	c.Categories = []config.Category{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}
	set := &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}}
	corner := dataset.Object{Category: 1, Box: box.Box{X2: 2, Y2: 2}}
	for range 2 {
		set.Images = append(set.Images, dataset.Image{Name: "a.png", Height: 128, Width: 128, Objects: []dataset.Object{corner}})
	}
	r := small(3)
	r.Augment = Augment{Scale: [2]float64{3, 4}}
	o := &Options{Threads: 1, Read: func(*dataset.Image) (image.Image, error) { return image.NewRGBA(image.Rect(0, 0, 128, 128)), nil }}
	start, err := Scratch(c, set, 1)
	require.NoError(t, err)
	trainer, err := New(start.Config, start, set, r, o)
	require.NoError(t, err)
	for range 3 {
		_, err := trainer.Step(t.Context())
		require.NoError(t, err)
	}

	set.Images[1].Name, set.Images[1].Objects = "b.png", nil
	_, err = New(start.Config, start, set, r, o)
	require.EqualError(t, err, "train: b.png: 0 objects, want one, whose class is that of the image")
}
