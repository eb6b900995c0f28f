package samples

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryTypeKeepsItsExtremes(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		bits int
		name string
		low  float64
		high float64
	}{
		{Unsigned, 1, "uint1", 0, 1},
		{Unsigned, 8, "uint8", 0, 255},
		{Unsigned, 12, "uint12", 0, 4095},
		{Unsigned, 16, "uint16", 0, 65535},
		{Unsigned, 32, "uint32", 0, 1<<32 - 1},
		{Signed, 8, "int8", -128, 127},
		{Signed, 16, "int16", -32768, 32767},
		{Signed, 32, "int32", -1 << 31, 1<<31 - 1},
		{Float, 32, "float32", -0.5, 1 << 100},
		{Float, 64, "float64", -1e300, 0.1},
	} {
		s := New(3, 2, 2, c.kind, c.bits)
		require.Equal(t, c.name, s.Type())
		s.Set(0, c.low)
		s.Set(11, c.high)
		require.Equal(t, []float64{c.low, 0, c.high}, []float64{s.At(0), s.At(5), s.At(11)}, c.name)
	}
}
