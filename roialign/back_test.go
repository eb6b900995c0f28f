package roialign

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// back runs Back with channels in two parts into maps of zeros like those given.
func back(c *config.RoIAlign, size int, like []Map, crops []float32, photo box.Size, boxes []box.Box) []Map {
	grads := make([]Map, len(like))
	for i, m := range like {
		grads[i] = Map{make([]float32, m.Height*m.Width*m.Channels), m.Height, m.Width, m.Channels, m.Width * m.Channels}
	}
	channels := like[0].Channels
	a, in := New(c, kernels.Best()), Crops{crops, size * size * channels, size * channels}
	a.Back(grads, size, in, photo, boxes, 0, channels/2)
	a.Back(grads, size, in, photo, boxes, channels/2, channels)
	return grads
}

// Align is linear in the features, so that its gradient is its transpose: for any
// features x and any gradient g of the crops, ⟨Align(x), g⟩ = ⟨x, Back(g)⟩. With x zero but
// for one pixel this is the gradient of that pixel.
func TestBackIsTheTransposeOfAlign(t *testing.T) {
	for _, rule := range []struct {
		name string
		c    config.RoIAlign
	}{{"tf", tf}, {"torchvision", torchvision}, {"mmdet", mmdet}, {"adaptive", adaptive}} {
		t.Run(rule.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			for range 40 {
				height, width, channels, size := 64*(1+r.IntN(4)), 64*(1+r.IntN(4)), 1+r.IntN(5), 1+r.IntN(14)
				photo := box.Size{Height: float32(height), Width: float32(width)}
				var maps []Map
				for l := rule.c.MinLevel; l <= rule.c.MaxLevel; l++ {
					h, w := max(height>>l, 1), max(width>>l, 1)
					m := Map{make([]float32, h*w*channels), h, w, channels, w * channels}
					for i := range m.Data {
						m.Data[i] = float32(r.NormFloat64())
					}
					maps = append(maps, m)
				}
				boxes := make([]box.Box, 1+r.IntN(8))
				for i := range boxes { // some reach over the edge, some have no area
					y, x := float32(height)*(r.Float32()*1.4-0.2), float32(width)*(r.Float32()*1.4-0.2)
					boxes[i] = box.Box{Y1: y, X1: x, Y2: y + float32(height)*r.Float32(), X2: x + float32(width)*r.Float32()*float32(r.IntN(4))}
				}
				g := make([]float32, len(boxes)*size*size*channels)
				for i := range g {
					g[i] = float32(r.NormFloat64())
				}
				y := align(&rule.c, kernels.Best(), size, maps, photo, boxes)
				grads := back(&rule.c, size, maps, g, photo, boxes)
				left, right, scale := 0.0, 0.0, 0.0
				for i := range y {
					left += float64(y[i]) * float64(g[i])
					scale += float64(y[i]) * float64(y[i])
				}
				for l := range maps {
					for i, v := range maps[l].Data {
						right += float64(v) * float64(grads[l].Data[i])
					}
				}
				require.InDelta(t, left, right, 1e-5*(1+scale))

				// One pixel alone.
				l := r.IntN(len(maps))
				at := r.IntN(len(maps[l].Data))
				one := back(&rule.c, size, maps, g, photo, boxes)[l].Data[at]
				for i := range maps {
					clear(maps[i].Data)
				}
				maps[l].Data[at] = 1
				sum := 0.0
				for i, v := range align(&rule.c, kernels.Best(), size, maps, photo, boxes) {
					sum += float64(v) * float64(g[i])
				}
				require.InDelta(t, sum, float64(one), 1e-4)
			}
		})
	}
}

