package tiff

import (
	"encoding/binary"
	"math"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// unpack reads a row of a chunk, takes back its predictor, and gives the bits of each sample as a number.
func (p *Page) unpack(words []uint64, row []byte) {
	order, predictor := p.src.order, p.predictor
	if !p.predicts() {
		predictor = 1
	}
	if predictor == 3 {
		row = undoFloatPredictor(row, p.Bits/8, p.chunks.samples)
		order = binary.BigEndian
	}
	unpackBits(words, row, p.Bits, p.Kind, order)
	if predictor == 2 {
		undoDifferences(words, p.chunks.samples, p.Bits)
	}
}

// unpackBits reads words of the given size. Whole bytes follow the file's byte order, other sizes are packed with their highest bit first, whatever the byte
// order (TIFF 6.0, section "FillOrder"); so are integers of 24 bits, of which tifffile says the same and floats not.
func unpackBits(words []uint64, row []byte, bits int, kind samples.Kind, order binary.ByteOrder) {
	switch {
	case bits == 8:
		for i := range words {
			words[i] = uint64(row[i])
		}
	case bits == 16:
		for i := range words {
			words[i] = uint64(order.Uint16(row[2*i:]))
		}
	case bits == 32:
		for i := range words {
			words[i] = uint64(order.Uint32(row[4*i:]))
		}
	case bits == 64:
		for i := range words {
			words[i] = order.Uint64(row[8*i:])
		}
	case bits == 24 && kind == samples.Float && order == binary.LittleEndian:
		for i := range words {
			b := row[3*i:][:3]
			words[i] = uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
		}
	default:
		var pool uint64 // the last have bits are not used yet
		have, at := 0, 0
		for i := range words {
			for have < bits {
				pool = pool<<8 | uint64(row[at])
				at++
				have += 8
			}
			have -= bits
			words[i] = pool >> have & (1<<bits - 1)
		}
	}
}

// put stores the samples of one channel: every step-th word into every out.Channels-th value, from index at on.
func put(out *samples.Samples, words []uint64, step, n, at int) {
	bits := out.Bits
	switch {
	case out.U8 != nil:
		for i := range n {
			out.U8[at+i*out.Channels] = uint8(words[i*step])
		}
	case out.U16 != nil:
		for i := range n {
			out.U16[at+i*out.Channels] = uint16(words[i*step])
		}
	case out.Kind == samples.Float:
		for i := range n {
			out.Set(at+i*out.Channels, float(words[i*step], bits))
		}
	case out.Kind == samples.Signed:
		for i := range n {
			out.Set(at+i*out.Channels, float64(int64(words[i*step]<<(64-bits))>>(64-bits)))
		}
	default:
		for i := range n {
			out.Set(at+i*out.Channels, float64(words[i*step]))
		}
	}
}

// float reads IEEE 754 numbers of 16, 32 and 64 bits, and those of 24 bits: a sign, 7 bits of exponent, 16 of fraction (Adobe's TIFF Technical Note 3).
func float(word uint64, bits int) float64 {
	switch bits {
	case 16:
		return small(word, 5, 10)
	case 24:
		return small(word, 7, 16)
	case 32:
		return float64(math.Float32frombits(uint32(word)))
	}
	return math.Float64frombits(word)
}

// small reads a float with the given numbers of bits for exponent and fraction.
func small(word uint64, exponentBits, fractionBits int) float64 {
	bias := 1<<(exponentBits-1) - 1
	exponent := int(word >> fractionBits & (1<<exponentBits - 1))
	fraction := float64(word & (1<<fractionBits - 1))
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, 1-bias-fractionBits)
	case 1<<exponentBits - 1:
		v = math.Inf(1)
		if fraction != 0 {
			return math.NaN()
		}
	default:
		v = math.Ldexp(fraction+float64(uint64(1)<<fractionBits), exponent-bias-fractionBits)
	}
	if word>>(exponentBits+fractionBits)&1 != 0 {
		v = -v
	}
	return v
}
