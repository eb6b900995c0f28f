package imageio

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

// An alpha channel that is 0 everywhere says nothing: the colours are taken, as Pillow's convert("RGB") does (golden.png, Pillow 13.0.0). One pixel that is
// not transparent makes the others white.
func TestAlphaThatIsZeroEverywhere(t *testing.T) {
	for _, name := range []string{"alpha0.png", "alpha0_16bit.png", "alpha0_palette.png", "alpha0_lossy.webp", "alpha0_lossless.webp", "alpha0_v4.bmp"} {
		_, largest := difference(t, mustOpen(t, "testdata/alpha/"+name, Options{Normalize: none}), mustOpen(t, "testdata/alpha/"+name+".golden.png", Options{}))
		require.Zero(t, largest, name)
	}

	red := color.NRGBA{200, 0, 0, 0}
	m := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	for x := range 3 {
		m.SetNRGBA(x, 0, red)
	}
	open := func() []byte {
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, m))
		got, err := decodeBytes(b.Bytes())
		require.NoError(t, err)
		return got.Pix
	}
	require.Equal(t, []byte{200, 0, 0, 200, 0, 0, 200, 0, 0}, open())
	red.A = 255
	m.SetNRGBA(1, 0, red)
	require.Equal(t, []byte{255, 255, 255, 200, 0, 0, 255, 255, 255}, open())
}
