// Package preprocess turns the pixels of a photo into the input of a network:
// normalised, resized and padded with zeros, in the order and the arithmetic of
// the system that the weights were trained with.
package preprocess

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
)

// Geometry says how a photo lies in the network's input, and so how to get
// back. The photo, or the part of it that was cut out, fills the upper left
// corner.
type Geometry struct {
	Height, Width             int // of the photo
	CropY, CropX              int // where the part begins that the network sees
	CropHeight, CropWidth     int // its size: the photo's, but for FitCentreCrop
	ScaledHeight, ScaledWidth int // of the photo in the input
	InputHeight, InputWidth   int // of the input, padding included
	// ResizedHeight and ResizedWidth are the size of the whole photo as it is resized, of which the input shows a part from
	// OffsetY, OffsetX on. They are those of FitResizedCrop, else 0.
	ResizedHeight, ResizedWidth, OffsetY, OffsetX int
	canvas                                        box.Size
	multiply                                      bool // how ToPhoto scales
}

// Fit places a photo of height×width pixels in the input of a model.
func Fit(c *config.Input, height, width int) (Geometry, error) {
	if height < 1 || width < 1 {
		return Geometry{}, fmt.Errorf("preprocess: photo of %d×%d pixels", height, width)
	}
	g := Geometry{Height: height, Width: width, CropHeight: height, CropWidth: width, multiply: c.Fit == config.FitShortestEdge || c.Fit == config.FitShortestEdgeRounded}
	// Other fits bring the shorter side to MinSize, or the longer one to MaxSize.
	edge := min(float64(c.MinSize)/float64(min(height, width)), float64(c.MaxSize)/float64(max(height, width)))
	switch c.Fit {
	case config.FitFixedSize:
		// tpu: utils/input_utils.py, resize_and_crop_image.
		h, w := float32(height), float32(width)
		scale := min(float32(c.Height)/h, float32(c.Width)/w)
		g.ScaledHeight = int(math.RoundToEven(float64(h * scale)))
		g.ScaledWidth = int(math.RoundToEven(float64(w * scale)))
		g.canvas = box.Size{Height: float32(c.Height), Width: float32(c.Width)}
		g.InputHeight, g.InputWidth = up(c.Height, c.PadMultiple), up(c.Width, c.PadMultiple)
	case config.FitShortestEdge:
		// torchvision: models/detection/transform.py, _resize_image_and_masks.
		g.ScaledHeight, g.ScaledWidth = int(float64(height)*edge), int(float64(width)*edge)
	case config.FitKeepRatio:
		// mmcv: image/geometric.py, rescale_size.
		g.ScaledHeight = int(float64(float64(height)*edge) + 0.5)
		g.ScaledWidth = int(float64(float64(width)*edge) + 0.5)
	case config.FitShortestEdgeRounded:
		g.ScaledHeight, g.ScaledWidth = shortestEdgeRounded(c, height, width)
	case config.FitCentreCrop:
		g.crop(c.Crop)
		g.ScaledHeight, g.ScaledWidth = c.Height, c.Width
		g.canvas = box.Size{Height: float32(c.Height), Width: float32(c.Width)}
		g.InputHeight, g.InputWidth = c.Height, c.Width
	case config.FitResizedCrop:
		g.resizedCrop(c)
	default:
		return Geometry{}, fmt.Errorf("preprocess: no fit %q", c.Fit)
	}
	if g.ScaledHeight < 1 || g.ScaledWidth < 1 {
		return Geometry{}, fmt.Errorf("preprocess: %d×%d pixels are too far from square: resized to %d×%d", height, width, g.ScaledHeight, g.ScaledWidth)
	}
	if !c.HasSize() {
		g.canvas = box.Size{Height: float32(g.ScaledHeight), Width: float32(g.ScaledWidth)}
		g.InputHeight, g.InputWidth = up(g.ScaledHeight, c.PadMultiple), up(g.ScaledWidth, c.PadMultiple)
	}
	return g, nil
}

