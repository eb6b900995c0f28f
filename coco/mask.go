package coco

import "github.com/spinemask/spinemask/rle"

// MaskKind says what a segmentation was.
type MaskKind uint8

const (
	NoMask      MaskKind = iota // no segmentation, or it was not read
	NullMask                    // null
	EmptyMask                   // an empty list
	PolygonMask                 // a list of polygons
	RunMask                     // run lengths as a string
	ListMask                    // run lengths as a list of numbers
)

// Mask is a segmentation in compact form. One of run lengths was measured when it was read, and its string stays in the
// bytes of the file until Annotations.Runs makes runs of it.
type Mask struct {
	Kind    MaskKind
	Regular bool // rle.Summary.Regular
	Filled  bool // the runs sum to H·W
	Flat    bool // of polygons: one, whose numbers stood without the list around it, as VIA writes them
	Bytes   bool // of a string: it was what Python prints of bytes, b'…'
	escaped bool

	// Of run lengths: their size, foreground pixels and the box of those, as in rle.Summary.
	H, W             uint32
	Area             uint32
	X, Y, BoxW, BoxH uint32

	size  uint32 // of the string, in bytes as it stands in the file
	index int64  // where it begins; of lists of runs and of polygons: index into those
}

// Summary returns the measures of a mask of run lengths.
func (m *Mask) Summary() rle.Summary {
	return rle.Summary{Area: m.Area, X: m.X, Y: m.Y, W: m.BoxW, H: m.BoxH, Regular: m.Regular}
}

// measured stores what a pass over the runs told.
func (m *Mask) measured(s rle.Summary) {
	m.Area, m.X, m.Y, m.BoxW, m.BoxH = s.Area, s.X, s.Y, s.W, s.H
	m.Regular, m.Filled = s.Regular, s.Sum == uint64(m.H)*uint64(m.W)
}

// Polygons returns the polygons x0, y0, x1, y1, … of entry i, nil if its mask is none of polygons.
func (a *Annotations) Polygons(i int) [][]float64 {
	if a.Mask[i].Kind != PolygonMask {
		return nil
	}
	return a.polygons[a.Mask[i].index]
}

// AppendRuns appends the runs of entry i, whose mask must be one of run lengths, to dst.
func (a *Annotations) AppendRuns(dst []uint32, i int) []uint32 {
	m := &a.Mask[i]
	if m.Kind == ListMask {
		return append(dst, a.runs[m.index]...)
	}
	counts := a.data[m.index : m.index+int64(m.size)]
	if m.escaped {
		var room [1024]byte
		counts, _ = unescape(room[:0], counts)
	}
	if m.Bytes {
		counts, _ = pythonBytes(counts)
	}
	dst, _ = rle.DecodeRuns(dst, counts) // the string was read once without an error
	return dst
}
