package engine

// A borderZeroer writes the zeros around a value. The step that writes a value
// writes them too, because the memory held something else before.
type borderZeroer struct {
	data   []float32 // from the border's first pixel of item 0
	layout *layout
}

func (ws *Workspace) borderOf(v int) borderZeroer {
	l := &ws.plan.layouts[v]
	return borderZeroer{ws.arena[l.offset : l.offset+l.item()*ws.plan.rows], l}
}

// zero writes the border beside the rows [row0, row1), which count over items
// of h rows each, above an item's first row and below its last. h may be a
// divisor of the map's height (a deconvolution writes several rows at once).
func (b borderZeroer) zero(row0, row1, h int) {
	l := b.layout
	if l.border == (border{}) {
		return
	}
	per := l.shape.H / h
	pixel, row := l.pixel(), l.row()
	for g := row0; g < row1; g++ {
		item, y := g/h, g%h
		start := item * l.item()
		if y == 0 {
			clear(b.data[start : start+l.border.top*row])
		}
		for r := y * per; r < (y+1)*per; r++ {
			at := start + (l.border.top+r)*row
			clear(b.data[at : at+l.border.left*pixel])
			clear(b.data[at+(l.border.left+l.shape.W)*pixel : at+row])
		}
		if y == h-1 {
			clear(b.data[start+(l.border.top+l.shape.H)*row : start+l.item()])
		}
	}
}
