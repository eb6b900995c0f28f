package export

import (
	"math"

	"github.com/spinemask/spinemask/rle"
)

// The readers of YOLO's labels and of labelme's files fill the pixels under an outline, too: OpenCV's fillPoly in ultralytics (data/utils.py: polygon2mask) and
// supervision, Pillow's ImageDraw.polygon in labelme. For them an outline goes through the middles of the outermost pixels of a mask, as OpenCV's findContours
// gives it; one around those pixels would come back with a rim.

// A pixel is a place in a picture.
type pixel struct{ x, y int }

// contours gives a closed line for each part of a mask, with the corners that straighten keeps. A line over and back joins the contour of each hole to it, so that
// the even-odd rule leaves the hole empty.
func contours(m rle.Mask) [][]pixel {
	rings := m.Polygons()
	var outer []rle.Ring
	var lines [][][]pixel // of each part: its border, and those of its holes
	for _, r := range rings {
		if !r.Hole {
			outer = append(outer, r)
			lines = append(lines, [][]pixel{borderPixels(r)})
		}
	}
	for _, r := range rings {
		if !r.Hole {
			continue
		}
		if i := smallestAround(outer, r); i >= 0 {
			lines[i] = append(lines[i], borderPixels(r))
		}
	}
	list := make([][]pixel, len(lines))
	for i, part := range lines {
		list[i] = straighten(joinLines(part))
	}
	return list
}

// contour gives one closed line for a whole mask: its parts are joined as holes are, by lines over the background, which costs their pixels.
func contour(m rle.Mask) []pixel {
	var lines [][]pixel
	for _, r := range m.Polygons() {
		lines = append(lines, borderPixels(r))
	}
	if len(lines) == 0 {
		return nil
	}
	return straighten(joinLines(lines))
}

// smallestAround gives the index of the innermost ring that a hole lies in; -1 if there is none.
func smallestAround(outer []rle.Ring, hole rle.Ring) int {
	at, area := -1, math.Inf(1)
	first := middles(hole)[0]
	for i, r := range outer {
		line := middles(r)
		if a := signedArea(line); a < area && inside(first, line) {
			at, area = i, a
		}
	}
	return at
}

// borderPixels is the line through the pixels of the mask that lie along a ring, to the right of its direction: a step of it leads to one of the eight neighbours,
// or straight on over several.
func borderPixels(r rle.Ring) []pixel {
	n := len(r.XY) / 2
	line := make([]pixel, 0, 2*n)
	add := func(p pixel) {
		if len(line) == 0 || line[len(line)-1] != p {
			line = append(line, p)
		}
	}
	for i := range n {
		a, b := pixel{int(r.XY[2*i]), int(r.XY[2*i+1])}, pixel{int(r.XY[2*((i+1)%n)]), int(r.XY[2*((i+1)%n)+1])}
		dx, dy := sign(b.x-a.x), sign(b.y-a.y)
		// The pixel beside the unit edge that begins at a, and that beside the one that ends at b. With y downwards the right side of (dx, dy) is (-dy, dx).
		add(pixel{a.x + min(dx-dy, 0), a.y + min(dx+dy, 0)})
		add(pixel{b.x + min(-dx-dy, 0), b.y + min(dx-dy, 0)})
	}
	if len(line) > 1 && line[0] == line[len(line)-1] {
		line = line[:len(line)-1]
	}
	return line
}

func sign(v int) int { return min(max(v, -1), 1) }

// joinLines makes one closed line of several, by lines over and back between the nearest points of them. The next one is always the nearest to those that are
// joined already, so that no line crosses another hole.
func joinLines(lines [][]pixel) []pixel {
	joined := lines[0]
	type link struct {
		from, to pixel
		distance int
	}
	links := make([]link, len(lines))
	for i := range links {
		links[i].distance = math.MaxInt
	}
	nearer := func(added []pixel) {
		for i, line := range lines {
			if line == nil {
				continue
			}
			for _, p := range added {
				for _, q := range line {
					if d := (p.x-q.x)*(p.x-q.x) + (p.y-q.y)*(p.y-q.y); d < links[i].distance {
						links[i] = link{p, q, d}
					}
				}
			}
		}
	}
	added := lines[0]
	lines[0] = nil
	for range len(lines) - 1 {
		nearer(added)
		best := -1
		for i, line := range lines {
			if line != nil && (best < 0 || links[i].distance < links[best].distance) {
				best = i
			}
		}
		added, lines[best] = lines[best], nil
		joined = insert(joined, added, links[best].from, links[best].to)
	}
	return joined
}

