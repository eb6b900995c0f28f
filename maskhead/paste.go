// Package maskhead is the third stage: its head as a graph, and the way of a mask from its box into the photo.
package maskhead

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/rle"
)

// Paster puts masks into photos, as runs. Its memory is used again by the next call; it is not safe for concurrent use.
type Paster struct {
	c       *config.Masks
	builder rle.Builder
	single  filler[float32]
	double  filler[float64]
}

// NewPaster makes a paster.
func NewPaster(c *config.Masks) Paster { return Paster{c: c} }

// Paste is the mask of a height×width photo whose object fills mask, n×n probabilities (n > 1) of the box b (photo pixels). A pixel belongs to the object when
// the bilinear value of the mask there is above the threshold of the config; at it is enough for config.PasteGrid.
func (p *Paster) Paste(mask []float32, n int, b box.Box, height, width int) rle.Mask {
	p.builder.Reset(height, width)
	if far := max(-b.Y1, -b.X1, -b.Y2, -b.X2, b.Y1, b.X1, b.Y2, b.X2); far < 1e9 { // also not NaN
		switch p.c.Paste {
		case config.PasteExact:
			p.exact(mask, n, b, height, width)
		case config.PasteInteger: // tpu: utils/mask_utils.py, paste_instance_masks; it takes x, y, width, height
			p.integer(mask, n, b.X1, b.Y1, b.X2-b.X1, b.Y2-b.Y1, height, width)
		case config.PasteBorder: // torchvision: models/detection/roi_heads.py, expand_boxes, paste_mask_in_image
			p.grown((b.X1+b.X2)*0.5, (b.Y1+b.Y2)*0.5, (b.X2-b.X1)*0.5, (b.Y2-b.Y1)*0.5, mask, n, height, width, torch)
		case config.PasteMMDet1: // mmdetection 1.x: models/mask_heads/fcn_mask_head.py, get_seg_masks
			p.single.set(mask, n, 0)
			p.single.rows.cut(b.Y1, b.Y2, height, n, openCV)
			p.single.columns.cut(b.X1, b.X2, width, n, openCV)
			p.single.fill(&p.builder, height, float32(p.c.Threshold))
		case config.PasteGrid:
			p.grid(mask, n, b, height, width)
		}
	}
	return p.builder.Mask()
}

// integer takes the box as corner, width and height.
func (p *Paster) integer(mask []float32, n int, x, y, w, h float32, height, width int) {
	halfW, halfH := float32(w*0.5), float32(h*0.5)
	p.grown(x+halfW, y+halfH, halfW, halfH, mask, n, height, width, openCV)
}

// grown gives the mask a border of one zero, so that it can fade out, and the box with half sides halfW, halfH about (x, y) the room for it.
func (p *Paster) grown(x, y, halfW, halfH float32, mask []float32, n, height, width int, at position) {
	scale := float32(float64(n+2) / float64(n))
	halfW, halfH = float32(halfW*scale), float32(halfH*scale)
	p.single.set(mask, n, 1)
	p.single.rows.cut(y-halfH, y+halfH, height, n+2, at)
	p.single.columns.cut(x-halfW, x+halfW, width, n+2, at)
	p.single.fill(&p.builder, height, float32(p.c.Threshold))
}

// exact leaves the box where it is: a pixel takes the value at its centre, if that lies in the box. The mask has a border of one zero.
func (p *Paster) exact(mask []float32, n int, b box.Box, height, width int) {
	along := func(a *axis[float64], low, high float64, length int) {
		first := math.Ceil(min(max(low-0.5, 0), float64(length)))
		end := math.Floor(max(min(high-0.5, float64(length-1)), -1)) + 1
		a.set(int(first), int(end), n+2, func(i int) (int, float64) {
			at := float64((float64(i)+0.5-low)/max(high-low, 1e-6)*float64(n)) + 0.5
			k := min(max(math.Floor(at), 0), float64(n))
			return int(k), at - k
		})
	}
	p.double.set(mask, n, 1)
	along(&p.double.rows, float64(b.Y1), float64(b.Y2), height)
	along(&p.double.columns, float64(b.X1), float64(b.X2), width)
	p.double.fill(&p.builder, height, p.c.Threshold)
}

// grid is exact in float32, with pixels from one outside of the box on, and those at the threshold itself (detectron2: layers/mask_ops.py,
// _do_paste_mask; ATen: native/GridSampler.h, grid_sampler_unnormalize without aligned corners).
func (p *Paster) grid(mask []float32, n int, b box.Box, height, width int) {
	along := func(a *axis[float32], low, high float32, length int) {
		first := max(int(math.Floor(float64(low)))-1, 0)
		end := min(int(math.Ceil(float64(high)))+1, length)
		a.set(first, end, n+2, func(i int) (int, float32) {
			at := float32((float32(i)+0.5-low)/(high-low)*2) - 1
			at = float32((float32((at+1)*float32(n))-1)/2) + 1 // the border's place is 0
			if !(at >= 0) {
				return 0, 0
			}
			if at >= float32(n+1) {
				return n, 1
			}
			k := float32(math.Floor(float64(at)))
			return int(k), at - k
		})
	}
	p.single.set(mask, n, 1)
	along(&p.single.rows, b.Y1, b.Y2, height)
	along(&p.single.columns, b.X1, b.X2, width)
	p.single.fill(&p.builder, height, math.Nextafter32(float32(p.c.Threshold), -1))
}

// position is where pixel i of size is taken from in a line of n values.
type position func(i, size, n int) (low int, f float32)

// openCV is cv2.resize with INTER_LINEAR (imgproc/src/resize.cpp).
func openCV(i, size, n int) (int, float32) {
	at := float32(float64((float64(i)+0.5)*(float64(n)/float64(size))) - 0.5)
	low := int(math.Floor(float64(at)))
	if low < 0 {
		return 0, 0
	}
	return low, at - float32(low)
}

// torch is interpolate with mode bilinear and align_corners false (ATen: native/UpSample.h, area_pixel_compute_source_index).
func torch(i, size, n int) (int, float32) {
	at := max(float32(float32(n)/float32(size)*(float32(i)+0.5))-0.5, 0)
	low := int(at)
	return low, at - float32(low)
}
