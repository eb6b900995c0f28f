package rpn

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// Anchors are the anchors of one level, in input pixels. Every place of the map has the same ones, moved.
type Anchors struct {
	base             []box.Box // about the origin, in channel order
	first            float32   // place 0 along an axis
	strideY, strideX float32   // way to the next place
}

// NewAnchors makes the anchors of a level whose map of height×width places covers input.
func NewAnchors(c *config.Anchors, level, height, width int, input box.Size) Anchors {
	stride := float64(int(1) << level)
	a := Anchors{strideY: float32(stride), strideX: float32(stride)}
	switch c.Style {
	case config.AnchorStyleTF: // tpu: dataloader/anchor.py, Garden: vision/ops/anchor.py
		a.first = float32(stride / 2)
		for k := range c.ScalesPerOctave {
			size := c.Size * stride * portable.Pow(2, float64(k)/float64(c.ScalesPerOctave))
			for _, ratio := range c.AspectRatios {
				h, w := float32(size*portable.Pow(ratio, -0.5)/2), float32(size*portable.Pow(ratio, 0.5)/2)
				a.base = append(a.base, box.Box{Y1: -h, X1: -w, Y2: h, X2: w})
			}
		}
	case config.AnchorStyleTorchvision: // torchvision: models/detection/anchor_utils.py
		a.strideY = float32(int(input.Height) / height)
		a.strideX = float32(int(input.Width) / width)
		a.base = ratiosOuter(c, stride, func(h, w float32) box.Box {
			h, w = round(h/2), round(w/2)
			return box.Box{Y1: -h, X1: -w, Y2: h, X2: w}
		})
	case config.AnchorStyleMMDet1: // mmdetection 1.x: core/anchor/anchor_generator.py
		c0 := float32(0.5 * (stride - 1))
		a.base = ratiosOuter(c, stride, func(h, w float32) box.Box {
			h, w = float32(0.5*(h-1)), float32(0.5*(w-1))
			return box.Box{Y1: round(c0 - h), X1: round(c0 - w), Y2: round(c0 + h), X2: round(c0 + w)}
		})
	case config.AnchorStyleDetectron2: // detectron2: modeling/anchor_generator.py, generate_cell_anchors
		for k := range c.ScalesPerOctave {
			size := c.Size * stride * portable.Pow(2, float64(k)/float64(c.ScalesPerOctave))
			for _, ratio := range c.AspectRatios {
				w := math.Sqrt(size * size / ratio)
				halfH, halfW := float32(ratio*w/2), float32(w/2)
				a.base = append(a.base, box.Box{Y1: -halfH, X1: -halfW, Y2: halfH, X2: halfW})
			}
		}
	case config.AnchorStyleMMDet2: // mmdetection: models/task_modules/prior_generators/anchor_generator.py, gen_single_level_base_anchors
		a.base = ratiosOuter(c, stride, func(h, w float32) box.Box {
			h, w = 0.5*h, 0.5*w
			return box.Box{Y1: -h, X1: -w, Y2: h, X2: w}
		})
	}
	return a
}

// ratiosOuter makes a box of each ratio height/width and scale, with PyTorch's float32 rounding.
func ratiosOuter(c *config.Anchors, stride float64, make func(h, w float32) box.Box) []box.Box {
	var boxes []box.Box
	for _, ratio := range c.AspectRatios {
		up := float32(math.Sqrt(float64(float32(ratio))))
		for k := range c.ScalesPerOctave {
			size := float32(c.Size * stride * portable.Pow(2, float64(k)/float64(c.ScalesPerOctave)))
			boxes = append(boxes, make(up*size, (1/up)*size))
		}
	}
	return boxes
}

func round(v float32) float32 { return float32(math.RoundToEven(float64(v))) }

// PerPlace is the number of anchors at a place.
func (a *Anchors) PerPlace() int { return len(a.base) }

// At is anchor k at place (y, x).
func (a *Anchors) At(y, x, k int) box.Box {
	cy := a.first + float32(a.strideY*float32(y))
	cx := a.first + float32(a.strideX*float32(x))
	b := a.base[k]
	return box.Box{Y1: cy + b.Y1, X1: cx + b.X1, Y2: cy + b.Y2, X2: cx + b.X2}
}
