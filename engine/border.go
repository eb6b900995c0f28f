package engine

// A borderZeroer writes the zeros around a value. The step that writes a value
// writes them too, because the memory held something else before.
type borderZeroer struct {
	data   []float32 // with all zeros
	layout *layout
}

func (ws *Workspace) borderOf(v int) borderZeroer {
	l := &ws.plan.layouts[v]
	return borderZeroer{ws.arena[l.offset : l.offset+l.size(ws.plan.rows)], l}
}

// zero writes the zeros that follow the rows [row0, row1), which count over items of
// h rows each, and with the first row those that precede it. h may be a divisor of
// the map's height (a deconvolution writes several rows at once).
func (b borderZeroer) zero(row0, row1, h int) {
	l := b.layout
	if l.border == (border{}) {
		return
	}
	per, row, width, beside, below := l.shape.H/h, l.row(), l.shape.W*l.pixel(), l.beside(), l.below()
	for g := row0; g < row1; g++ {
		item, y := g/h, g%h
		if g == 0 {
			clear(b.data[:l.lead()])
		}
		start := l.lead() + item*l.item()
		for r := y * per; r < (y+1)*per; r++ {
			clear(b.data[start+r*row+width:][:beside])
		}
		if y == h-1 {
			clear(b.data[start+l.shape.H*row:][:below])
		}
	}
}
