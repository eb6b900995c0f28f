package tile

import (
	"cmp"
	"image"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// A merger joins what the tiles see.
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

// add takes over what a tile sees, in pixels of the tile.
func (m *merger) add(tile int, instances []spinemask.Instance) {
	frame := m.grid.rect(tile)
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
		for _, t := range m.grid.before(tile) {
			for _, i := range m.tiles[t] {
				if same(&m.seen[i], &m.seen[at]) {
					m.join(i, at)
				}
			}
		}
		m.tiles[tile] = append(m.tiles[tile], at)
	}
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

// isWhole says whether nothing of an instance can lie beyond its tile. A model's masks often end a pixel before the border.
func (m *merger) isWhole(r, tile image.Rectangle) bool {
	const near = 2
	return (r.Min.X >= tile.Min.X+near || tile.Min.X == m.bounds.Min.X) && (r.Max.X <= tile.Max.X-near || tile.Max.X == m.bounds.Max.X) &&
		(r.Min.Y >= tile.Min.Y+near || tile.Min.Y == m.bounds.Min.Y) && (r.Max.Y <= tile.Max.Y-near || tile.Max.Y == m.bounds.Max.Y)
}

// same says whether two tiles see the same instance: of one class, with masks that agree where the tiles overlap. Of two that are whole, the smaller one must
// not be a part of a larger; a piece may be.
func same(a, b *sighting) bool {
	if a.Category != b.Category || !a.rect.Overlaps(b.rect) {
		return false
	}
	common := rle.IntersectionArea(a.Mask.Runs, b.Mask.Runs)
	if common == 0 {
		return false
	}
	both := a.frame.Intersect(b.frame)
	inA, inB := areaIn(a.Mask, both), areaIn(b.Mask, both)
	if a.whole && b.whole {
		return 2*common >= inA+inB-common // IoU of a half
	}
	return 3*common >= 2*min(inA, inB)
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

// instances makes one of all sightings of an instance: the best of those that are whole, or else, for a thing that no tile holds, all pieces together.
func (m *merger) instances() []spinemask.Instance {
	groups := map[int][]*sighting{}
	var order []int
	for i := range m.seen {
		first := m.first(i)
		if first == i {
			order = append(order, i)
		}
		groups[first] = append(groups[first], &m.seen[i])
	}
	list := make([]spinemask.Instance, 0, len(order))
	for _, g := range order {
		list = append(list, merge(groups[g]))
	}
	slices.SortStableFunc(list, func(a, b spinemask.Instance) int { return cmp.Compare(b.Score, a.Score) })
	return list
}

func merge(group []*sighting) spinemask.Instance {
	var best *sighting
	for _, s := range group {
		if s.whole && (best == nil || s.Score > best.Score) {
			best = s
		}
	}
	if best != nil {
		return best.Instance
	}
	in := group[0].Instance
	masks := make([]rle.Mask, len(group))
	for i, s := range group {
		masks[i] = s.Mask
		in.Score = max(in.Score, s.Score)
		in.Box = box.Box{Y1: min(in.Box.Y1, s.Box.Y1), X1: min(in.Box.X1, s.Box.X1), Y2: max(in.Box.Y2, s.Box.Y2), X2: max(in.Box.X2, s.Box.X2)}
	}
	in.Mask = rle.Union(masks...)
	return in
}
