package coco

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// A number is a JSON number as it stands in the file: man·10^exp, negative if neg.
// man holds the digits exactly when exact is true; longer ones go to strconv with their text.
type number struct {
	man   uint64
	exp   int
	neg   bool
	exact bool
}

// ascii0 is eight digits '0'.
const ascii0 = 0x3030303030303030

// pow10u holds the powers of ten below 2^64.
var pow10u = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// digits reads the digits at the start of b, at most eight, and returns their value and count.
// It needs len(b) ≥ 8: all eight bytes are looked at in one word.
func digits(b []byte) (val uint64, n int) {
	x := binary.LittleEndian.Uint64(b) ^ ascii0
	// The high bit of a byte is set where it is not 0…9. Only the first set bit is used, so a carry
	// out of a byte above 0x89 does no harm: it travels away from it.
	not := ((x + 0x7676767676767676) | x) & 0x8080808080808080
	n = bits.TrailingZeros64(not) >> 3
	if n == 0 {
		return 0, 0
	}
	x <<= 64 - 8*n                               // first digit in front of zeros, as if the number were padded to eight digits
	x = x*10 + x>>8                              // pairs, each in the low byte of 16 bits
	x = (x & 0x00ff00ff00ff00ff) * 6553601 >> 16 // 1 + 100<<16
	x = (x & 0x0000ffff0000ffff) * 42949672960001 >> 32
	return x, n
}

// digitsSlow is digits for the last seven bytes of a file.
func digitsSlow(b []byte) (val uint64, n int) {
	for n < len(b) && n < 8 && b[n]-'0' <= 9 {
		val = val*10 + uint64(b[n]-'0')
		n++
	}
	return val, n
}

// run reads a whole run of digits from p and appends it to man. It returns the position behind it.
func run(b []byte, p int, man uint64) (uint64, int) {
	for {
		var v uint64
		var n int
		if p+8 <= len(b) {
			v, n = digits(b[p:])
		} else {
			v, n = digitsSlow(b[p:])
		}
		man = man*pow10u[n] + v
		p += n
		if n < 8 {
			return man, p
		}
	}
}

// maxDigits is how many digits a uint64 holds whatever they are.
const maxDigits = 19

// scanNumber reads the JSON number at b[p]. next is the first byte behind it; ok is false where there is none.
// The grammar is JSON's: no leading zeros, no plus sign, a digit on both sides of the point.
func scanNumber(b []byte, p int) (x number, next int, ok bool) {
	if p < len(b) && b[p] == '-' {
		x.neg = true
		p++
	}
	start := p
	man, p := run(b, p, 0)
	end := p // of the digits
	if p == start || b[start] == '0' && p > start+1 {
		return x, start, false
	}
	if p < len(b) && b[p] == '.' {
		frac := p + 1
		man, p = run(b, frac, man)
		if p == frac {
			return x, p, false
		}
		x.exp, end = frac-p, p
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		e, q, ok := scanExponent(b, p+1)
		if !ok {
			return x, q, false
		}
		x.exp += e
		p = q
	}
	x.man, x.exact = man, end-start <= maxDigits || significant(b[start:end]) <= maxDigits
	return x, p, true
}

// significant counts digits from the first that is not 0 on; it may count the point too.
func significant(b []byte) int {
	for len(b) > 0 && (b[0] == '0' || b[0] == '.') {
		b = b[1:]
	}
	return len(b)
}

// scanExponent reads what stands behind the e of a number.
func scanExponent(b []byte, p int) (e, next int, ok bool) {
	neg := false
	if p < len(b) && (b[p] == '+' || b[p] == '-') {
		neg = b[p] == '-'
		p++
	}
	start := p
	for p < len(b) && b[p]-'0' <= 9 {
		if e < 1e6 { // far beyond what a float64 holds
			e = e*10 + int(b[p]-'0')
		}
		p++
	}
	if neg {
		e = -e
	}
	return e, p, p > start
}

// quickFloat reads the number at p where it is one of the usual kind: up to 7 digits, a point and up to 31 more, no
// exponent, and bytes enough behind it to read it in words. ok is false for all others, good or bad.
func quickFloat(b []byte, p int) (f float64, next int, ok bool) {
	if p < 0 || p+48 > len(b) {
		return 0, 0, false
	}
	neg := b[p] == '-'
	if neg {
		p++
	}
	man, n := digits(b[p:])
	if n == 0 || n == 8 || b[p] == '0' && n > 1 {
		return 0, 0, false
	}
	p += n
	frac := 0
	if b[p] == '.' {
		p++
		v, k := digits(b[p:])
		for k == 8 { // as a constant, so that a processor that guesses right need not wait for the count
			if man >= pow10u[maxDigits-8] || frac > 16 {
				return 0, 0, false // more digits than man holds
			}
			man, frac, p = man*1e8+v, frac+8, p+8
			v, k = digits(b[p:])
		}
		if man >= pow10u[maxDigits-k] {
			return 0, 0, false
		}
		man, frac, p = man*pow10u[k]+v, frac+k, p+k
		if frac == 0 {
			return 0, 0, false
		}
	}
	if b[p]|0x20 == 'e' {
		return 0, 0, false
	}
	f, ok = decimal(man, -frac)
	if neg {
		f = -f
	}
	return f, p, ok
}

