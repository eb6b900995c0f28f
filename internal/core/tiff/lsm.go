package tiff

import (
	"math"
	"strings"
)

// lsmSeries reads the order of pages from Zeiss' LSM files (tag CZ_LSMINFO, layout as in tifffile's CZ_LSMINFO): every other page is a thumbnail, the channels of a
// page are its samples, planes in z change from page to page, then times.
func lsmSeries(f *File) *series {
	e, ok := f.Pages[0].tag(tagLSMInfo)
	if !ok || e.width() != 1 {
		return nil
	}
	b, err := f.src.bytes(e.at, e.count)
	if err != nil || len(b) < 112 {
		return nil
	}
	u32 := func(at int) int { return int(f.src.order.Uint32(b[at:])) }
	f64 := func(at int) float64 { return math.Float64frombits(f.src.order.Uint64(b[at:])) }
	var pages []*Page
	for _, p := range f.Pages {
		if !p.Reduced {
			pages = append(pages, p)
		}
	}
	z, t := u32(16), u32(24)
	s, ok := newSeries("LSM", 1, z, t)
	if !ok || len(pages) == 0 {
		return nil
	}
	s.fill(pages, "czt")
	s.grey = true
	s.names = f.lsmNames(uint64(u32(108)), pages[0].Channels)
	s.pixel = [2]float64{f64(40) * 1e6, f64(48) * 1e6} // metres
	return s
}

// lsmNames reads the names of channels from the structure at an offset: six numbers of 32 bits, of which the third is the number of names and the fifth where they
// begin; before each name stands its length.
func (f *File) lsmNames(at uint64, channels int) []string {
	if at == 0 {
		return nil
	}
	head, err := f.src.bytes(at, 24)
	if err != nil {
		return nil
	}
	n := min(int(f.src.order.Uint32(head[8:])), channels)
	at += uint64(f.src.order.Uint32(head[16:]))
	var names []string
	for range n {
		size, err := f.src.bytes(at, 4)
		if err != nil {
			return nil
		}
		text, err := f.src.bytes(at+4, min(uint64(f.src.order.Uint32(size)), 256))
		if err != nil {
			return nil
		}
		name, _, _ := strings.Cut(string(text), "\x00")
		names = append(names, strings.TrimSpace(name))
		at += 4 + uint64(f.src.order.Uint32(size))
	}
	return names
}
