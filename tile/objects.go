package tile

import (
	"cmp"
	"image"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/rle"
)

// An object is what all sightings of it come to.
type object struct {
	spinemask.Instance
	rect  image.Rectangle // around the mask
	area  uint64          // of the mask, pixels
	tiles []int           // that saw it
	whole bool            // one of them saw it whole
}

// instances gives the objects of the picture by falling score, without pieces and halves of others.
func (m *merger) instances() []spinemask.Instance {
	list := slices.DeleteFunc(m.objects(), m.isHalf)
	list = m.withoutPieces(list)
	slices.SortStableFunc(list, func(a, b *object) int { return cmp.Compare(b.Score, a.Score) })
	out := make([]spinemask.Instance, len(list))
	for i, o := range list {
		out[i] = o.Instance
	}
	return out
}

// objects makes one of all sightings of an object, in the order of their first sightings.
func (m *merger) objects() []*object {
	groups := map[int][]*sighting{}
	var order []int
	for i := range m.seen {
		first := m.first(i)
		if first == i {
			order = append(order, i)
		}
		groups[first] = append(groups[first], &m.seen[i])
	}
	list := make([]*object, len(order))
	for i, first := range order {
		list[i] = merge(groups[first])
	}
	return list
}

// merge takes the best of the sightings that are whole, or else, for an object that no tile holds, all together.
func merge(group []*sighting) *object {
	o := &object{}
	var best *sighting
	for _, s := range group {
		o.tiles = append(o.tiles, s.tile)
		if s.whole && (best == nil || s.Score > best.Score) {
			best = s
		}
	}
	if best != nil {
		o.Instance, o.rect, o.area, o.whole = best.Instance, best.rect, best.Mask.Area(), true
		return o
	}
	o.Instance = group[0].Instance
	masks := make([]rle.Mask, len(group))
	for i, s := range group {
		masks[i] = s.Mask
		o.rect = o.rect.Union(s.rect)
		o.Score = max(o.Score, s.Score)
		o.Box = box.Box{Y1: min(o.Box.Y1, s.Box.Y1), X1: min(o.Box.X1, s.Box.X1), Y2: max(o.Box.Y2, s.Box.Y2), X2: max(o.Box.X2, s.Box.X2)}
	}
	o.Mask = rle.Union(masks...)
	o.area = o.Mask.Area()
	return o
}
