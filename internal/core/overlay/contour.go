package overlay

import (
	"math"

	"github.com/spinemask/spinemask/rle"
)

// A point is a place in the photo: pixel (x, y) covers the square from (x, y) to (x+1, y+1).
type point struct{ x, y float64 }

// contours gives the smooth closed outlines of a mask: outer borders clockwise (as seen with y downwards), holes the other way around.
func contours(m rle.Mask) [][]point {
	b := newBitmap(m)
	var loops [][]point
	b.borders(func(edges []point) { loops = append(loops, smooth(edges)) })
	return loops
}

// bitmap holds the part of a mask in its bounding box, with a frame of background pixels.
type bitmap struct {
	x0, y0 int // place of bits[0] in the photo
	w, h   int
	bits   []bool // row by row
}

func newBitmap(m rle.Mask) bitmap {
	x, y, w, h := m.Bounds()
	if w == 0 {
		return bitmap{}
	}
	b := bitmap{x0: x - 1, y0: y - 1, w: w + 2, h: h + 2}
	b.bits = make([]bool, b.w*b.h)
	eachPixel(m, func(x, y int) { b.bits[(y-b.y0)*b.w+x-b.x0] = true })
	return b
}

// eachPixel visits the foreground, column by column.
func eachPixel(m rle.Mask, f func(x, y int)) {
	at := 0
	for i, n := range m.Runs {
		if i%2 == 1 {
			for p := at; p < at+int(n); p++ {
				f(p/m.H, p%m.H)
			}
		}
		at += int(n)
	}
}

// borders follows the cracks between foreground and background, foreground to the right, and reports the middle of each unit edge.
// Where two pixels touch at a corner only, they are separate.
func (b bitmap) borders(report func(edges []point)) {
	seen := make([]bool, len(b.bits)) // pixels whose upper edge has been passed
	for start := range b.bits {
		if !b.bits[start] || b.bits[start-b.w] || seen[start] {
			continue
		}
		var edges []point
		// (x, y) is a corner of the grid of pixels, (dx, dy) the direction of the edge that leaves it.
		x, y, dx, dy := start%b.w, start/b.w, 1, 0
		for {
			if dx == 1 {
				if seen[y*b.w+x] {
					break // once around
				}
				seen[y*b.w+x] = true
			}
			edges = append(edges, point{float64(b.x0+x) + float64(dx)/2, float64(b.y0+y) + float64(dy)/2})
			x, y = x+dx, y+dy
			// The pixels ahead of the new corner, to the right and to the left of the direction.
			right := b.bits[(y+(dy+dx-1)/2)*b.w+x+(dx-dy-1)/2]
			left := b.bits[(y+(dy-dx-1)/2)*b.w+x+(dx+dy-1)/2]
			switch {
			case !right:
				dx, dy = -dy, dx
			case left:
				dx, dy = dy, -dx
			}
		}
		report(edges)
	}
}

// smooth takes the stairs out of a closed line with a Gaussian, applied so that it hardly shrinks curves: 2g − g∘g, whose passband is flat. No point goes
// further than half a pixel from the place where it was, so that the result is as true to the mask as the stairs are.
func smooth(edges []point) []point {
	const leash = 0.5                       // pixels
	sigma := min(4, float64(len(edges))/24) // edges; less for outlines of few edges
	once := blur(edges, sigma)
	twice := blur(once, sigma)
	out := make([]point, len(edges))
	for i, e := range edges {
		dx, dy := 2*once[i].x-twice[i].x-e.x, 2*once[i].y-twice[i].y-e.y
		if d := math.Hypot(dx, dy); d > leash {
			dx, dy = dx*leash/d, dy*leash/d
		}
		out[i] = point{e.x + dx, e.y + dy}
	}
	return out
}

// blur averages the points of a closed line with a Gaussian of the given standard deviation in points.
func blur(line []point, sigma float64) []point {
	var weights [13]float64 // 0 … 3 sigma
	reach := int(3 * sigma)
	sum := 0.0
	for k := 0; k <= reach; k++ {
		weights[k] = math.Exp(-float64(k*k) / (2 * sigma * sigma))
		sum += weights[k]
		if k > 0 {
			sum += weights[k]
		}
	}
	n := len(line)
	out := make([]point, n)
	for i := range line {
		var p point
		for k := -reach; k <= reach; k++ {
			w := weights[max(k, -k)] / sum
			q := line[((i+k)%n+n)%n]
			p.x, p.y = p.x+w*q.x, p.y+w*q.y
		}
		out[i] = p
	}
	return out
}
