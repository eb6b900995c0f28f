package engine

import "github.com/spinemask/spinemask/graph"

// A border is a number of pixels on each side of a map.
type border struct{ top, left, bottom, right int }

func (b border) grow(c border) border {
	return border{max(b.top, c.top), max(b.left, c.left), max(b.bottom, c.bottom), max(b.right, c.right)}
}

// A layout is the place of a value in the arena: items of H×W×C float32 with the
// channel fastest, among the zeros that the windows of its readers need around each.
// Neighbours share them: what lies behind a row is in front of the next, and what is
// below an item is above the next. Of 7×7 pixels those are a fifth less memory.
// Distances count floats.
type layout struct {
	shape  graph.Shape
	border border
	gap    int // behind the channels of each pixel, of no meaning
	offset int // of the zeros before the first item
}

// pixel is the distance between pixels of a row.
func (l *layout) pixel() int { return l.shape.C + l.gap }

// beside and below are the zeros between rows and between items.
func (l *layout) beside() int { return max(l.border.left, l.border.right) * l.pixel() }
func (l *layout) below() int  { return max(l.border.top, l.border.bottom) * l.row() }

func (l *layout) row() int  { return l.shape.W*l.pixel() + l.beside() }
func (l *layout) item() int { return l.shape.H*l.row() + l.below() }

// lead is the zeros before the first item.
func (l *layout) lead() int { return l.border.top*l.row() + l.border.left*l.pixel() }

// size is that of so many items, with all zeros.
func (l *layout) size(items int) int { return l.lead() + items*l.item() }

// at is the distance of pixel (y, x) of the first item from the start; y and x may
// lie in the border.
func (l *layout) at(y, x int) int { return l.lead() + y*l.row() + x*l.pixel() }

// same says whether two values have their pixels at the same distances.
func (l *layout) same(m *layout) bool {
	return l.shape == m.shape && l.border == m.border && l.gap == m.gap
}

// windowBorder is the border that a step's window reads around its input.
func windowBorder(s *step, in graph.Shape) border {
	var padding graph.Padding
	var size, stride int
	switch op := s.op.(type) {
	case graph.Conv:
		padding, size, stride = op.Padding, op.Size, op.Stride
	case graph.Depthwise:
		padding, size, stride = op.Padding, op.Size, op.Stride
	default:
		return border{}
	}
	_, top, bottom := padding.Window(in.H, size, stride)
	_, left, right := padding.Window(in.W, size, stride)
	return border{top, left, bottom, right}
}