// decimal returns man·10^exp correctly rounded; ok is false for an exp out of range.
func decimal(man uint64, exp int) (f float64, ok bool) {
	if exp == 0 || man == 0 {
		return float64(man), true
	}
	if exp < minPow10 || exp > 0 {
		return 0, false
	}
	// Lemire, Number Parsing at a Gigabyte per Second, 2021, with the table that Mushtak and Lemire, Fast Number Parsing
	// Without Fallback, 2023, show to decide every case. 217706/2^16 is log2(10) to the accuracy that is needed.
	pow := &invPow10[-exp]
	clz := bits.LeadingZeros64(man)
	man <<= uint(clz)
	hi, lo := bits.Mul64(man, pow.hi)
	if hi&0x1ff == 0x1ff {
		more, _ := bits.Mul64(man, pow.lo)
		var carry uint64
		lo, carry = bits.Add64(lo, more, 0)
		hi += carry
	}
	msb := hi >> 63
	mant := hi >> (msb + 9) // 54 bits: one more than a float64 has
	exp2 := uint64(217706*exp>>16+63+1023) + msb - uint64(clz)
	if lo <= 1 && exp >= -4 && mant&3 == 1 && mant<<(msb+9) == hi {
		mant &^= 1 // exactly half way, and the even neighbour is below
	}
	mant = (mant + mant&1) >> 1
	if mant>>53 > 0 {
		mant >>= 1
		exp2++
	}
	return math.Float64frombits(exp2<<52 | mant&(1<<52-1)), true
}

// float returns the float64 nearest to x, ties to even, as Python's float does. text is the number in the file.
func (x number) float(text []byte) float64 {
	f, ok := decimal(x.man, x.exp)
	if !ok || !x.exact {
		return slowFloat(text)
	}
	if x.neg {
		return -f
	}
	return f
}

// slowFloat reads any number. Like Python it gives ±Inf for what is too large.
func slowFloat(text []byte) float64 {
	f, _ := strconv.ParseFloat(string(text), 64)
	return f
}

// int returns x as an integer, also where it is written 12.0 or 1e3; ok is false where it is none or does not fit.
func (x number) int() (v int64, ok bool) {
	man := x.man
	if !x.exact {
		return 0, false
	}
	for e := x.exp; e < 0 && man != 0; e++ {
		if man%10 != 0 {
			return 0, false
		}
		man /= 10
	}
	for e := x.exp; e > 0 && man != 0; e-- {
		if man > 1<<63/10 {
			return 0, false
		}
		man *= 10
	}
	if x.neg && man <= 1<<63 {
		return -int64(man), true
	}
	return int64(man), man < 1<<63
}

// minPow10 is the smallest exponent of invPow10.
const minPow10 = -32

// invPow10[k] is 10^-k, or 5^-k, as a 128-bit fraction whose first bit is set: the next above it, for k > 27 cut off.
var invPow10 = [1 - minPow10]struct{ hi, lo uint64 }{
	{0x8000000000000000, 0x0000000000000000}, // 1e-0
	{0xcccccccccccccccc, 0xcccccccccccccccd}, // 1e-1
	{0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4}, // 1e-2
	{0x83126e978d4fdf3b, 0x645a1cac083126ea}, // 1e-3
	{0xd1b71758e219652b, 0xd3c36113404ea4a9}, // 1e-4
	{0xa7c5ac471b478423, 0x0fcf80dc33721d54}, // 1e-5
	{0x8637bd05af6c69b5, 0xa63f9a49c2c1b110}, // 1e-6
	{0xd6bf94d5e57a42bc, 0x3d32907604691b4d}, // 1e-7
	{0xabcc77118461cefc, 0xfdc20d2b36ba7c3e}, // 1e-8
	{0x89705f4136b4a597, 0x31680a88f8953031}, // 1e-9
	{0xdbe6fecebdedd5be, 0xb573440e5a884d1c}, // 1e-10
	{0xafebff0bcb24aafe, 0xf78f69a51539d749}, // 1e-11
	{0x8cbccc096f5088cb, 0xf93f87b7442e45d4}, // 1e-12
	{0xe12e13424bb40e13, 0x2865a5f206b06fba}, // 1e-13
	{0xb424dc35095cd80f, 0x538484c19ef38c95}, // 1e-14
	{0x901d7cf73ab0acd9, 0x0f9d37014bf60a11}, // 1e-15
	{0xe69594bec44de15b, 0x4c2ebe687989a9b4}, // 1e-16
	{0xb877aa3236a4b449, 0x09befeb9fad487c3}, // 1e-17
	{0x9392ee8e921d5d07, 0x3aff322e62439fd0}, // 1e-18
	{0xec1e4a7db69561a5, 0x2b31e9e3d06c32e6}, // 1e-19
	{0xbce5086492111aea, 0x88f4bb1ca6bcf585}, // 1e-20
	{0x971da05074da7bee, 0xd3f6fc16ebca5e04}, // 1e-21
	{0xf1c90080baf72cb1, 0x5324c68b12dd6339}, // 1e-22
	{0xc16d9a0095928a27, 0x75b7053c0f178294}, // 1e-23
	{0x9abe14cd44753b52, 0xc4926a9672793543}, // 1e-24
	{0xf79687aed3eec551, 0x3a83ddbd83f52205}, // 1e-25
	{0xc612062576589dda, 0x95364afe032a819e}, // 1e-26
	{0x9e74d1b791e07e48, 0x775ea264cf55347e}, // 1e-27
	{0xfd87b5f28300ca0d, 0x8bca9d6e188853fc}, // 1e-28
	{0xcad2f7f5359a3b3e, 0x096ee45813a04330}, // 1e-29
	{0xa2425ff75e14fc31, 0xa1258379a94d028d}, // 1e-30
	{0x81ceb32c4b43fcf4, 0x80eacf948770ced7}, // 1e-31
	{0xcfb11ead453994ba, 0x67de18eda5814af2}, // 1e-32
}
