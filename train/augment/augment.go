// Package augment makes what a network is trained on out of pictures with objects:
// turned, scaled and cut at random, normalised, with the boxes and masks moved
// along, as the input pipelines of TensorFlow's Model Garden do it
// (official/vision/dataloaders/maskrcnn_input.py, ops/preprocess_ops.py).
//
// Nothing in here draws numbers: the caller gives draws in [0, 1), so that an example
// follows from them alone.
package augment

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A Picture is 8-bit RGB, rows from top to bottom.
type Picture struct {
	Height, Width int
	Pix           []byte // 3·Height·Width
}

// An Object is a thing in a picture.
type Object struct {
	Class int     // row of the network's classes, above 0
	Box   box.Box // picture pixels
	Mask  Patch
}

// A Patch is the part of a mask around its pixels: Height×Width bytes, 0 or 1, whose
// first is in row Top and column Left of the picture. All around is 0.
type Patch struct {
	Top, Left, Height, Width int
	Bits                     []byte
}

// NewPatch cuts a patch out of a mask; of the whole picture no bitmap is made.
func NewPatch(m rle.Mask) Patch {
	x, y, w, h := m.Bounds()
	p := Patch{Top: y, Left: x, Height: h, Width: w, Bits: make([]byte, h*w)}
	at := 0
	for i, run := range m.Runs {
		end := at + int(run)
		for i%2 == 1 && at < end {
			column := at / m.H
			stop := min(end, (column+1)*m.H)
			for row := at - column*m.H; row < stop-column*m.H; row++ {
				p.Bits[(row-y)*w+column-x] = 1
			}
			at = stop
		}
		at = end
	}
	return p
}

// at is the mask's value in a row and column of the picture.
func (p *Patch) at(row, column int) float32 {
	row, column = row-p.Top, column-p.Left
	if row < 0 || column < 0 || row >= p.Height || column >= p.Width {
		return 0
	}
	return float32(p.Bits[row*p.Width+column])
}

// A View is a part of a picture as the network sees it: the picture is scaled to
// ScaledHeight×ScaledWidth and shown from row OffsetY and column OffsetX on, in
// Height×Width pixels; what is beyond the picture is zero after normalising.
type View struct {
	Height, Width             int // of the network's input
	ScaledHeight, ScaledWidth int
	ScaleY, ScaleX            float32 // input pixels in a picture pixel
	OffsetY, OffsetX          int     // input pixels
}

// Draws of a view, each in [0, 1).
type Draws struct{ Scale, OffsetY, OffsetX float64 }

// Jitter scales a picture of height×width by a factor between low and high, of the
// size at which it would fill the network's input, and cuts a part if it is larger
// (preprocess_ops.py, resize_and_crop_image). low = high = 1 draws nothing.
func Jitter(height, width, inputHeight, inputWidth int, low, high float64, d Draws) View {
	v := View{Height: inputHeight, Width: inputWidth}
	wantY, wantX := float32(inputHeight), float32(inputWidth)
	jitter := low != 1 || high != 1
	if jitter {
		s := float32(float32(d.Scale)*(float32(high)-float32(low))) + float32(low)
		wantY, wantX = roundEven(s*wantY), roundEven(s*wantX)
	}
	h, w := float32(height), float32(width)
	scale := min(wantY/h, wantX/w)
	sy, sx := roundEven(h*scale), roundEven(w*scale)
	v.ScaledHeight, v.ScaledWidth = max(int(sy), 1), max(int(sx), 1)
	v.ScaleY, v.ScaleX = float32(v.ScaledHeight)/h, float32(v.ScaledWidth)/w
	if jitter {
		v.OffsetY = int(max(sy-float32(inputHeight), 0) * float32(d.OffsetY))
		v.OffsetX = int(max(sx-float32(inputWidth), 0) * float32(d.OffsetX))
	}
	return v
}

func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }

