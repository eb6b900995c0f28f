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
	j := job{input: input{name: "long.png", data: b.Bytes()}}
	f := segmentFlags{maxPixels: imageio.DefaultMaxPixels}
	_, err := f.read(j)
	require.ErrorIs(t, err, imageio.ErrTooLarge)
	f.maxPixels++
	photo, err := f.read(j)
	require.NoError(t, err)
	require.Equal(t, imageio.DefaultMaxSide+1, photo.Width)
}
