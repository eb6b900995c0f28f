package imageio

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// A Normalize is a rule that brings samples to the 8 bits that models take. The zero value is the rule auto.
type Normalize struct {
	rule      string  // "" is auto
	low, high float64 // of percentile, in percent
	bits      int     // of bits
}

// autoLow and autoHigh are the percentiles of auto: what a few dead or hot pixels say does not count.
const autoLow, autoHigh = 0.1, 99.9

// ParseNormalize reads a rule:
//
//   - auto: pictures of up to 8 unsigned bits stay as they are, all others are treated as by percentile:0.1,99.9;
//   - none: unsigned samples keep their high byte; signed integers do so above zero and are black below; floats from 0 to 1 become 0 to 255;
//   - minmax: the smallest value of the picture becomes 0, the largest 255;
//   - percentile:LO,HI: the same with two percentiles (0 ≤ LO < HI ≤ 100) in place of the extremes, interpolated as numpy.percentile does by default;
//   - bits:N: 0 to 2^N−1 become 0 to 255, N from 1 to 32; pictures of 8 bits stay as they are.
//
// The channels of a colour picture share one scale. Values are rounded to the nearest level (none cuts) and clipped.
// NaN and infinities do not count in the statistics and are black. Where two percentiles are the same number, the extremes take their place; a picture of one
// value is black.
func ParseNormalize(s string) (Normalize, error) {
	wrong := func(why string) (Normalize, error) {
		return Normalize{}, fmt.Errorf("imageio: normalization %q: %s", s, why)
	}
	name, value, _ := strings.Cut(s, ":")
	switch name {
	case "auto", "none", "minmax":
		if s != name {
			return wrong(name + " takes no numbers")
		}
		if name == "auto" {
			return Normalize{}, nil
		}
		return Normalize{rule: name}, nil
	case "percentile":
		lo, hi, _ := strings.Cut(value, ",")
		low, err1 := strconv.ParseFloat(strings.TrimSpace(lo), 64)
		high, err2 := strconv.ParseFloat(strings.TrimSpace(hi), 64)
		if err1 != nil || err2 != nil || !(0 <= low && low < high && high <= 100) {
			return wrong("want two percentiles, 0 <= LO < HI <= 100, such as percentile:1,99")
		}
		return Normalize{rule: name, low: low, high: high}, nil
	case "bits":
		bits, err := strconv.Atoi(value)
		if err != nil || bits < 1 || bits > 32 {
			return wrong("want a number of bits from 1 to 32, such as bits:12")
		}
		return Normalize{rule: name, bits: bits}, nil
	}
	return wrong("want auto, none, minmax, percentile:LO,HI or bits:N")
}

// String gives the rule as ParseNormalize reads it.
func (n Normalize) String() string {
	switch n.rule {
	case "":
		return "auto"
	case "percentile":
		return fmt.Sprintf("percentile:%g,%g", n.low, n.high)
	case "bits":
		return fmt.Sprintf("bits:%d", n.bits)
	}
	return n.rule
}

// A Scaling says how the samples of a picture were brought to 8 bits.
type Scaling struct {
	Rule      string  // as ParseNormalize reads it; what auto chose, not "auto"
	Type      string  // of the samples: "uint16", "float32"
	Low, High float64 // the samples that became 0 and 255
}

// String says it for people: "uint16, 113 to 3980 shown as 0 to 255 (percentile:0.1,99.9)".
func (s Scaling) String() string {
	return fmt.Sprintf("%s, %g to %g shown as 0 to 255 (%s)", s.Type, s.Low, s.High, s.Rule)
}

// touchesPixels tells the rules that act on pictures of 8 bits, too.
func (n Normalize) touchesPixels() bool { return n.rule == "minmax" || n.rule == "percentile" }

// narrow tells the samples of pictures of 8 bits: up to 8 bits, unsigned.
func narrow(s *samples.Samples) bool { return s.U8 != nil }

