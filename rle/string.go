package rle

import (
	"fmt"
	"slices"
)

// The string form writes each run in groups of 5 bits, low bits first, one character '0'+group per group. Bit 5 of a
// group says that more follow; bit 4 of the last one is the sign. From the fourth run on, a number is the difference to
// the run before the last (rleToString: i > 2). 7 groups hold every difference of two 32-bit runs.
const (
	groupBits = 5
	groupMask = 1<<groupBits - 1
	signBit   = 1 << (groupBits - 1)
	moreBit   = 1 << groupBits
	maxGroups = 7
)

// Decode reads the string form of an h×w mask. It is strict: an error names the byte offset of a character outside
// '0'…'o', of a number that is too long or cut off, or of a run below zero; the runs must sum to h·w.
func Decode(h, w int, counts []byte) (Mask, error) {
	if err := CheckSize(h, w); err != nil {
		return Mask{}, err
	}
	runs, err := DecodeRuns(nil, counts)
	if err != nil {
		return Mask{}, err
	}
	m := Mask{H: h, W: w, Runs: runs}
	var sum uint64
	for i, r := range runs {
		sum += uint64(r)
		if sum > uint64(h)*uint64(w) {
			return Mask{}, fmt.Errorf("rle: offset %d: run %d ends after the %d×%d pixels", runOffset(counts, i), i, h, w)
		}
	}
	return m, m.Validate()
}

// runOffset finds the byte where the number of run i begins.
func runOffset(counts []byte, i int) int {
	p := 0
	for ; i > 0; p++ {
		if (counts[p]-'0')&moreBit == 0 {
			i--
		}
	}
	return p
}

// DecodeRuns appends the runs of a string form to dst. Runs are taken modulo 2^32 and their sum is not looked at, as in
// rleFrString; what rleFrString reads without a defined result (a foreign character, a number of more than 7 characters
// or one cut off by the end) is an error that names the byte offset. Differences below -2^29, which the reference writes but
// reads back wrongly, because it shifts beyond its 32-bit integers, are read as they were written.
func DecodeRuns(dst []uint32, counts []byte) ([]uint32, error) {
	base := len(dst)
	dst = slices.Grow(dst, len(counts)) // a run has at least one character
	d := decoder{counts: counts}
	n, err := d.next(dst[base : base+len(counts)])
	return dst[:base+n], err
}

// decoder reads the runs of counts from offset p on.
type decoder struct {
	counts       []byte
	p            int
	before, last uint32 // the last two runs, but 0 for the first of all: the third is no difference to it
}

// next fills runs as far as the string goes, and says how many it read.
func (d *decoder) next(runs []uint32) (n int, err error) {
	counts, p, before, last := d.counts, d.p, d.before, d.last
	if p == 0 && len(counts) > 0 && len(runs) > 0 {
		if runs[0], p, err = readNumber(counts, 0); err != nil {
			return 0, err
		}
		n = 1
	}
	for n < len(runs) && p < len(counts) {
		c := uint32(counts[p]) - '0'
		p++
		x := uint32(int32(c<<(32-groupBits)) >> (32 - groupBits)) // the sign is bit 4
		if c >= moreBit {
			if c < 2*moreBit && p < len(counts) && counts[p]-'0' < moreBit { // two characters
				high := uint32(counts[p]) - '0'
				x = c&groupMask | uint32(int32(high<<(32-groupBits))>>(32-2*groupBits))
				p++
			} else if x, p, err = readNumber(counts, p-1); err != nil {
				break
			}
		}
		x += before
		before, last = last, x
		runs[n] = x
		n++
	}
	d.p, d.before, d.last = p, before, last
	return n, err
}

// readNumber reads the number that begins at p and says where the next begins.
func readNumber(counts []byte, p int) (x uint32, next int, err error) {
	start := p
	var v int64
	for shift := 0; p < len(counts); shift += groupBits {
		c := counts[p] - '0'
		if c >= 2*moreBit {
			return 0, p, fmt.Errorf("rle: offset %d: character %q is not in the alphabet", p, counts[p])
		}
		if p-start == maxGroups {
			return 0, p, fmt.Errorf("rle: offset %d: number of more than %d characters", start, maxGroups)
		}
		p++
		v |= int64(c&groupMask) << shift
		if c&moreBit == 0 {
			if c&signBit != 0 {
				v |= -1 << (shift + groupBits)
			}
			return uint32(v), p, nil
		}
	}
	return 0, p, fmt.Errorf("rle: offset %d: number is cut off by the end", start)
}

// AppendString appends the string form of the runs to dst, byte for byte as rleToString writes it.
func (m Mask) AppendString(dst []byte) []byte {
	for i, r := range m.Runs {
		x := int64(r)
		if i > 2 {
			x -= int64(m.Runs[i-2])
		}
		for {
			c := byte(x & groupMask)
			x >>= groupBits
			if c&signBit == 0 && x == 0 || c&signBit != 0 && x == -1 {
				dst = append(dst, c+'0')
				break
			}
			dst = append(dst, c+moreBit+'0')
		}
	}
	return dst
}

// String is the string form of the runs ("counts" of COCO's compressed RLE).
func (m Mask) String() string {
	return string(m.AppendString(nil))
}
