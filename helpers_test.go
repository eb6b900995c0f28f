package spinemask_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/weights"
)

const tinyCheckpoint = "testdata/tf1_tiny/spinenet-tiny.tar.gz"

// tinyModel is the tiny TF1 network with a small input and few proposals: a
// picture takes milliseconds.
func tinyModel(t testing.TB, o spinemask.Options) *spinemask.Model {
	f, err := weights.Open(tinyCheckpoint)
	require.NoError(t, err)
	defer f.Close()
	return modelOf(t, f, &o, func(c *config.Config) {
		if o.Height == 0 {
			c.Input.Height, c.Input.Width = 128, 128
		}
		c.RPN.PostNMS, c.Detections.Max = 60, 20
	})
}

// modelOf is a model of weights in memory.
func modelOf(t testing.TB, f *weights.File, o *spinemask.Options, change ...func(*config.Config)) *spinemask.Model {
	c, _, err := f.Config(o.Weights)
	require.NoError(t, err)
	for _, edit := range change {
		edit(c)
	}
	m, err := spinemask.New(c, inMemory{f}, o)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

type inMemory struct{ *weights.File }

func (f inMemory) Float32(name string) ([]float32, error) {
	x, _ := f.Tensor(name)
	return x.Float32(nil)
}

// photo is the photo beside the tiny checkpoint.
func photo(t testing.TB) *imageio.Image {
	img, err := imageio.Open("testdata/tf1_tiny/coco_000000423617.png", imageio.Options{})
	require.NoError(t, err)
	return img
}

// waves is a picture of no meaning, another one for each number.
func waves(number, width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			at := func(fx, fy float64) uint8 {
				return uint8(127 + 120*math.Sin(fx*float64(x)+fy*float64(y)+float64(number)))
			}
			img.SetRGBA(x, y, color.RGBA{at(0.2, 0.1), at(-0.1, 0.3), at(0.05, 0.07), 255})
		}
	}
	return img
}

// bare is a result without its times, which differ from run to run.
func bare(r *spinemask.Result) *spinemask.Result {
	r.Stages = nil
	return r
}
