package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

func remarksOf(t *testing.T, r *remarks, normalize string, c *config.Config) string {
	rule, err := imageio.ParseNormalize(normalize)
	require.NoError(t, err)
	var out bytes.Buffer
	(&talk{w: &out}).sayRemarks(r, rule, c)
	return out.String()
}

// A line scan of 15360×40 pixels is shown at 1/24 of its size to a model with an input of 640×640; a photo of 1920×1080 at a third, which is usual.
func TestImagesFarLargerThanTheInput(t *testing.T) {
	c, err := config.TF1("49")
	require.NoError(t, err)
	add := func(r *remarks, name string, width, height int) {
		r.add(&item{job: job{input: input{name: name}}, shrunk: shrinking(&c.Input, imageio.New(width, height))})
	}
	var r remarks
	add(&r, "photo.jpg", 1920, 1080)
	require.Empty(t, remarksOf(t, &r, "auto", c))
	add(&r, "wide.png", 15360, 40)
	require.Equal(t, "spinemask: wide.png is shown to the model at 1/24 of its size, at which small things vanish; --tile 640 shows it in pieces\n", remarksOf(t, &r, "auto", c))
	add(&r, "high.png", 10, 2560)
	c.Objects = &config.Objects{Tile: 256}
	require.Equal(t, "spinemask: 2 images such as wide.png are shown to the model at 1/4 to 1/24 of their size, at which small things vanish; --tile 256 shows them in pieces, --diameter auto at a scale that fits the things in them\n",
		remarksOf(t, &r, "auto", c))
}

func TestImagesThatWereLookedAtCloser(t *testing.T) {
	require.Equal(t, "spinemask: 3 of 12 images were looked at closer, in tiles: they are larger than the model's input, and what is in them is small (--diameter off shows them as a whole)\n",
		remarksOf(t, &remarks{images: 12, closer: 3}, "auto", nil))
}

func TestBrightnessIsSaidOnceForEachRule(t *testing.T) {
	r := remarks{images: 12, scaled: map[string]int{"percentile:0.1,99.9": 11, "minmax": 1}}
	require.Equal(t, `spinemask: 1 of 12 images has more than 8 bits: brightness is scaled to the extremes of each (--normalize)
spinemask: 11 of 12 images have more than 8 bits: brightness is scaled to percentiles 0.1 to 99.9 of each (--normalize)
`, remarksOf(t, &r, "auto", nil))
	r = remarks{images: 12, scaled: map[string]int{"percentile:1,99": 12}}
	require.Equal(t, "spinemask: 12 of 12 images: brightness is scaled to percentiles 1 to 99 of each (--normalize)\n", remarksOf(t, &r, "percentile:1,99", nil))
	r = remarks{images: 1, scaled: map[string]int{"bits:12": 1}}
	require.Equal(t, "spinemask: the image has more than 8 bits: brightness is scaled from 12 bits (--normalize)\n", remarksOf(t, &r, "bits:12", nil))
	r = remarks{images: 2, scaled: map[string]int{"none": 2}}
	require.Equal(t, "spinemask: 2 of 2 images have more than 8 bits: the upper 8 bits are taken (--normalize)\n", remarksOf(t, &r, "none", nil))
	require.Empty(t, remarksOf(t, &remarks{images: 12}, "auto", nil))
}
