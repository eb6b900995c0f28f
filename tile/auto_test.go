package tile

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// row is a picture with n discs in a row through its middle.
func row(width, height, n, radius int) *imageio.Image {
	m := imageio.New(width, height)
	for i := range n {
		cx, cy := (2*i+1)*width/(2*n), height/2
		for y := cy - radius; y <= cy+radius; y++ {
			for x := cx - radius; x <= cx+radius; x++ {
				if (x-cx)*(x-cx)+(y-cy)*(y-cy) <= radius*radius {
					m.Pix[3*(y*width+x)] = 255
				}
			}
		}
	}
	return m
}

// The whole is shown first, then what makes objects as large as they should be, as long as not fewer are found.
func TestAutoGoesCloserWhileObjectsAreSmall(t *testing.T) {
	c := &config.Config{
		Input:      config.Input{Fit: config.FitFixedSize, Height: 640, Width: 640, PadMultiple: 128},
		Detections: config.Detections{DisplayThreshold: 0.5},
		Objects:    &config.Objects{Diameter: 40},
	}
	for name, tt := range map[string]struct {
		width, height, discs, radius int
		sees                         [2]float64 // least and most diameter of what the model finds, pixels of its input
		want                         Seen
		found                        int
		scales                       []float64 // at which the model sees something
	}{
		"large enough":                  {1280, 1280, 5, 35, [2]float64{5, 200}, Seen{Diameter: 70}, 5, []float64{0.5}},
		"small":                         {1280, 1280, 5, 10, [2]float64{5, 200}, Seen{20.1, 1.99}, 5, []float64{0.5, 1.99}},
		"so small that none is found":   {1280, 1280, 5, 5, [2]float64{15, 200}, Seen{10.2, 3.94}, 5, []float64{0.5, 2, 3.94}},
		"too large":                     {1280, 1280, 2, 150, [2]float64{5, 200}, Seen{300, 0.267}, 2, []float64{0.5, 0.267}},
		"nothing there":                 {1280, 1280, 0, 5, [2]float64{5, 200}, Seen{}, 0, []float64{0.5, 2}},
		"closer, fewer are found":       {1280, 1280, 5, 10, [2]float64{5, 15}, Seen{Diameter: 20.1}, 5, []float64{0.5, 1.99}},
		"no more than four times":       {1280, 1280, 5, 2, [2]float64{1, 200}, Seen{4.07, 4}, 5, []float64{0.5, 2, 4}},
		"is four times as large so far": {160, 160, 5, 3, [2]float64{5, 200}, Seen{Diameter: 6.08}, 5, []float64{4}},
		"tiles would be far too large":  {40000, 40, 0, 5, [2]float64{5, 200}, Seen{}, 0, []float64{0.016, 0.079, 0.316, 1.26}},
	} {
		t.Run(name, func(t *testing.T) {
			var scales []float64
			model := func(ctx context.Context, picture image.Image) (*spinemask.Result, error) {
				size := picture.Bounds().Size()
				scale := 640 / float64(max(size.X, size.Y))
				if len(scales) == 0 || math.Abs(scales[len(scales)-1]-scale) > 0.005*scale { // tiles have whole numbers of pixels
					scales = append(scales, scale)
				}
				r, err := components(ctx, picture)
				r.Instances = slices.DeleteFunc(r.Instances, func(in spinemask.Instance) bool {
					d := 2 * math.Sqrt(float64(in.Mask.Area())/math.Pi) * scale
					return d < tt.sees[0] || d > tt.sees[1]
				})
				return r, err
			}
			r, seen, err := Auto(t.Context(), model, c, row(tt.width, tt.height, tt.discs, tt.radius), Options{})
			require.NoError(t, err)
			require.Len(t, r.Instances, tt.found)
			require.Equal(t, [2]int{tt.width, tt.height}, [2]int{r.Width, r.Height})
			require.InEpsilonSlice(t, tt.scales, scales, 0.01)
			require.InDelta(t, tt.want.Diameter, seen.Diameter, 0.05)
			require.InDelta(t, tt.want.Scale, seen.Scale, 0.02)
		})
	}
}

func TestErrorsOfAuto(t *testing.T) {
	c := &config.Config{Input: config.Input{Fit: config.FitFixedSize, Height: 640, Width: 640, PadMultiple: 128}}
	_, _, err := Auto(t.Context(), components, c, imageio.New(10, 10), Options{})
	require.EqualError(t, err, "tile: the model does not say how large the objects are that it was trained on")
	c.Objects = &config.Objects{Diameter: 40}
	_, _, err = Auto(t.Context(), components, c, nil, Options{})
	require.EqualError(t, err, "tile: no picture: the image is nil")
	looks := 0
	_, _, err = Auto(t.Context(), func(context.Context, image.Image) (*spinemask.Result, error) {
		if looks++; looks > 1 {
			return nil, errors.New("no")
		}
		return &spinemask.Result{}, nil
	}, c, imageio.New(1280, 1280), Options{})
	require.EqualError(t, err, "no")
}

// An overlap that is more than half of a tile is half of it, and no tile is smaller than may be.
func TestAutoOfUnusualOptions(t *testing.T) {
	c := &config.Config{
		Input:   config.Input{Fit: config.FitFixedSize, Height: 640, Width: 640, PadMultiple: 128},
		Objects: &config.Objects{Diameter: 40},
	}
	r, seen, err := Auto(t.Context(), components, c, row(1280, 1280, 5, 10), Options{Overlap: 1000})
	require.NoError(t, err)
	require.Len(t, r.Instances, 5)
	require.InDelta(t, 1.99, seen.Scale, 0.02)
	c.Input.Height, c.Input.Width = 128, 128
	r, seen, err = Auto(t.Context(), components, c, row(100, 100, 2, 2), Options{})
	require.NoError(t, err)
	require.Len(t, r.Instances, 2)
	require.InDelta(t, 4, seen.Scale, 0.01) // tiles of 32 pixels
	c.Input.Height, c.Input.Width = 64, 64
	r, seen, err = Auto(t.Context(), components, c, row(100, 100, 2, 2), Options{})
	require.NoError(t, err)
	require.Len(t, r.Instances, 2)
	require.Zero(t, seen.Scale) // they would have 25
}
