package tiff

// tagMetaMorph is UIC2Tag of MetaMorph's STK files. Its number of values is that of the planes, which follow each other behind the one directory; of each it has
// six numbers of 32 bits: the distance in z as a fraction, day and time of creation, day and time of the last change.
const tagMetaMorph = 33629

// metaMorphPlanes is the number of planes of an STK file, 0 for other files.
func (p *Page) metaMorphPlanes() int {
	e, ok := p.tag(tagMetaMorph)
	if !ok || e.count > maxPages {
		return 0
	}
	return int(e.count)
}

// metaMorphSeries tells a stack in z, whose planes all have a distance, from a time series, whose times all differ, as tifffile does. Planes that have neither
// stay pages of which nothing is known.
func metaMorphSeries(f *File) *series {
	n := f.Pages[0].metaMorphPlanes()
	if n < 2 || n > len(f.Pages) {
		return nil
	}
	e, _ := f.Pages[0].tag(tagMetaMorph)
	v, err := f.src.uints(entry{tag: e.tag, kind: 4, count: 6 * e.count, at: e.at}, 6*e.count)
	if err != nil {
		return nil
	}
	isZ, isTime := true, true
	for i := range n {
		isZ = isZ && v[6*i] != 0
		isTime = isTime && (i == 0 || v[6*i+2] != v[6*i-4] || v[6*i+3] != v[6*i-3])
	}
	var s *series
	switch {
	case isZ:
		s, _ = newSeries("MetaMorph", 1, n, 1)
	case isTime:
		s, _ = newSeries("MetaMorph", 1, 1, n)
	default:
		return nil
	}
	s.fill(f.Pages, "czt")
	return s
}
