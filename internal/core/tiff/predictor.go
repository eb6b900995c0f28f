package tiff

// predicts tells whether the predictor applies: to the compressions for which libtiff and the supplement to TIFF 6.0 define it.
func (p *Page) predicts() bool {
	switch p.compression {
	case compressionLZW, compressionDeflate, compressionDeflate2, compressionDeflate3, compressionZstd, compressionPackBits:
		return true
	}
	return false
}

// undoDifferences takes back predictor 2 in a row: all but the first samples of each channel are differences to their left neighbours, modulo 2^bits.
func undoDifferences(words []uint64, channels, bits int) {
	mask := uint64(1)<<(bits-1)<<1 - 1
	for i := channels; i < len(words); i++ {
		words[i] = (words[i] + words[i-channels]) & mask
	}
}

// undoFloatPredictor takes back predictor 3 in a row (Adobe's TIFF Technical Note 3): bytes are differences to those of the left pixel; all highest bytes come
// first, then all second ones, and so on. The result has the highest byte of each number first.
func undoFloatPredictor(row []byte, width, channels int) []byte {
	n := len(row) / width
	sums := make([]byte, len(row))
	copy(sums, row)
	for i := channels; i < len(sums); i++ {
		sums[i] += sums[i-channels]
	}
	out := make([]byte, len(row))
	for i := range n {
		for b := range width {
			out[i*width+b] = sums[b*n+i]
		}
	}
	return out
}
