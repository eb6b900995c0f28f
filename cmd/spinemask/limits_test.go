package main

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// --max-pixels is the one limit that there is a flag for: who raises it may have images with any side.
func TestLongImagesArePartOfMaxPixels(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, imageio.DefaultMaxSide+1, 2))))
	f := segmentFlags{maxPixels: imageio.DefaultMaxPixels}
	read := func() (*imageio.Image, error) {
		inside, _ := picturesOf(input{name: "long.png", data: b.Bytes()}, f.options())
		j := job{input: inside[0]}
		return j.read()
	}
	_, err := read()
	require.ErrorIs(t, err, imageio.ErrTooLarge)
	f.maxPixels++
	photo, err := read()
	require.NoError(t, err)
	require.Equal(t, imageio.DefaultMaxSide+1, photo.Width)
}
