package tiff

import (
	"encoding/json"
	"slices"
	"strconv"
)

// extend adds the pages that have no directories: ImageJ writes stacks of more than 4 GB as one page whose samples are followed by those of all others, and tifffile
// does so on request. What is not in the file any more has no page.
func (f *File) extend() {
	if len(f.Pages) != 1 {
		return
	}
	p := f.Pages[0]
	n := 1
	if d, ok := p.imagej(); ok {
		n, _ = strconv.Atoi(d["images"])
	} else if d, ok := p.shaped(); ok && d.Truncated {
		n = 1
		for _, size := range d.Shape {
			n *= max(min(size, maxPages), 1)
			if n > 1<<40 {
				return
			}
		}
		n /= max(p.Width*p.Height*p.Channels, 1)
	}
	if n <= 1 || n > maxPages || p.invalid != nil || p.compression != compressionNone || p.chunks.tiled {
		return
	}
	places, err := p.places()
	if err != nil {
		return
	}
	size := uint64(0)
	for i, at := range places {
		if at.at != places[0].at+size {
			return // the strips do not follow each other
		}
		size += p.chunkBytes(i)
	}
	for i := 1; i < n; i++ {
		at := places[0].at + uint64(i)*size
		if at >= uint64(f.src.size) {
			break
		}
		next := *p
		next.Index = i
		next.after = uint64(i) * size
		f.Pages = append(f.Pages, &next)
	}
}

// A shapedDescription is what tifffile writes into the description of the first page.
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
func shapedSeries(f *File) *series {
	d, ok := f.Pages[0].shaped()
	if !ok || len(d.Axes) != len(d.Shape) {
		return nil
	}
	sizes := map[byte]int{'c': 1, 'z': 1, 't': 1}
	var order []byte
	total := 1
	pixels := f.Pages[0].Width * f.Pages[0].Height * f.Pages[0].Channels
	size := 1
	for _, n := range d.Shape {
		if n < 1 || n > maxPages*1024 || size > 1<<50 {
			return nil
		}
		size *= n
	}
	for i, n := range d.Shape {
		size /= n
		if size < pixels {
			break // from here on, axes are inside of pages
		}
		axis := d.Axes[i] | 0x20
		if _, known := sizes[axis]; !known && n > 1 || sizes[axis] > 1 {
			return nil
		}
		if n > 1 {
			sizes[axis] = n
			order = append(order, axis)
			total *= n
		}
	}
	if total != len(f.Pages) {
		return nil
	}
	s, ok := newSeries("tifffile", sizes['c'], sizes['z'], sizes['t'])
	if !ok {
		return nil
	}
	slices.Reverse(order)
	for _, axis := range []byte("czt") {
		if !slices.Contains(order, axis) {
			order = append(order, axis)
		}
	}
	s.fill(f.Pages, string(order))
	return s
}