// The Garden's own gradients (fixture train_ops, tf-models-official 2.15.0), within the
// tolerance of its README.
func TestBackEqualsTheGarden(t *testing.T) {
	n := 0
	for _, c := range testutil.Cases(t, testutil.Shared(t, "fixtures", "tf2_training"), "train_ops") {
		if c.Op != "multilevel_crop_and_resize" {
			continue
		}
		n++
		var args struct {
			OutputSize int `json:"output_size"`
			Image      [2]float32
		}
		require.NoError(t, json.Unmarshal(c.Args, &args))
		boxes, dy, y := c.In(t, "boxes"), c.In(t, "dy"), c.Out(t, "y64")
		images, each := boxes.Shape[0], boxes.Shape[1]
		item := len(dy.Data) / images
		for i := range images {
			var maps []Map
			for l := 3; l <= 7; l++ {
				x := c.In(t, fmt.Sprintf("level_%d", l))
				h, w, channels := x.Shape[1], x.Shape[2], x.Shape[3]
				maps = append(maps, Map{x.Data[i*h*w*channels:][:h*w*channels], h, w, channels, w * channels})
			}
			list := rows(testutil.Tensor{Data: boxes.Data[4*i*each:][:4*each]})
			photo := box.Size{Height: args.Image[0], Width: args.Image[1]}
			got := align(&tf, kernels.Best(), args.OutputSize, maps, photo, list)
			testutil.RequireClose(t, y.Data[i*item:][:item], got, 2e-5, c.Name)
			for l, g := range back(&tf, args.OutputSize, maps, dy.Data[i*item:][:item], photo, list) {
				want := c.Out(t, fmt.Sprintf("dlevel_%d64", 3+l)).Data
				testutil.RequireClose(t, want[i*len(g.Data):][:len(g.Data)], g.Data, 2e-5, c.Name, l)
			}
		}
	}
	require.NotZero(t, n)
}

// torchvision's own crops and gradients (testdata/README.md), by the rules of torchvision,
// of Detectron2 and mmdetection 2.x and 3.x, and of mmdetection 1.x.
func TestBackEqualsTorchvision(t *testing.T) {
	golden := testutil.Load(t, "testdata/back.safetensors")
	x := golden.Get(t, "x")
	channels, height, width := x.Shape[0], x.Shape[1], x.Shape[2]
	channelsLast := func(data []float32, pixels int) []float32 {
		out := make([]float32, len(data))
		for i, v := range data {
			item, c, p := i/(channels*pixels), i/pixels%channels, i%pixels
			out[(item*pixels+p)*channels+c] = v
		}
		return out
	}
	const level = 2
	maps := []Map{{channelsLast(x.Data, height*width), height, width, channels, width * channels}}
	photo := box.Size{Height: float32(height << level), Width: float32(width << level)}
	for _, g := range []struct {
		name, boxes string
		rule        config.RoIAlignRule
		size, boxed int
	}{
		{"legacy7", "boxes", config.RoIAlignLegacy, 7, 10},
		{"legacy14", "boxes", config.RoIAlignLegacy, 14, 4},
		{"adaptive7", "boxes", config.RoIAlignAdaptive, 7, 10},
		{"adaptive14", "boxes", config.RoIAlignAdaptive, 14, 4},
		{"mmdet1", "mmdet1.boxes", config.RoIAlignMMDet1, 7, 8},
	} {
		c := torchvision
		c.Rule, c.MinLevel, c.MaxLevel = g.rule, level, level
		var boxes []box.Box
		for b := golden.Get(t, g.boxes).Data; len(boxes) < g.boxed; b = b[4:] {
			boxes = append(boxes, box.Box{X1: b[0], Y1: b[1], X2: b[2], Y2: b[3]})
		}
		for _, set := range kernels.Sets() {
			got := align(&c, set, g.size, maps, photo, boxes)
			testutil.RequireClose(t, channelsLast(golden.Get(t, g.name+".y").Data, g.size*g.size), got, 2e-6, g.name, set.Name)
		}
		dy := channelsLast(golden.Get(t, g.name+".dy").Data, g.size*g.size)
		got := back(&c, g.size, maps, dy, photo, boxes)
		testutil.RequireClose(t, channelsLast(golden.Get(t, g.name+".dx").Data, height*width), got[0].Data, 2e-6, g.name)
	}
}