// Box is a box of the picture in the view, cut to the network's input.
func (v *View) Box(b box.Box) box.Box {
	y := func(p float32) float32 { return clip(float32(p*v.ScaleY)-float32(v.OffsetY), float32(v.Height)) }
	x := func(p float32) float32 { return clip(float32(p*v.ScaleX)-float32(v.OffsetX), float32(v.Width)) }
	return box.Box{Y1: y(b.Y1), X1: x(b.X1), Y2: y(b.Y2), X2: x(b.X2)}
}

// back is a box of the view in the picture.
func (v *View) back(b box.Box) box.Box {
	y := func(p float32) float32 { return (p + float32(v.OffsetY)) / v.ScaleY }
	x := func(p float32) float32 { return (p + float32(v.OffsetX)) / v.ScaleX }
	return box.Box{Y1: y(b.Y1), X1: x(b.X1), Y2: y(b.Y2), X2: x(b.X2)}
}

func clip(v, limit float32) float32 { return max(min(v, limit), 0) }

// Empty says whether a box has no height or no width.
func Empty(b box.Box) bool { return b.Y2 <= b.Y1 || b.X2 <= b.X1 }

// CropMask fills size×size values of an object's mask in its box, which is one of
// the view: bilinear, with the outermost values at the box's corners and zero
// beyond the picture (tf.image.crop_and_resize).
func (v *View) CropMask(dst []float32, size int, p *Patch, b box.Box, height, width int) {
	b = v.back(b)
	p.interpolate(dst, cornerAligned(size, b.Y1, b.Y2, height), cornerAligned(size, b.X1, b.X2, width))
}

// interpolate fills a value for each row and column.
func (p *Patch) interpolate(dst []float32, rows, columns []sample) {
	for i, r := range rows {
		for j, c := range columns {
			at := i*len(columns) + j
			if !r.inside || !c.inside {
				dst[at] = 0
				continue
			}
			top := p.at(r.low, c.low) + float32(c.f*(p.at(r.low, c.high)-p.at(r.low, c.low)))
			bottom := p.at(r.high, c.low) + float32(c.f*(p.at(r.high, c.high)-p.at(r.high, c.low)))
			dst[at] = top + float32(r.f*(bottom-top))
		}
	}
}

// cells are the middles of size cells between low and high, in a row of n pixels.
func cells(size int, low, high float32, n int) []sample {
	list := make([]sample, size)
	for i := range list {
		at := low + float32((float32(i)+0.5)*(high-low))/float32(size) - 0.5
		at = max(min(at, float32(n-1)), 0)
		f := float32(math.Floor(float64(at)))
		list[i] = sample{int(f), int(math.Ceil(float64(at))), at - f, true}
	}
	return list
}

// CellMask fills size×size values of an object's mask in a box of the view: bilinear at the middle of each cell, between the middles of the picture's pixels, as the
// picture itself is scaled; beyond the picture are its outermost pixels. CropMask looks up to half a pixel of the picture
// beside that, further to the right and down at the picture's beginning and to the left and up at its end, which matters where pictures of small objects are enlarged.
func (v *View) CellMask(dst []float32, size int, p *Patch, b box.Box, height, width int) {
	b = v.back(b)
	p.interpolate(dst, cells(size, b.Y1, b.Y2, height), cells(size, b.X1, b.X2, width))
}

// sample is two neighbours and the weight of the second.
type sample struct {
	low, high int
	f         float32
	inside    bool
}

func cornerAligned(size int, low, high float32, n int) []sample {
	list := make([]sample, size)
	last := float32(n - 1)
	low, high = low/float32(n), high/float32(n)
	step := float32(0)
	if size > 1 {
		step = (high - low) * last / float32(size-1)
	}
	for i := range list {
		at := float32(low*last) + float32(float32(i)*step)
		if size == 1 {
			at = 0.5 * (low + high) * last
		}
		const rounding = 1e-3 // a box that ends with the picture has its corner in it
		if at > last && at < last+rounding {
			at = last
		}
		f := float32(math.Floor(float64(at)))
		list[i] = sample{int(f), int(math.Ceil(float64(at))), at - f, at >= 0 && at <= last}
	}
	return list
}
