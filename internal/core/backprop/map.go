package backprop

// A Map is a value of a batch: Items × Height × Width × Channels float32, the
// channel fastest. Data begins at pixel (0, 0) of item 0; the floats between rows
// and around items are a border of zeros that windows read.
type Map struct {
	Items, Height, Width, Channels int
	Data                           []float32
	RowStride, ItemStride          int // floats between rows, between items

	border border
	whole  []float32 // with the border of the first item
}

// A border is a number of pixels on each side of a map.
type border struct{ top, left, bottom, right int }

func (b border) grow(c border) border {
	return border{max(b.top, c.top), max(b.left, c.left), max(b.bottom, c.bottom), max(b.right, c.right)}
}

// A shape is the size of a value without its memory.
type shape struct{ n, h, w, c int }

// floats is the memory that a map of the shape takes with its border.
func (s shape) floats(b border) int {
	return s.n * (b.top + s.h + b.bottom) * (b.left + s.w + b.right) * s.c
}

// pastCache says that the map is so large that it has left the caches before it is read.
func (m *Map) pastCache() bool { return 4*len(m.whole) > 8<<20 }

// shape is the size of the map.
func (m *Map) shape() shape { return shape{m.Items, m.Height, m.Width, m.Channels} }

// in makes a map of memory; the border is not cleared.
func (s shape) in(memory []float32, b border) Map {
	m := Map{Items: s.n, Height: s.h, Width: s.w, Channels: s.c, border: b}
	m.RowStride = (b.left + s.w + b.right) * s.c
	m.ItemStride = (b.top + s.h + b.bottom) * m.RowStride
	m.whole = memory[:s.n*m.ItemStride]
	m.Data = m.whole[b.top*m.RowStride+b.left*s.c:]
	return m
}

// Row is row y of an item, Width·Channels floats.
func (m *Map) Row(item, y int) []float32 {
	return m.Data[item*m.ItemStride+y*m.RowStride:][:m.Width*m.Channels]
}

// Pixel is the channels of a pixel.
func (m *Map) Pixel(item, y, x int) []float32 {
	return m.Data[item*m.ItemStride+y*m.RowStride+x*m.Channels:][:m.Channels]
}

// rows is the number of rows of all items.
func (m *Map) rows() int { return m.Items * m.Height }

// row is a row counted through all items.
func (m *Map) row(r int) []float32 { return m.Row(r/m.Height, r%m.Height) }

// clearBorder writes the zeros around row r of all rows, and those above and
// below an item with its first and last row.
func (m *Map) clearBorder(r int) {
	b := m.border
	if b == (border{}) {
		return
	}
	item, y := r/m.Height, r%m.Height
	start := item*m.ItemStride + (b.top+y)*m.RowStride
	clear(m.whole[start : start+b.left*m.Channels])
	clear(m.whole[start+(b.left+m.Width)*m.Channels : start+m.RowStride])
	if y == 0 {
		clear(m.whole[item*m.ItemStride : item*m.ItemStride+b.top*m.RowStride])
	}
	if y == m.Height-1 {
		clear(m.whole[start+m.RowStride : (item+1)*m.ItemStride])
	}
}

// ClearBorders writes the zeros around all items. Whoever fills an input does it.
func (m *Map) ClearBorders() {
	if m.border == (border{}) {
		return
	}
	for r := range m.rows() {
		m.clearBorder(r)
	}
}
