package overlay

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

// square is an instance of 20×20 pixels in a picture of 100×100.
func square(x, y int, label string) Instance {
	return Instance{Mask: rle.FromBox(float64(x), float64(y), 20, 20, 100, 100), Label: label, Score: 0.9}
}

// colourAt is that of the outline of a square.
func colourAt(m *image.RGBA, x, y int) [3]uint8 {
	scale := m.Rect.Dx() / 100
	p := m.Pix[m.PixOffset(x*scale, (y+10)*scale):]
	return [3]uint8{p[0], p[1], p[2]}
}

func TestThingsKeepTheirColoursInAFilm(t *testing.T) {
	var f Film
	frame := imageio.New(100, 100)
	a, err := f.Draw(frame, []Instance{square(10, 10, "cat"), square(60, 10, "cat"), square(10, 60, "dog")})
	require.NoError(t, err)
	// All have moved, come in another order, and there are two more in front of them, one of which lies where another class was.
	b, err := f.Draw(frame, []Instance{square(70, 70, "cat"), square(16, 60, "cat"), square(10, 64, "dog"), square(66, 12, "cat"), square(12, 14, "cat")})
	require.NoError(t, err)
	require.Equal(t, colourAt(a, 10, 10), colourAt(b, 12, 14))
	require.Equal(t, colourAt(a, 60, 10), colourAt(b, 66, 12))
	require.NotEqual(t, colourAt(b, 66, 12), colourAt(b, 12, 14))

	// One is missing for a while, and another is not mistaken for it.
	for range patience {
		_, err = f.Draw(frame, []Instance{square(66, 12, "cat")})
		require.NoError(t, err)
	}
	require.Len(t, f.things, 5)
	c, err := f.Draw(frame, []Instance{square(66, 12, "cat"), square(12, 14, "cat")})
	require.NoError(t, err)
	require.Equal(t, colourAt(a, 10, 10), colourAt(c, 12, 14))
	require.Equal(t, colourAt(a, 60, 10), colourAt(c, 66, 12))
	require.Len(t, f.things, 2, "the others have been missing for too long")
}

// A flash does not change the brightness of all that is seen.
func TestBrightnessOfAFilmDoesNotJump(t *testing.T) {
	grey := func(v byte) *imageio.Image {
		m := imageio.New(100, 100)
		for i := range m.Pix {
			m.Pix[i] = v
		}
		return m
	}
	var f Film
	shown := func(v byte) float64 {
		m, err := f.Draw(grey(v), nil)
		require.NoError(t, err)
		return float64(m.Pix[0])
	}
	first := shown(40)
	require.InDelta(t, 190, first, 2, "as bright as a photo would be")
	require.InDelta(t, 255, shown(200), 1)
	require.InDelta(t, first, shown(40), 20)
	for range 60 {
		shown(95)
	}
	require.InDelta(t, 190, shown(95), 4, "what lasts is followed")
}
