package tiff

import (
	"encoding/json"
	"slices"
)

// A shapedDescription is what tifffile writes into the description of the first page: the shape of the array that was saved and, if they were given, letters for
// its axes.
type shapedDescription struct {
	Shape     []int
	Axes      string
	Truncated bool
}

func (p *Page) shaped() (d shapedDescription, ok bool) {
	text := p.Description()
	if len(text) == 0 || text[0] != '{' {
		return d, false
	}
	err := json.Unmarshal([]byte(text), &d)
	return d, err == nil && len(d.Shape) > 0
}

// shapedSeries reads the order of pages from the JSON that tifffile writes. Without axes it says nothing that the pages do not.
//
// Arrays of 3 or 4 planes are saved as the planes of one page in colour, unless tifffile is told otherwise; their axis may be z, time or channels nevertheless.
func shapedSeries(f *File) *series {
	d, ok := f.Pages[0].shaped()
	if !ok || len(d.Axes) != len(d.Shape) {
		return nil
	}
	first := f.Pages[0]
	plane := int64(first.Width) * int64(first.Height)
	size := int64(1)
	for _, n := range d.Shape {
		if n < 1 || n > maxPages*1024 || size > 1<<34 {
			return nil
		}
		size *= int64(n)
	}
	sizes := map[byte]int{'c': 1, 'z': 1, 't': 1}
	var order []byte
	pages := f.Pages
	for i, n := range d.Shape {
		size /= int64(n)
		axis := d.Axes[i] | 0x20
		if size < plane || axis == 's' {
			break // from here on, axes are inside of planes
		}
		if n == 1 {
			continue
		}
		if before, known := sizes[axis]; !known || before > 1 {
			return nil
		}
		if size == plane && first.planar && first.Channels == n {
			pages = eachPlane(f.Pages)
		}
		sizes[axis] = n
		order = append(order, axis)
	}
	s, ok := newSeries("tifffile", sizes['c'], sizes['z'], sizes['t'])
	if !ok || len(s.pages) != len(pages) {
		return nil
	}
	slices.Reverse(order)
	for _, axis := range []byte("czt") {
		if !slices.Contains(order, axis) {
			order = append(order, axis)
		}
	}
	s.fill(pages, string(order))
	return s
}

// eachPlane takes pages with separate planes apart.
func eachPlane(pages []*Page) []*Page {
	var planes []*Page
	for _, p := range pages {
		for i := range p.Channels {
			planes = append(planes, p.plane(i))
		}
	}
	return planes
}

// plane gives a page of which only one of its separate planes is left.
func (p *Page) plane(i int) *Page {
	one := *p
	n := uint64(p.chunks.across) * uint64(p.chunks.down)
	part := func(e entry) entry {
		if e.count < (uint64(i)+1)*n {
			return entry{}
		}
		e.at += uint64(i) * n * e.width()
		e.count = n
		return e
	}
	one.offsets, one.counts = part(p.offsets), part(p.counts)
	one.Channels, one.planar, one.chunks.planes, one.Extra = 1, false, 1, nil
	if one.Photometric != WhiteIsZero {
		one.Photometric = BlackIsZero
	}
	return &one
}
