package weights

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bits are those of Python's struct.pack("<e", v): ties, the smallest numbers, the
// largest one.
func TestHalfRoundsToTheNearest(t *testing.T) {
	cases := []struct {
		value float32
		bits  uint16
	}{
		{0, 0x0000}, {0.3333333432674408, 0x3555}, {-0.3333333432674408, 0xb555},
		{1.00048828125, 0x3c00}, {1.00146484375, 0x3c02}, {1.0004892349243164, 0x3c01},
		{65504, 0x7bff}, {65519.98828125, 0x7bff},
		{5.99999978589949e-08, 0x0001}, {2.900000062311392e-08, 0x0000}, {2.9802322387695312e-08, 0x0000}, {8.940696716308594e-08, 0x0002},
		{-5.500000042957254e-05, 0x839b}, {6.0999998822808266e-05, 0x03ff}, {6.102025508880615e-05, 0x0400}, {0.0010000000474974513, 0x1419},
	}
	var values []float32
	var want []byte
	for _, c := range cases {
		values = append(values, c.value)
		want = binary.LittleEndian.AppendUint16(want, c.bits)
	}
	half, err := NewTensor("a", []int{len(values)}, values).Half()
	require.NoError(t, err)
	require.Equal(t, want, half.stored.memory)
	require.Equal(t, "F16", half.DType())

	_, err = NewTensor("a", []int{2}, []float32{1, -65520}).Half()
	require.EqualError(t, err, "weights: a: -65520 is beyond float16")
}