// scaling decides how s is brought to 8 bits.
func (n Normalize) scaling(s *samples.Samples) Scaling {
	if n.rule == "" && !narrow(s) {
		n = Normalize{rule: "percentile", low: autoLow, high: autoHigh}
	}
	out := Scaling{Rule: n.String(), Type: s.Type()}
	switch {
	case n.rule == "minmax":
		out.Low, out.High = percentiles(s, 0, 100)
	case n.rule == "percentile":
		out.Low, out.High = percentiles(s, n.low, n.high)
		if out.Low == out.High { // less than a thousandth of the picture, say, is not background
			out.Rule = "minmax"
			out.Low, out.High = percentiles(s, 0, 100)
		}
	case n.rule == "bits" && !narrow(s):
		out.High = math.Ldexp(1, n.bits) - 1
	default:
		out.Rule = "none"
		out.High = fullScale(s)
	}
	return out
}

// fullScale is the largest value that samples of the type of s can have; of floats, the 1 that programs write for white.
func fullScale(s *samples.Samples) float64 {
	switch s.Kind {
	case samples.Float:
		return 1
	case samples.Signed:
		return math.Ldexp(1, s.Bits-1) - 1
	}
	return math.Ldexp(1, s.Bits) - 1
}

// level gives the function from a sample to its grey level.
func (c Scaling) level(s *samples.Samples) func(v float64) byte {
	if c.Rule == "none" && s.Kind != samples.Float && c.High > 255 {
		unit := (c.High + 1) / 256 // integers keep their upper 8 bits
		return func(v float64) byte { return byte(min(max(math.Floor(v/unit), 0), 255)) }
	}
	shrink := 1.0
	if c.High-c.Low > math.MaxFloat64/1024 {
		shrink = 1.0 / 1024 // so that nothing overflows on the way
	}
	low := float64(c.Low * shrink)
	span := float64(c.High*shrink) - low
	return func(v float64) byte {
		level := (float64(v*shrink) - low) * 255 / span
		switch {
		case v-v != 0 || !(level >= 0.5): // NaN and infinities, too
			return 0
		case level >= 254.5:
			return 255
		}
		return byte(level + 0.5)
	}
}

// render shows samples of one channel (grey) or three (red, green, blue) as 8-bit RGB.
func render(s *samples.Samples, n Normalize) (*Image, error) {
	if s.Channels != 1 && s.Channels != 3 {
		return nil, fmt.Errorf("%d channels are neither grey nor a colour", s.Channels)
	}
	out := New(s.Width, s.Height)
	c := n.scaling(s)
	if !narrow(s) || c.Rule != "none" {
		out.Scaling = &c
	}
	levels := c.levels(s)
	row := make([]byte, s.Width*s.Channels)
	out.eachRow(func(y int, dst []byte) {
		levels(row, y*len(row))
		if s.Channels == 1 {
			spread(dst, row)
		} else {
			copy(dst, row)
		}
	})
	return out, nil
}

// levels gives the function that fills dst with the grey levels of the samples from index i on.
func (c Scaling) levels(s *samples.Samples) func(dst []byte, i int) {
	level := c.level(s)
	var table []byte
	if s.U8 != nil || s.U16 != nil {
		table = make([]byte, 1<<16)
		for v := range table {
			table[v] = level(float64(v))
		}
	}
	return func(dst []byte, i int) {
		switch {
		case s.U8 != nil:
			for x, v := range s.U8[i:][:len(dst)] {
				dst[x] = table[v]
			}
		case s.U16 != nil:
			for x, v := range s.U16[i:][:len(dst)] {
				dst[x] = table[v]
			}
		case s.F32 != nil:
			for x, v := range s.F32[i:][:len(dst)] {
				dst[x] = level(float64(v))
			}
		default:
			for x, v := range s.F64[i:][:len(dst)] {
				dst[x] = level(v)
			}
		}
	}
}
