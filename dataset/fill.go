package dataset

import (
	"math"
	"slices"

	"github.com/spinemask/spinemask/rle"
)

// A pixel is a place in a picture.
type pixel struct{ x, y int }

// A canvas is the part of a picture that shapes are painted on, a byte a pixel: their
// bounds, never more than the picture.
type canvas struct {
	x, y, w, h int
	bits       []byte
}

// newCanvas covers columns x0 … x1 and rows y0 … y1 as far as they lie in the picture.
func newCanvas(x0, y0, x1, y1, height, width int) *canvas {
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width-1), min(y1, height-1)
	c := &canvas{x: x0, y: y0, w: max(x1-x0+1, 0), h: max(y1-y0+1, 0)}
	c.bits = make([]byte, c.w*c.h)
	return c
}

// span paints columns x0 … x1 of a row.
func (c *canvas) span(x0, x1, y int) {
	if y < c.y || y >= c.y+c.h {
		return
	}
	for x := max(x0, c.x); x <= min(x1, c.x+c.w-1); x++ {
		c.bits[(y-c.y)*c.w+x-c.x] = 1
	}
}

// mask makes runs of the canvas.
func (c *canvas) mask(height, width int) rle.Mask {
	var b rle.Builder
	b.Reset(height, width)
	if c.w == 0 || c.h == 0 {
		return b.Mask()
	}
	b.Run(false, c.x*height)
	column := make([]byte, c.h)
	for x := range c.w {
		for y := range column {
			column[y] = c.bits[y*c.w+x]
		}
		b.Run(false, c.y)
		b.Column(column)
		b.Run(false, height-c.y-c.h)
	}
	return b.Mask()
}

// canvasOf covers the bounds of a polygon.
func canvasOf(line []pixel, height, width int) *canvas {
	x0, y0, x1, y1 := math.MaxInt, math.MaxInt, math.MinInt, math.MinInt
	for _, p := range line {
		x0, y0, x1, y1 = min(x0, p.x), min(y0, p.y), max(x1, p.x), max(y1, p.y)
	}
	return newCanvas(x0, y0, x1, y1, height, width)
}

// wholePixels cuts the digits off coordinates x0, y0, x1, y1, … as Pillow and ultralytics
// do. Coordinates far from every picture are brought nearer, so that products stay exact.
func wholePixels(xy []float64) []pixel {
	line := make([]pixel, len(xy)/2)
	for i := range line {
		line[i] = pixel{int(near(xy[2*i])), int(near(xy[2*i+1]))}
	}
	return line
}

func near(v float64) float64 { return min(max(v, -1<<24), 1<<24) }

// fillLabelme rasterises a polygon as labelme does, with Pillow's ImageDraw.polygon
// (src/libImaging/Draw.c: polygon_generic): vertices are whole pixels; in each row the
// pixels between two edges are set, rounded to the nearest, and horizontal edges.
func fillLabelme(xy []float64, height, width int) rle.Mask {
	line := wholePixels(xy)
	c := canvasOf(line, height, width)
	low, high := line[0].y, line[0].y
	for _, p := range line {
		low, high = min(low, p.y), max(high, p.y)
	}
	var xx []float64
	for y := max(low, 0); y <= min(high, height-1); y++ {
		xx = xx[:0]
		for i, a := range line {
			b := line[(i+1)%len(line)]
			if a.y == b.y {
				if a.y == y {
					c.span(min(a.x, b.x), max(a.x, b.x), y)
				}
				continue
			}
			top, bottom := min(a.y, b.y), max(a.y, b.y)
			if y < top || y > bottom {
				continue
			}
			x := float64(float32(float32(y-a.y)*(float32(b.x-a.x)/float32(b.y-a.y))) + float32(a.x))
			xx = append(xx, x)
			if y == bottom && y < high { // an edge that ends meets the next one, or closes a part
				xx = append(xx, x)
			}
		}
		slices.Sort(xx)
		for i := 1; i < len(xx); i += 2 {
			c.span(int(math.Floor(xx[i-1]+0.5)), int(math.Ceil(xx[i]-0.5)), y)
		}
	}
	return c.mask(height, width)
}

// fillYOLO rasterises a polygon as ultralytics does, with OpenCV's fillPoly
// (modules/imgproc/src/drawing.cpp): vertices are whole pixels, the pixels of the line
// itself are set, and those inside of it by the even-odd rule.
func fillYOLO(xy []float64, height, width int) rle.Mask {
	line := wholePixels(xy)
	c := canvasOf(line, height, width)
	var xx []float64
	for y := c.y; y < c.y+c.h; y++ {
		xx = xx[:0]
		for i, a := range line {
			b := line[(i+1)%len(line)]
			if a.y > b.y {
				a, b = b, a
			}
			if y < a.y || y >= b.y {
				continue
			}
			xx = append(xx, float64(a.x)+float64(y-a.y)*float64(b.x-a.x)/float64(b.y-a.y))
		}
		slices.Sort(xx)
		for i := 1; i < len(xx); i += 2 {
			c.span(int(math.Ceil(xx[i-1])), int(math.Floor(xx[i])), y)
		}
	}
	for i, a := range line {
		c.line(a, line[(i+1)%len(line)])
	}
	return c.mask(height, width)
}

// line paints a straight line of pixels, each a neighbour of the one before it
// (Bresenham 1965), from left to right as OpenCV's LineIterator goes in fillPoly.
func (c *canvas) line(a, b pixel) {
	if a.x > b.x {
		a, b = b, a
	}
	dx, dy := b.x-a.x, b.y-a.y
	step := 1
	if dy < 0 {
		dy, step = -dy, -1
	}
	if dx >= dy {
		err := dx - 2*dy
		for x, y := a.x, a.y; x <= b.x; x++ {
			c.span(x, x, y)
			if err < 0 {
				y += step
				err += 2 * dx
			}
			err -= 2 * dy
		}
		return
	}
	err := dy - 2*dx
	for x, y, n := a.x, a.y, 0; n <= dy; n++ {
		c.span(x, x, y)
		if err < 0 {
			x++
			err += 2 * dy
		}
		err -= 2 * dx
		y += step
	}
}

// fillRectangle sets all pixels from one corner to the other, as Pillow's
// ImageDraw.rectangle: both are in it.
func fillRectangle(x0, y0, x1, y1 float64, height, width int) rle.Mask {
	p := wholePixels([]float64{min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)})
	c := newCanvas(p[0].x, p[0].y, p[1].x, p[1].y, height, width)
	for i := range c.bits {
		c.bits[i] = 1
	}
	return c.mask(height, width)
}

// fillCircle sets the pixels whose middles lie within a circle that fits the box of
// whole pixels which Pillow's ImageDraw.ellipse is given.
func fillCircle(cx, cy, radius float64, height, width int) rle.Mask {
	p := wholePixels([]float64{cx - radius, cy - radius, cx + radius, cy + radius})
	c := newCanvas(p[0].x, p[0].y, p[1].x, p[1].y, height, width)
	mx, my := float64(float64(p[0].x+p[1].x)/2), float64(float64(p[0].y+p[1].y)/2)
	rx, ry := float64(p[1].x-p[0].x+1)/2, float64(p[1].y-p[0].y+1)/2
	for y := range c.h {
		for x := range c.w {
			dx, dy := (float64(c.x+x)-mx)/rx, (float64(c.y+y)-my)/ry
			if float64(dx*dx)+float64(dy*dy) <= 1 {
				c.bits[y*c.w+x] = 1
			}
		}
	}
	return c.mask(height, width)
}
