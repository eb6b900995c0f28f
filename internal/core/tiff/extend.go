package tiff

import (
	"strconv"
)

// extend adds the pages that have no directories: ImageJ writes stacks of more than 4 GB as one page whose samples are followed by those of all others; MetaMorph always
// does so, and tifffile on request. What is not in the file any more has no page.
func (f *File) extend() {
	if len(f.Pages) != 1 {
		return
	}
	p := f.Pages[0]
	n := 1
	if d, ok := p.imagej(); ok {
		n, _ = strconv.Atoi(d["images"])
	} else if d, ok := p.shaped(); ok && d.Truncated {
		values := 1.0
		for _, size := range d.Shape {
			values *= float64(size)
		}
		n = int(min(max(values/(float64(p.Width)*float64(p.Height)*float64(p.Channels)), 0), maxPages+1))
	} else {
		n = p.metaMorphPlanes()
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
