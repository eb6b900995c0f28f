package tiff

import "slices"

// A series is a set of pages of one size that something in the file puts in order: channels, planes in z, times.
type series struct {
	from    string // what says so: "OME-XML", "ImageJ", ...; "" for plain pages
	c, z, t int    // of pages; the samples of a page may be channels, too
	pages   []*Page
	names   []string // of channels by number, as far as they are known
	grey    bool     // three samples are channels and not a colour, whatever PhotometricInterpretation says

	pixel     [2]float64 // width and height of a pixel in µm; 0: not known
	elsewhere int        // planes that are in other files
	remarks   []string   // what else to say
}

// newSeries gives a series without pages, or false if the file cannot hold one of this size.
func newSeries(from string, c, z, t int) (*series, bool) {
	const limit = maxPages
	if c < 1 || z < 1 || t < 1 || c > limit || z > limit || t > limit || c*z > limit || c*z*t > limit {
		return nil, false
	}
	return &series{from: from, c: c, z: z, t: t, pages: make([]*Page, c*z*t)}, true
}

func (s *series) index(c, z, t int) int { return (t*s.z+z)*s.c + c }

func (s *series) at(c, z, t int) *Page { return s.pages[s.index(c, z, t)] }

// first is the page that stands for all.
func (s *series) first() *Page {
	for _, p := range s.pages {
		if p != nil {
			return p
		}
	}
	return nil
}

// has tells whether this file has a page of channel c.
func (s *series) has(c int) bool {
	for i := c; i < len(s.pages); i += s.c {
		if s.pages[i] != nil {
			return true
		}
	}
	return false
}

// used is the number of pages of this file that belong to the series.
func (s *series) used() int {
	n := 0
	for _, p := range s.pages {
		if p != nil {
			n++
		}
	}
	return n
}

// fill puts pages one after the other into the series: order is "czt" where channels change from page to page, and times last.
func (s *series) fill(pages []*Page, order string) {
	sizes := map[byte]int{'c': s.c, 'z': s.z, 't': s.t}
	for i, p := range pages[:min(len(pages), len(s.pages))] {
		at := map[byte]int{}
		for j := range order {
			at[order[j]] = i % sizes[order[j]]
			i /= sizes[order[j]]
		}
		s.pages[s.index(at['c'], at['z'], at['t'])] = p
	}
}

// usable tells whether the series has pages, and all of them look alike.
func (s *series) usable() bool {
	first := s.first()
	if first == nil {
		return false
	}
	return !slices.ContainsFunc(s.pages, func(p *Page) bool { return p != nil && !p.like(first) })
}

// like tells whether two pages can be planes of one stack.
func (p *Page) like(q *Page) bool {
	return p.Width == q.Width && p.Height == q.Height && p.Channels == q.Channels && p.Bits == q.Bits && p.Kind == q.Kind && p.Photometric == q.Photometric
}

// alpha is the number of the sample that is the opacity, or -1.
func (p *Page) alpha() int {
	for i, x := range p.Extra {
		if (x == AssociatedAlpha || x == StraightAlpha) && p.Channels-len(p.Extra)+i > 0 {
			return p.Channels - len(p.Extra) + i
		}
	}
	return -1
}

// isColour tells whether the samples of a page are one picture in colour.
func (s *series) isColour() bool { return s.first().IsColour() && !s.grey }

// perPage is the number of channels in a page.
func (s *series) perPage() int {
	p := s.first()
	switch {
	case s.isColour():
		return 1
	case s.grey:
		return p.Channels
	case p.alpha() >= 0:
		return max(p.Channels-1, 1)
	}
	return p.Channels
}

// channels is the number of all channels.
func (s *series) channels() int { return s.c * s.perPage() }

func (s *series) name(channel int) string {
	if channel < len(s.names) {
		return s.names[channel]
	}
	return ""
}

// series finds out how the pages belong together, from the first description of the file that is understood.
func (f *File) series() *series {
	for _, read := range []func(*File) *series{lsmSeries, omeSeries, imagejSeries, shapedSeries, microManagerSeries, metaMorphSeries, perkinElmerSeries} {
		if s := read(f); s != nil && s.usable() {
			return s
		}
	}
	return nil
}
