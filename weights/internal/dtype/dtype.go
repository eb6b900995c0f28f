// Package dtype holds the element types that weights come in and their exact conversion to float32.
package dtype

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Type is an element type, named as in safetensors.
type Type string

// The element types of weights, and I64, which occurs in counters beside them (global step, batches seen).
const (
	F32  Type = "F32"
	F16  Type = "F16"
	BF16 Type = "BF16"
	F64  Type = "F64"
	I64  Type = "I64"
)

// Size returns the bytes of one element of any type that safetensors has, 0 for an unknown one.
func (t Type) Size() int {
	switch t {
	case F64, I64, "U64", "C64":
		return 8
	case F32, "I32", "U32":
		return 4
	case F16, BF16, "I16", "U16":
		return 2
	case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0":
		return 1
	}
	return 0
}

// Float reports whether values of the type can be weights.
func (t Type) Float() bool { return t == F32 || t == F16 || t == BF16 || t == F64 }

// Stored is the type that values are written in: their own, and F32 for F64, which they are rounded to.
func (t Type) Stored() Type {
	if t == F64 {
		return F32
	}
	return t
}

// Float32 converts the little-endian values in src to dst: exactly, but for F64, which is rounded to the nearest value, half
// to even. It converts as many as fit: len(dst) must be len(src)/t.Size(). The type must be a Float.
func (t Type) Float32(dst []float32, src []byte) {
	switch t {
	case F32:
		if v := View(src); v != nil {
			copy(dst, v)
			return
		}
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		halves(dst, src)
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	default:
		panic(notFloat)
	}
}

const notFloat = "dtype: not a float type"

// halves converts IEEE 754 binary16. The half's exponent and mantissa move to their float32 places and the bias is
// corrected; subnormal halves become normal by one exact subtraction (F. Giesen, half_to_float_fast5).
func halves(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for len(dst) >= 4 {
		w := binary.LittleEndian.Uint64(src)
		dst[0] = Half(uint16(w))
		dst[1] = Half(uint16(w >> 16))
		dst[2] = Half(uint16(w >> 32))
		dst[3] = Half(uint16(w >> 48))
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = Half(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// Half is the value of the binary16 number with bits h.
func Half(h uint16) float32 {
	const exponent = 0x7c00 << 13
	sign := uint32(h&0x8000) << 16
	bits := uint32(h&0x7fff) << 13
	switch bits & exponent {
	case exponent: // Inf and NaN keep an exponent of ones
		bits += (255 - 31) << 23
	case 0: // zero and subnormal: (2^-14 + x) - 2^-14 normalises x
		f := math.Float32frombits(bits+(113<<23)) - 0x1p-14
		bits = math.Float32bits(f)
	default:
		bits += (127 - 15) << 23
	}
	return math.Float32frombits(bits | sign)
}

// Encode returns the little-endian bytes of values that came from the type, so that none needs rounding.
func (t Type) Encode(values []float32) []byte {
	switch t {
	case F32:
		return Bytes(values)
	case F16:
		b := make([]byte, 0, 2*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, half(v))
		}
		return b
	case BF16:
		b := make([]byte, 0, 2*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
		}
		return b
	default:
		panic(notFloat)
	}
}

// half is the binary16 number with the value of v, which must have one: the inverse of Half.
func half(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	exponent := int(bits>>23&255) - 127
	switch {
	case exponent == 128: // Inf and NaN
		return sign | 0x7c00 | uint16(bits>>13&0x3ff)
	case exponent >= -14:
		return sign | uint16(exponent+15)<<10 | uint16(bits>>13&0x3ff)
	default: // subnormal halves are multiples of 2^-24
		return sign | uint16(math.Abs(float64(v))*0x1p24)
	}
}

// Finite reports whether no value in src is NaN or infinite as a float32. It looks at 8 bytes at a time: adding one to an exponent
// field of ones, and only to such a field, carries into the sign bit that was masked off.
func (t Type) Finite(src []byte) bool {
	var keep, one, carry uint64
	switch t {
	case F32:
		keep, one, carry = 0x7fffffff_7fffffff, 0x00800000_00800000, 0x80000000_80000000
	case F16:
		keep, one, carry = 0x7fff7fff_7fff7fff, 0x04000400_04000400, 0x80008000_80008000
	case BF16:
		keep, one, carry = 0x7fff7fff_7fff7fff, 0x00800080_00800080, 0x80008000_80008000
	case F64:
		for ; len(src) >= 8; src = src[8:] {
			if v := float32(math.Float64frombits(binary.LittleEndian.Uint64(src))); v-v != 0 {
				return false
			}
		}
		return true
	default:
		return true
	}
	var a, b, c, d uint64
	for len(src) >= 32 {
		a |= binary.LittleEndian.Uint64(src)&keep + one
		b |= binary.LittleEndian.Uint64(src[8:])&keep + one
		c |= binary.LittleEndian.Uint64(src[16:])&keep + one
		d |= binary.LittleEndian.Uint64(src[24:])&keep + one
		src = src[32:]
	}
	var tail [32]byte
	copy(tail[:], src)
	for i := 0; i < 32; i += 8 {
		a |= binary.LittleEndian.Uint64(tail[i:])&keep + one
	}
	return (a|b|c|d)&carry == 0
}

// LittleEndian reports whether this machine stores numbers as the files do.
var LittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View returns the float32 values that lie in b, without a copy; nil where the machine is big-endian or b does not start
// at a multiple of four bytes.
func View(b []byte) []float32 {
	if !LittleEndian || len(b) < 4 || uintptr(unsafe.Pointer(&b[0]))%4 != 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
}

// Bytes returns the little-endian bytes of v, without a copy on a little-endian machine.
func Bytes(v []float32) []byte {
	if len(v) == 0 {
		return nil
	}
	if LittleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v))
	}
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}