// insert goes at point from of line to point to of other, around it, and back.
func insert(line, other []pixel, from, to pixel) []pixel {
	i, j := 0, 0
	for line[i] != from {
		i++
	}
	for other[j] != to {
		j++
	}
	out := make([]pixel, 0, len(line)+len(other)+2)
	out = append(out, line[:i+1]...)
	out = append(out, other[j:]...)
	out = append(out, other[:j+1]...)
	return append(out, line[i:]...)
}

// straighten leaves out the points of a closed line that lie on the straight line between two others. Even half a pixel beside it would be too much: Pillow fills
// what is inside, but does not draw the line. It splits as Douglas and Peucker do.
func straighten(line []pixel) []pixel {
	far := 0
	for i, p := range line {
		if distance(p, line[0]) > distance(line[far], line[0]) {
			far = i
		}
	}
	closed := append(line[:len(line):len(line)], line[0])
	keep := make([]bool, len(closed))
	keep[0], keep[far] = true, true
	keepCorners(closed, 0, far, keep)
	keepCorners(closed, far, len(line), keep)
	var out []pixel
	for i, p := range line {
		if keep[i] {
			out = append(out, p)
		}
	}
	return out
}

func distance(p, q pixel) int { return (p.x-q.x)*(p.x-q.x) + (p.y-q.y)*(p.y-q.y) }

// keepCorners keeps the point between two that is furthest from the straight line between them, and goes on on both sides of it.
func keepCorners(line []pixel, from, to int, keep []bool) {
	a, b := line[from], line[to]
	dx, dy := b.x-a.x, b.y-a.y
	length := max(dx, -dx, dy, -dy)
	at, worst := -1, 0
	for i := from + 1; i < to; i++ {
		px, py := line[i].x-a.x, line[i].y-a.y
		off := 2 * max(px, -px, py, -py) // twice the distance in pixels, times length if that is not 0
		if length > 0 {
			beside, along := dx*py-dy*px, px*sign(dx)
			if max(dx, -dx) < length {
				along = py * sign(dy)
			}
			off = max(2*beside, -2*beside, -2*length*along, 2*length*(along-length))
		}
		if off > worst {
			at, worst = i, off
		}
	}
	if at >= 0 {
		keep[at] = true
		keepCorners(line, from, at, keep)
		keepCorners(line, at, to, keep)
	}
}

// corners gives a contour as coordinates that readers bring to whole pixels, whether they cut digits off (ultralytics, labelme) or round (supervision): they lie
// just below the middles of pixels, so that also the points between them, which ultralytics puts there, meet the right pixel most often. Of a pixel, and of a
// straight line of pixels, it makes a narrow rectangle: readers want three points at least.
func corners(line []pixel) []point {
	if len(line) > 2 {
		out := make([]point, len(line))
		for i, p := range line {
			out[i] = point{float64(p.x) + 0.49, float64(p.y) + 0.49}
		}
		return out
	}
	a, b := line[0], line[len(line)-1]
	ux, uy := 1.0, 0.0
	if a != b {
		length := math.Hypot(float64(b.x-a.x), float64(b.y-a.y))
		ux, uy = float64(b.x-a.x)/length, float64(b.y-a.y)/length
	}
	const half = 0.125
	at := func(p pixel, along, beside float64) point {
		round := func(v float64) float64 { return math.Round(v*1000) / 1000 }
		return point{round(float64(p.x) + 0.25 + float64(half*(float64(along*ux)-float64(beside*uy)))), round(float64(p.y) + 0.25 + float64(half*(float64(along*uy)+float64(beside*ux))))}
	}
	return []point{at(a, -1, -1), at(b, 1, -1), at(b, 1, 1), at(a, -1, 1)}
}
