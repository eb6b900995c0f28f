package tiff

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Selection says which pictures of a file are wanted. Numbers count from 1. The zero value is the choice that [File.Select] makes.
type Selection struct {
	Page    string   // a number of a page, or "all" for each page in its full size
	Channel []string // numbers or names of channels; each is a picture of its own. Of a picture in colour, 1 is red, 2 green, 3 blue
	Z       string   // "max" or "mean" over z, or the number of a plane
}

// Select chooses pictures:
//
//   - the one 2-D picture, if there is one;
//   - of a z-stack the maximum over z;
//   - of a time series each time, as a picture of its own;
//   - of several channels the picture in colour, if they are one (red, green and blue samples; not three channels of fluorescence), else the channel whose name
//     says nuclei (DAPI, Hoechst ...), else the first that has more than one value;
//   - of pages of which nothing says what they are, the first in full size.
//
// Thumbnails, smaller versions of other pages, masks, and labels of slides are never chosen unless a page is asked for by its number. note is one line about
// what was chosen and what was left; it is empty where there was no choice.
func (f *File) Select(sel Selection) (pictures []Picture, note string, err error) {
	var notes []string
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch {
	case sel.Page != "" && sel.Z != "":
		return nil, "", errors.New("a page and z exclude each other: planes in z are pages")
	case sel.Page != "":
		if pictures, err = f.selectPages(sel, say); err != nil {
			return nil, "", err
		}
	default:
		s := f.series()
		if s == nil {
			s = f.plainSeries(sel, say)
		}
		if pictures, err = s.pictures(sel, say); err != nil {
			return nil, "", err
		}
		if left := len(f.Pages) - s.used(); s.from != "" && left > 0 {
			say("left: %s outside of it", count(left, "page"))
		}
	}
	if f.chain != nil {
		say("there may be more pages: %v", f.chain)
	}
	for i := range pictures {
		p := &pictures[i]
		if p.PixelSize[0] <= 0 || p.PixelSize[1] <= 0 || p.PixelSize[0] != p.PixelSize[0] {
			p.PixelSize = p.planes[0].pixelSize()
		}
	}
	return pictures, strings.Join(notes, "; "), nil
}