// shortestEdgeRounded is detectron2's data/transforms/augmentation_impl.py, ResizeShortestEdge.get_output_shape, in float64.
func shortestEdgeRounded(c *config.Input, height, width int) (h, w int) {
	size := float64(c.MinSize)
	scale := size / float64(min(height, width))
	newHeight, newWidth := size, float64(scale*float64(width))
	if height >= width {
		newHeight, newWidth = float64(scale*float64(height)), size
	}
	if longer := max(newHeight, newWidth); longer > float64(c.MaxSize) {
		scale = float64(c.MaxSize) / longer
		newHeight, newWidth = float64(newHeight*scale), float64(newWidth*scale)
	}
	return int(newHeight + 0.5), int(newWidth + 0.5)
}

// crop cuts a square of so many shorter sides out of the middle. Its side is
// rounded down; the offset is that of the side before (tpu:
// dataloader/classification_parser.py, Garden: ops/preprocess_ops.py,
// center_crop_image, both in float32).
func (g *Geometry) crop(part float64) {
	side := float32(float32(part) * float32(min(g.Height, g.Width)))
	g.CropHeight, g.CropWidth = max(1, int(side)), max(1, int(side))
	g.CropY, g.CropX = int((float32(g.Height)-side)/2), int((float32(g.Width)-side)/2)
}

// resizedCrop is torchvision's transforms/functional.py, resize (_compute_resized_output_size) and center_crop.
func (g *Geometry) resizedCrop(c *config.Input) {
	short, long := min(g.Height, g.Width), max(g.Height, g.Width)
	g.ResizedHeight, g.ResizedWidth = c.MinSize, c.MinSize*long/short
	if g.Width <= g.Height {
		g.ResizedHeight, g.ResizedWidth = g.ResizedWidth, g.ResizedHeight
	}
	middle := func(whole, part int) int { return int(math.RoundToEven(float64(whole-part) / 2)) }
	g.OffsetY, g.OffsetX = middle(g.ResizedHeight, c.Height), middle(g.ResizedWidth, c.Width)
	g.ScaledHeight, g.ScaledWidth = c.Height, c.Width
	g.InputHeight, g.InputWidth = c.Height, c.Width
	g.canvas = box.Size{Height: float32(c.Height), Width: float32(c.Width)}
}

// up is the next multiple of m from n on.
func up(n, m int) int { return (n + m - 1) / max(m, 1) * max(m, 1) }

// Input is the size of the network's input in input pixels.
func (g *Geometry) Input() box.Size {
	return box.Size{Height: float32(g.InputHeight), Width: float32(g.InputWidth)}
}

// Clip is the limit of boxes, in input pixels, under a rule.
func (g *Geometry) Clip(rule config.Clip) box.Size {
	switch rule {
	case config.ClipCanvas:
		return g.canvas
	case config.ClipCanvasMinusOne:
		return box.Size{Height: g.canvas.Height - 1, Width: g.canvas.Width - 1}
	case config.ClipImageMinusOne:
		return box.Size{Height: float32(g.ScaledHeight - 1), Width: float32(g.ScaledWidth - 1)}
	}
	return box.Size{Height: float32(g.ScaledHeight), Width: float32(g.ScaledWidth)}
}

// Scale is the number of input pixels in a photo pixel.
func (g *Geometry) Scale() box.Size {
	return box.Size{Height: float32(g.ScaledHeight) / float32(g.Height), Width: float32(g.ScaledWidth) / float32(g.Width)}
}

// ToPhoto moves a box from input pixels to photo pixels. It does not clip.
func (g *Geometry) ToPhoto(b box.Box) box.Box {
	if g.multiply { // torchvision: models/detection/transform.py, resize_boxes; detectron2: modeling/postprocessing.py
		y := float32(g.Height) / float32(g.ScaledHeight)
		x := float32(g.Width) / float32(g.ScaledWidth)
		return box.Box{Y1: b.Y1 * y, X1: b.X1 * x, Y2: b.Y2 * y, X2: b.X2 * x}
	}
	s := g.Scale()
	return box.Box{Y1: b.Y1 / s.Height, X1: b.X1 / s.Width, Y2: b.Y2 / s.Height, X2: b.X2 / s.Width}
}
