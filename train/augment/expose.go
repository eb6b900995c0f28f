package augment

import "math"

// Peak is the value, from 0 to 1, that all but a hundredth of the values of a picture do not
// exceed; of a black picture it is that of the lowest grey level above black.
func Peak(p *Picture) float64 {
	var count [256]int
	for _, v := range p.Pix {
		count[v]++
	}
	level, above := 255, count[255]
	for level > 1 && 100*above <= len(p.Pix) {
		level--
		above += count[level]
	}
	return float64(level) / 255
}

// Expose is a copy of a picture, all values multiplied by a factor, as with another exposure.
func Expose(p *Picture, factor float64) *Picture {
	var table [256]byte
	for i := range table {
		table[i] = byte(math.RoundToEven(min(factor*float64(i), 255)))
	}
	out := &Picture{Height: p.Height, Width: p.Width, Pix: make([]byte, len(p.Pix))}
	for i, v := range p.Pix {
		out.Pix[i] = table[v]
	}
	return out
}