// selectPages takes one page by its number, or all.
func (f *File) selectPages(sel Selection, say func(string, ...any)) ([]Picture, error) {
	var pages []*Page
	if strings.EqualFold(sel.Page, "all") {
		var left string
		pages, left = f.full()
		if len(pages) > 1 {
			say("%d pages: a picture each", len(pages))
		}
		if left != "" {
			say("left: %s", left)
		}
	} else {
		n, err := strconv.Atoi(sel.Page)
		switch {
		case err != nil:
			return nil, fmt.Errorf("page %q: want a number or all", sel.Page)
		case n < 1 || n > len(f.Pages):
			return nil, fmt.Errorf("no page %d: the file has %s", n, count(len(f.Pages), "page"))
		}
		pages = f.Pages[n-1 : n]
		if len(f.Pages) > 1 {
			say("page %d of %d", n, len(f.Pages))
		}
	}
	whole := f.series()
	described := map[*Page]bool{}
	if whole != nil {
		for _, p := range whole.pages {
			described[p] = true
		}
	}
	var out []Picture
	below := map[int]int{} // pages with the same number: those in sub-directories
	for i, p := range pages {
		s := &series{c: 1, z: 1, t: 1, pages: []*Page{p}}
		if described[p] {
			s.pixel, s.grey = whole.pixel, whole.grey
			if whole.c == 1 {
				s.names = whole.names
			}
		}
		if i > 0 {
			say = func(string, ...any) {} // what is said of the first page holds for all
		}
		pictures, err := s.pictures(Selection{Channel: sel.Channel}, say)
		switch {
		case err != nil && len(pages) > 1 && p.invalid != nil:
			pictures = []Picture{{Width: p.Width, Height: p.Height, planes: s.pages, sample: all}} // says so when it is decoded
		case err != nil:
			return nil, err
		}
		number := fmt.Sprintf("page%d", p.Index+1)
		if below[p.Index]++; below[p.Index] > 1 {
			number = fmt.Sprintf("page%d_sub%d", p.Index+1, below[p.Index])
		}
		for _, m := range pictures {
			if len(pages) > 1 {
				m.Label = join(number, m.Label)
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// plainSeries is the choice among pages that nothing describes: the first one in full size or, if that is asked for, a projection of all of its kind.
func (f *File) plainSeries(sel Selection, say func(string, ...any)) *series {
	full, left := f.full()
	first := full[0]
	var alike []*Page
	for _, p := range full {
		if p.like(first) {
			alike = append(alike, p)
		}
	}
	if sel.Z != "" && len(alike) > 1 {
		return &series{c: 1, z: len(alike), t: 1, pages: alike}
	}
	if len(full) > 1 {
		hint := "--page all takes each"
		if len(alike) > 1 {
			hint += ", --z max their maximum"
		}
		which := fmt.Sprintf("page %d of %d", first.Index+1, len(f.Pages))
		if len(full) > len(f.Pages) { // some are in sub-directories
			which = fmt.Sprintf("the first of %d pages", len(full))
		}
		say("%s, whose order nothing says (%s)", which, hint)
	}
	if left != "" {
		if len(full) == 1 {
			say("the picture in full size")
		}
		say("left: %s", left)
	}
	return &series{c: 1, z: 1, t: 1, pages: []*Page{first}}
}

// pictures takes channels, planes and times out of a series.
func (s *series) pictures(sel Selection, say func(string, ...any)) ([]Picture, error) {
	for _, r := range s.remarks {
		say("%s", r)
	}
	from, to, mean, err := s.chooseZ(sel.Z, say)
	if err != nil {
		return nil, err
	}
	channels, err := s.chooseChannels(sel.Channel, say)
	if err != nil {
		return nil, err
	}
	var out []Picture
	empty := 0
	for t := range s.t {
		for _, c := range channels {
			m := Picture{sample: c.sample, grey: s.grey, mean: mean, PixelSize: s.pixel}
			for z := from; z < to; z++ {
				if p := s.at(c.page, z, t); p != nil {
					m.planes = append(m.planes, p)
				}
			}
			if len(m.planes) == 0 {
				empty++
				continue
			}
			first := m.planes[0]
			if first.invalid != nil && len(out) == 0 {
				return nil, first.invalid
			}
			m.Width, m.Height, m.Orientation = first.Width, first.Height, first.Orientation
			if s.t > 1 {
				m.Label = fmt.Sprintf("t%d", t+1)
			}
			if len(channels) > 1 {
				m.Label = join(m.Label, fmt.Sprintf("c%d", c.number))
			}
			out = append(out, m)
		}
	}
	if s.t > 1 {
		say("time series of %d: a picture each", s.t)
	}
	if s.elsewhere > 0 {
		say("%s in other files, which are not followed", count(s.elsewhere, "plane"))
	}
	if len(out) == 0 {
		return nil, errors.New("the planes that were chosen are not in this file")
	}
	if empty > 0 {
		say("%s without planes in this file left out", count(empty, "picture"))
	}
	return out, nil
}

// chooseZ gives the range of planes, and whether their mean is taken in place of their maximum.
func (s *series) chooseZ(z string, say func(string, ...any)) (from, to int, mean bool, err error) {
	switch strings.ToLower(z) {
	case "", "max", "mean":
		if s.z > 1 {
			what := "maximum"
			if mean = strings.EqualFold(z, "mean"); mean {
				what = "mean"
			}
			say("z-stack of %d: %s over z", s.z, what)
		}
		return 0, s.z, mean, nil
	}
	n, err := strconv.Atoi(z)
	switch {
	case err != nil:
		return 0, 0, false, fmt.Errorf("z %q: want max, mean or a number", z)
	case n < 1 || n > s.z:
		return 0, 0, false, fmt.Errorf("no plane %d in z: the file has %d", n, s.z)
	}
	if s.z > 1 {
		say("z-stack of %d: plane %d", s.z, n)
	}
	return n - 1, n, false, nil
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "_" + b
}

// count says a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
