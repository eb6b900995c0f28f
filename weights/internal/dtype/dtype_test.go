package dtype

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHalfIsExact computes every one of the 65,536 halves from its definition: (-1)^s · 2^(e-15) · 1.m, or
// (-1)^s · 2^-14 · 0.m for e = 0.
func TestHalfIsExact(t *testing.T) {
	src := make([]byte, 2<<16)
	for h := range 1 << 16 {
		binary.LittleEndian.PutUint16(src[2*h:], uint16(h))
	}
	got := make([]float32, 1<<16)
	F16.Float32(got, src)
	for h := range 1 << 16 {
		e, m := h>>10&31, float64(h&1023)/1024
		var want float64
		switch e {
		case 0:
			want = math.Ldexp(m, -14)
		case 31:
			want = math.Inf(1)
			if m != 0 {
				want = math.NaN()
			}
		default:
			want = math.Ldexp(1+m, e-15)
		}
		if h>>15 == 1 {
			want = -want
		}
		if math.IsNaN(want) {
			require.True(t, math.IsNaN(float64(got[h])), "%#04x", h)
			continue
		}
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got[h]), "%#04x", h)
	}
	require.Equal(t, src, F16.Encode(got), "encoding is the inverse")
}

func TestBFloat16IsTheUpperHalfOfFloat32(t *testing.T) {
	dst := make([]float32, 3)
	BF16.Float32(dst, []byte{0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40})
	require.Equal(t, []float32{1, -2, 3.140625}, dst)
	require.Equal(t, []byte{0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40}, BF16.Encode(dst))
}

// TestFloat64IsRounded: to the nearest float32, half to even; what is too large for one is not finite.
func TestFloat64IsRounded(t *testing.T) {
	values := []float64{1, -0.1, 1 + 0x1p-24, 1 + 0x3p-24, 0x1p-150, math.MaxFloat32}
	src, err := binary.Append(nil, binary.LittleEndian, values)
	require.NoError(t, err)
	dst := make([]float32, len(values))
	F64.Float32(dst, src)
	require.Equal(t, []float32{1, math.Float32frombits(0xbdcccccd), 1, 1 + 0x1p-22, 0, math.MaxFloat32}, dst)
	require.True(t, F64.Finite(src))
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e39, -1e300} {
		b, err := binary.Append(src, binary.LittleEndian, bad)
		require.NoError(t, err)
		require.False(t, F64.Finite(b), "%g", bad)
	}
}

// TestFiniteFindsOneBadValue puts every kind of non-finite value at every place of a run that covers the unrolled loop
// and its tail.
func TestFiniteFindsOneBadValue(t *testing.T) {
	bad := map[Type][]uint32{
		F32:  {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff},
		F16:  {0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xffff},
		BF16: {0x7f80, 0xff80, 0x7fc0, 0x7f81, 0xffff},
	}
	largest := map[Type]uint32{F32: 0xff7fffff, F16: 0xfbff, BF16: 0xff7f}
	for dt, values := range bad {
		for n := range 21 {
			b := make([]byte, n*dt.Size())
			put := func(i int, v uint32) {
				if dt == F32 {
					binary.LittleEndian.PutUint32(b[4*i:], v)
				} else {
					binary.LittleEndian.PutUint16(b[2*i:], uint16(v))
				}
			}
			for i := range n {
				put(i, largest[dt])
			}
			require.True(t, dt.Finite(b), "%s %d", dt, n)
			for i := range n {
				for _, v := range values {
					put(i, v)
					require.False(t, dt.Finite(b), "%s %d of %d: %#x", dt, i, n, v)
				}
				put(i, largest[dt])
			}
		}
	}
}

func TestViewNeedsAlignment(t *testing.T) {
	b := Bytes([]float32{1, 2, 3})
	require.Equal(t, []float32{1, 2, 3}, View(b))
	require.Nil(t, View(b[1:]))
	require.Nil(t, View(nil))
	dst := make([]float32, 2)
	F32.Float32(dst, append([]byte{0}, b...)[1:9])
	require.Equal(t, []float32{1, 2}, dst)
}

func BenchmarkHalf(b *testing.B) {
	src := make([]byte, 2<<20)
	for i := range 1 << 20 {
		binary.LittleEndian.PutUint16(src[2*i:], uint16(0x2000+i%0x1800))
	}
	dst := make([]float32, 1<<20)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		F16.Float32(dst, src)
	}
}

func BenchmarkFinite(b *testing.B) {
	src := make([]byte, 64<<20)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if !F32.Finite(src) {
			b.Fatal("zeros are finite")
		}
	}
}
