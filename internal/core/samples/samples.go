// Package samples holds pictures as their files store them, before they are
// brought to the 8 bits that models take: microscopes and cameras write 10 to 32
// bits, signed numbers and floats.
package samples

import "fmt"

// Kind says how a sample is to be read.
type Kind string

const (
	Unsigned Kind = "unsigned"
	Signed   Kind = "signed"
	Float    Kind = "float"
)

// Samples are the values of a picture: rows from top to bottom, the channels of a
// pixel side by side, so that channel c of the pixel in column x of row y is
// number (y·Width + x)·Channels + c.
type Samples struct {
	Width, Height, Channels int

	Kind Kind
	Bits int // of a sample in the file: 1…64

	// One of these holds the values, exactly as they are stored: U8 those of up to
	// 8 unsigned bits, U16 of up to 16; F32 signed integers of up to 16 bits and
	// floats of up to 32; F64 everything else.
	U8  []uint8
	U16 []uint16
	F32 []float32
	F64 []float64
}

// New allocates samples that are all zero.
func New(width, height, channels int, kind Kind, bits int) *Samples {
	s := &Samples{Width: width, Height: height, Channels: channels, Kind: kind, Bits: bits}
	switch n := width * height * channels; {
	case kind == Unsigned && bits <= 8:
		s.U8 = make([]uint8, n)
	case kind == Unsigned && bits <= 16:
		s.U16 = make([]uint16, n)
	case kind == Signed && bits <= 16, kind == Float && bits <= 32:
		s.F32 = make([]float32, n)
	default:
		s.F64 = make([]float64, n)
	}
	return s
}

// At is the value with index i.
func (s *Samples) At(i int) float64 {
	switch {
	case s.U8 != nil:
		return float64(s.U8[i])
	case s.U16 != nil:
		return float64(s.U16[i])
	case s.F32 != nil:
		return float64(s.F32[i])
	}
	return s.F64[i]
}

// Set stores a value that the type of the samples can hold.
func (s *Samples) Set(i int, v float64) {
	switch {
	case s.U8 != nil:
		s.U8[i] = uint8(v)
	case s.U16 != nil:
		s.U16[i] = uint16(v)
	case s.F32 != nil:
		s.F32[i] = float32(v)
	default:
		s.F64[i] = v
	}
}

// Type names the type of the samples for people: "uint16", "float32".
func (s *Samples) Type() string {
	prefix := map[Kind]string{Unsigned: "uint", Signed: "int", Float: "float"}[s.Kind]
	return fmt.Sprintf("%s%d", prefix, s.Bits)
}
