package tile

import (
	"image"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A merger finds out which sightings of the tiles are of the same object.
type merger struct {
	grid   *grid
	bounds image.Rectangle // of the picture
	seen   []sighting
	tiles  [][]int // sightings of each tile, indexes in seen
	build  rle.Builder
}

func newMerger(g *grid) *merger {
	return &merger{grid: g, bounds: g.photo.Bounds(), tiles: make([][]int, g.tiles())}
}

// A sighting is an instance as one tile sees it, with mask and box in pixels of the picture.
type sighting struct {
	spinemask.Instance
	tile   int
	frame  image.Rectangle // of the tile
	rect   image.Rectangle // around the mask
	whole  bool            // it does not touch a side of the tile behind which the picture goes on
	parent int             // index of another sighting of the same object, or its own
}

// add takes over what a tile sees, in pixels of the tile, by falling score.
func (m *merger) add(tile int, instances []spinemask.Instance) {
	frame := m.grid.rect(tile)
	taken := map[int]bool{} // sightings of other tiles that have their counterpart in this one
	for _, in := range instances {
		in.Mask = m.lift(in.Mask, frame.Min)
		x, y, w, h := in.Mask.Bounds()
		if w == 0 {
			continue
		}
		in.Box = m.moved(in.Box, frame.Min)
		at := len(m.seen)
		s := sighting{Instance: in, tile: tile, frame: frame, rect: image.Rect(x, y, x+w, y+h), parent: at}
		s.whole = m.isWhole(s.rect, frame)
		m.seen = append(m.seen, s)
		m.tiles[tile] = append(m.tiles[tile], at)
		for _, t := range m.grid.before(tile) {
			if i := m.counterpart(&s, t, taken); i >= 0 {
				taken[i] = true
				m.join(i, at)
			}
		}
	}
}

// counterpart is the sighting of another tile that agrees best with s; -1 is none.
func (m *merger) counterpart(s *sighting, tile int, taken map[int]bool) int {
	best, at := 0.5, -1
	for _, i := range m.tiles[tile] {
		if taken[i] {
			continue
		}
		if agreement := agreement(&m.seen[i], s); agreement > best {
			best, at = agreement, i
		}
	}
	return at
}

// agreement is the IoU of two sightings where their tiles overlap, 0 for different classes.
func agreement(a, b *sighting) float64 {
	if a.Category != b.Category || !a.rect.Overlaps(b.rect) {
		return 0
	}
	common := rle.IntersectionArea(a.Mask.Runs, b.Mask.Runs)
	if common == 0 {
		return 0
	}
	both := a.frame.Intersect(b.frame)
	return float64(common) / float64(areaIn(a.Mask, both)+areaIn(b.Mask, both)-common)
}

// first is the index of the first sighting of the object that sighting i is one of.
func (m *merger) first(i int) int {
	for m.seen[i].parent != i {
		m.seen[i].parent = m.seen[m.seen[i].parent].parent // shorter for the next one that asks
		i = m.seen[i].parent
	}
	return i
}

// join says that two sightings, and all that are joined with them, are of one object.
func (m *merger) join(i, j int) {
	i, j = m.first(i), m.first(j)
	m.seen[max(i, j)].parent = min(i, j)
}

// lift puts a mask of a tile to its place in the picture. What lies beyond the picture is left out.
func (m *merger) lift(mask rle.Mask, at image.Point) rle.Mask {
	height, width := m.bounds.Dy(), m.bounds.Dx()
	m.build.Reset(height, width)
	done, p := 0, 0
	for i, n := range mask.Runs {
		end := p + int(n)
		for i%2 == 1 && p < end {
			x := p / mask.H
			stop := min(end, (x+1)*mask.H)
			top, bottom := at.Y+p-x*mask.H, min(at.Y+stop-x*mask.H, height)
			p = stop
			if top >= bottom || at.X+x >= width {
				continue
			}
			begin := (at.X+x)*height + top
			m.build.Run(false, begin-done)
			m.build.Run(true, bottom-top)
			done = begin + bottom - top
		}
		p = end
	}
	return m.build.Mask()
}

// moved puts a box of a tile to its place in the picture. What a picture was filled up with belongs to no box.
func (m *merger) moved(b box.Box, by image.Point) box.Box {
	x, y, right, bottom := float32(by.X), float32(by.Y), float32(m.bounds.Max.X), float32(m.bounds.Max.Y)
	return box.Box{Y1: b.Y1 + y, X1: b.X1 + x, Y2: min(b.Y2+y, bottom), X2: min(b.X2+x, right)}
}

// border is how near to the border of its tile, in pixels, a mask counts as touching it: a model's masks often end a pixel before.
const border = 2

// isWhole says whether nothing of an instance can lie beyond its tile.
func (m *merger) isWhole(r, tile image.Rectangle) bool {
	return (r.Min.X >= tile.Min.X+border || tile.Min.X == m.bounds.Min.X) && (r.Max.X <= tile.Max.X-border || tile.Max.X == m.bounds.Max.X) &&
		(r.Min.Y >= tile.Min.Y+border || tile.Min.Y == m.bounds.Min.Y) && (r.Max.Y <= tile.Max.Y-border || tile.Max.Y == m.bounds.Max.Y)
}

// areaIn counts the pixels of a mask within a rectangle.
func areaIn(m rle.Mask, r image.Rectangle) uint64 {
	var sum uint64
	p := 0
	for i, n := range m.Runs {
		end := p + int(n)
		for i%2 == 1 && p < end {
			x := p / m.H
			stop := min(end, (x+1)*m.H)
			if x >= r.Min.X && x < r.Max.X {
				sum += uint64(max(min(stop-x*m.H, r.Max.Y)-max(p-x*m.H, r.Min.Y), 0))
			}
			p = stop
		}
		p = end
	}
	return sum
}
