package tiff

// subsampled tells whether the page is stored in blocks of Y with one Cb and one Cr each (TIFF 6.0, section 21). In JPEG, the stream knows.
func (p *Page) subsampled() bool {
	return p.Photometric == YCbCr && !p.planar && p.Channels == 3 && p.compression != compressionJPEG && p.compression != compressionWebP &&
		(p.subsample[0] != 1 || p.subsample[1] != 1)
}

// expand repeats the chroma of blocks of hs×vs pixels: it gives rows of Y, Cb, Cr.
func expand(data []byte, width, rows, hs, vs int) []byte {
	out := make([]byte, 3*width*rows)
	block := hs*vs + 2
	across := ceil(width, hs)
	for y := range rows {
		for x := range width {
			b := data[(y/vs*across+x/hs)*block:][:block]
			o := out[3*(y*width+x):][:3]
			o[0], o[1], o[2] = b[y%vs*hs+x%hs], b[hs*vs], b[hs*vs+1]
		}
	}
	return out
}
