package tiff

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// imagejSeries reads the order of pages from the description that ImageJ and tifffile write (ij/io/FileSaver.java: getDescriptionString): channels change from
// page to page, then planes in z, then times.
func imagejSeries(f *File) *series {
	d, ok := f.Pages[0].imagej()
	if !ok {
		return nil
	}
	number := func(key string) int {
		n, err := strconv.Atoi(d[key])
		if err != nil || n < 1 {
			return 1
		}
		return n
	}
	images, c, z, t := number("images"), number("channels"), number("slices"), number("frames")
	if c > images || z > images || t > images || c*z*t != images { // ImageJ shows what it does not understand as a stack
		c, z, t = 1, images, 1
	}
	s, ok := newSeries("ImageJ", c, z, t)
	if !ok {
		return nil
	}
	s.fill(f.Pages, "czt")
	if c > 1 {
		for i, label := range f.Pages[0].imagejLabels() {
			if i < c {
				s.names = append(s.names, strings.TrimSpace(label))
			}
		}
	}
	if unit := micrometres(d["unit"], 0); unit > 0 {
		for i, tag := range []uint16{tagXResolution, tagYResolution} {
			if v := f.Pages[0].numbers(tag, 1); len(v) == 1 && v[0] > 0 {
				s.pixel[i] = unit / v[0]
				if d["unit"] == "inch" && s.pixel[i] > coarsest {
					s.pixel[i] = 0 // is that of a print
				}
			}
		}
	}
	return s
}

// imagej reads the lines "key=value" of ImageJ's description.
func (p *Page) imagej() (map[string]string, bool) {
	text := p.Description()
	if !strings.HasPrefix(text, "ImageJ=") && !strings.HasPrefix(text, "SCIFIO=") {
		return nil, false
	}
	d := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			d[key] = value
		}
	}
	return d, true
}

// imagejLabels reads the labels of pages from ImageJ's own tags (ij/io/TiffEncoder.java: writeMetaData): a head that lists kinds of entries with their numbers,
// then the entries, whose sizes are in a tag of their own. Labels are in UTF-16.
func (p *Page) imagejLabels() []string {
	countsEntry, ok1 := p.tag(tagIJMetadataCounts)
	e, ok2 := p.tag(tagIJMetadata)
	if !ok1 || !ok2 {
		return nil
	}
	counts, err := p.src.uints(countsEntry, maxPages)
	if err != nil || len(counts) == 0 {
		return nil
	}
	b, err := p.src.bytes(e.at, min(e.count*e.width(), maxText))
	if err != nil || uint64(len(b)) < counts[0] || counts[0] < 4 {
		return nil
	}
	head, b := b[4:counts[0]], b[counts[0]:]
	counts = counts[1:]
	var labels []string
	for ; len(head) >= 8; head = head[8:] {
		kind, n := p.src.order.Uint32(head), uint64(p.src.order.Uint32(head[4:]))
		if n > uint64(len(counts)) {
			return nil
		}
		for _, size := range counts[:n] {
			if size > uint64(len(b)) {
				return nil
			}
			if kind == 'l'<<24|'a'<<16|'b'<<8|'l' {
				units := make([]uint16, size/2)
				for i := range units {
					units[i] = p.src.order.Uint16(b[2*i:])
				}
				labels = append(labels, string(utf16.Decode(units)))
			}
			b = b[size:]
		}
		counts = counts[n:]
	}
	return labels
}
