package tiff

import "strings"

// full lists the pages that are pictures in their own right: not the thumbnails, the smaller versions of others (as slides have), the masks and the pictures of a
// slide's label and outside. A full picture may be in a sub-directory of its thumbnail, as in DNG. left says what the other pages are.
func (f *File) full() (pages []*Page, left string) {
	aperio := strings.HasPrefix(f.Pages[0].Description(), "Aperio")
	_, hamamatsu := f.Pages[0].tag(tagNDPIMagnification)
	var candidates []*Page
	reduced, masks, outside := 0, 0, 0
	for _, p := range f.Pages {
		switch {
		case p.IsMask:
			masks++
		case p.Reduced:
			reduced++
			for _, sub := range p.subPages() {
				if !sub.Reduced && !sub.IsMask {
					candidates = append(candidates, sub)
				}
			}
		case aperio && p.Index > 0 && isOutside(p.Description()),
			hamamatsu && negative(p.numbers(tagNDPIMagnification, 1)): // the slide from outside, the map of what was scanned
			outside++
		default:
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 { // what is not the picture is all there is
		return f.Pages[:1], counts(len(f.Pages)-1, "other page")
	}
	sizes := map[[2]int]bool{}
	for _, p := range candidates {
		sizes[[2]int{p.Width, p.Height}] = true
	}
	smaller := map[[2]int]bool{}
	if len(sizes) <= 1000 {
		for a := range sizes {
			for b := range sizes {
				smaller[a] = smaller[a] || isSmallerVersion(a, b)
			}
		}
	}
	for _, p := range candidates {
		if smaller[[2]int{p.Width, p.Height}] {
			reduced++
			continue
		}
		pages = append(pages, p)
	}
	return pages, counts(reduced, "thumbnail or smaller version", masks, "mask", outside, "label or view from outside")
}

// counts says how many there are of some things, without those of which there are none.
func counts(numbersAndThings ...any) string {
	var said []string
	for i := 0; i < len(numbersAndThings); i += 2 {
		if n := numbersAndThings[i].(int); n > 0 {
			said = append(said, count(n, numbersAndThings[i+1].(string)))
		}
	}
	return strings.Join(said, ", ")
}

func negative(v []float64) bool { return len(v) > 0 && v[0] < 0 }

// isOutside tells the label and the macro picture in Aperio's files by the second line of their description.
func isOutside(description string) bool {
	_, line, _ := strings.Cut(description, "\n")
	return strings.HasPrefix(line, "label ") || strings.HasPrefix(line, "macro ")
}

// isSmallerVersion tells whether a page of size a has the shape of one of size b, and at most about half its sides.
func isSmallerVersion(a, b [2]int) bool {
	if a[0] < 1 || a[1] < 1 {
		return b[0] > 0
	}
	x, y := float64(b[0])/float64(a[0]), float64(b[1])/float64(a[1])
	return x >= 1.9 && y >= 1.9 && x/y < 1.05 && y/x < 1.05
}

// subPages reads the sub-directories of a page (tag SubIFDs), up to 64. Damaged ones are passed over.
func (p *Page) subPages() []*Page {
	e, ok := p.tag(tagSubIFDs)
	if !ok {
		return nil
	}
	offsets, err := p.src.uints(e, 64)
	if err != nil {
		return nil
	}
	var pages []*Page
	for _, at := range offsets {
		entries, _, err := p.src.directory(at)
		if err != nil {
			continue
		}
		sub := newPage(p.src, p.o, at, entries)
		sub.Index = p.Index
		pages = append(pages, sub)
	}
	return pages
}
