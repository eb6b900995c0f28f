package imageio

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// page makes samples of one channel and one row.
func page(kind samples.Kind, bits int, values ...float64) *samples.Samples {
	s := samples.New(len(values), 1, 1, kind, bits)
	for i, v := range values {
		s.Set(i, v)
	}
	return s
}

// grey gives the first channel of a picture.
func grey(m *Image) []int {
	out := make([]int, len(m.Pix)/3)
	for i := range out {
		out[i] = int(m.Pix[3*i])
	}
	return out
}

// The percentiles are numpy 2.4.6's, to the last bit, and so are the levels (testdata/normalize.py).
func TestPercentilesAreNumpys(t *testing.T) {
	data, err := os.ReadFile("testdata/normalize.json")
	require.NoError(t, err)
	var cases []struct {
		Type              string
		Low, High, Lo, Hi float64
		Levels            []int
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.Len(t, cases, 35)
	noise := make([]uint32, 1001)
	x := uint32(1)
	for i := range noise {
		x = 1664525*x + 1013904223
		noise[i] = x
	}
	types := map[string]struct {
		kind  samples.Kind
		bits  int
		value func(uint32) float64
	}{
		"uint8":   {samples.Unsigned, 8, func(r uint32) float64 { return float64(r >> 24) }},
		"uint16":  {samples.Unsigned, 16, func(r uint32) float64 { return float64(r >> 16) }},
		"int16":   {samples.Signed, 16, func(r uint32) float64 { return float64(int16(r >> 16)) }},
		"uint32":  {samples.Unsigned, 32, func(r uint32) float64 { return float64(r) }},
		"int32":   {samples.Signed, 32, func(r uint32) float64 { return float64(int32(r)) }},
		"float32": {samples.Float, 32, func(r uint32) float64 { return float64(int32(r)) / 1e5 }},
		"float64": {samples.Float, 64, func(r uint32) float64 { return float64(int32(r)) / 1e-200 }},
	}
	for _, c := range cases {
		typ := types[c.Type]
		s := samples.New(1001, 1, 1, typ.kind, typ.bits)
		for i, r := range noise {
			s.Set(i, typ.value(r))
		}
		lo, hi := percentiles(s, c.Low, c.High)
		require.Equal(t, [2]float64{c.Lo, c.Hi}, [2]float64{lo, hi}, "%s, %g to %g", c.Type, c.Low, c.High)

		n, err := ParseNormalize(fmt.Sprintf("percentile:%g,%g", c.Low, c.High))
		require.NoError(t, err)
		m, err := render(s, n)
		require.NoError(t, err)
		require.Equal(t, c.Levels, grey(m)[:len(c.Levels)], "%s, %g to %g", c.Type, c.Low, c.High)
		require.Equal(t, &Scaling{n.String(), c.Type, c.Lo, c.Hi}, m.Scaling)
	}
}

func TestRulesOfNormalization(t *testing.T) {
	inf := math.Inf(1)
	const U, S, F = samples.Unsigned, samples.Signed, samples.Float
	for _, c := range []struct {
		rule string
		page *samples.Samples
		want []int
	}{
		{"auto", page(U, 8, 0, 30, 200), []int{0, 30, 200}},
		{"auto", page(U, 4, 0, 1, 15), []int{0, 17, 255}},
		{"auto", page(U, 1, 0, 1), []int{0, 255}},
		{"auto", page(S, 8, -128, 0, 127), []int{0, 128, 255}},
		{"auto", page(U, 12, 7, 7, 7), []int{0, 0, 0}}, // of one value
		{"none", page(U, 8, 0, 30, 255), []int{0, 30, 255}},
		{"none", page(U, 16, 255, 256, 511, 65535), []int{0, 1, 1, 255}},
		{"none", page(U, 12, 15, 16, 4095), []int{0, 1, 255}},
		{"none", page(U, 32, 1<<24-1, 1<<24, 1<<32-1), []int{0, 1, 255}},
		{"none", page(S, 16, -32768, -1, 0, 127, 128, 32767), []int{0, 0, 0, 0, 1, 255}},
		{"none", page(S, 8, -128, -1, 0, 1, 127), []int{0, 0, 0, 2, 255}},
		{"none", page(F, 32, -1, 0, 0.5, 1, 7), []int{0, 0, 128, 255, 255}},
		{"none", page(F, 32, math.NaN(), inf, -inf, 1), []int{0, 0, 0, 255}},
		{"minmax", page(U, 16, 1000, 1001, 1002), []int{0, 128, 255}},
		{"minmax", page(U, 8, 100, 101, 102), []int{0, 128, 255}},
		{"minmax", page(F, 32, math.NaN(), 3, inf, 5, -inf, 4), []int{0, 0, 0, 255, 0, 128}},
		{"minmax", page(F, 64, -math.MaxFloat64, 0, math.MaxFloat64), []int{0, 128, 255}},
		{"minmax", page(F, 32, math.NaN(), inf), []int{0, 0}},
		{"percentile:25,75", page(U, 16, 0, 10, 20, 30, 40), []int{0, 0, 128, 255, 255}},
		{"percentile:25,75", page(U, 8, 0, 10, 20, 30, 40), []int{0, 0, 128, 255, 255}},
		{"bits:12", page(U, 16, 0, 2048, 4095, 5000), []int{0, 128, 255, 255}},
		{"bits:12", page(F, 32, -3, 1000, 4095, 1e9), []int{0, 62, 255, 255}},
		{"bits:12", page(U, 8, 0, 30, 255), []int{0, 30, 255}},
		{"bits:32", page(U, 32, 1<<31, 1<<32-1), []int{128, 255}},
	} {
		n, err := ParseNormalize(c.rule)
		require.NoError(t, err)
		require.Equal(t, c.rule, n.String())
		m, err := render(c.page, n)
		require.NoError(t, err)
		require.Equal(t, c.want, grey(m), "%s of %s %v", c.rule, c.page.Type(), c.page)
	}
	for _, wrong := range []string{"", "Auto", "none:1", "bits", "bits:0", "bits:33", "bits:x", "percentile", "percentile:1", "percentile:99,1", "percentile:NaN,1", "percentile:0,101", "percentile:1,2,3"} {
		_, err := ParseNormalize(wrong)
		require.ErrorContains(t, err, fmt.Sprintf("imageio: normalization %q: ", wrong))
	}
}

// Of a page that is dark but for less than a thousandth of its pixels, these are shown, not lost.
func TestAFewBrightPixels(t *testing.T) {
	s := samples.New(100, 100, 1, samples.Unsigned, 16)
	for i := range s.U16 {
		s.U16[i] = 100
	}
	s.U16[5050] = 4100
	m, err := render(s, Normalize{})
	require.NoError(t, err)
	require.Equal(t, &Scaling{"minmax", "uint16", 100, 4100}, m.Scaling)
	require.Equal(t, "uint16, 100 to 4100 shown as 0 to 255 (minmax)", m.Scaling.String())
	require.Equal(t, []byte{0, 0, 0, 255, 255, 255, 0}, m.Pix[3*5049:3*5051+1])
}

// The channels of a colour picture share one scale, and what was measured stays beside it when asked for.
func TestColoursShareOneScale(t *testing.T) {
	s := samples.New(1, 2, 3, samples.Unsigned, 16)
	copy(s.U16, []uint16{100, 200, 300, 400, 500, 600})
	n, err := ParseNormalize("minmax")
	require.NoError(t, err)
	h := header{width: 1, height: 2, samples: func() (stored, error) { return stored{Samples: s}, nil }}
	m, err := h.image(Options{Normalize: n})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 51, 102, 153, 204, 255}, m.Pix)
	require.Nil(t, m.Samples)
	m, err = h.image(Options{Normalize: n, KeepSamples: true})
	require.NoError(t, err)
	m = upright(m, 6)
	require.Equal(t, []byte{153, 204, 255, 0, 51, 102}, m.Pix)
	require.Equal(t, &samples.Samples{Width: 2, Height: 1, Channels: 3, Kind: samples.Unsigned, Bits: 16, U16: []uint16{400, 500, 600, 100, 200, 300}}, m.Samples)
	require.Equal(t, []uint16{100, 200, 300, 400, 500, 600}, s.U16)
}

// Where a rule changes a picture of 8 bits, its own values stay beside it, too.
func TestSamplesOfEightBits(t *testing.T) {
	const file = "P5\n3 1\n255\n\x0a\x0b\x0c"
	open := func(rule, file string) *Image {
		n, err := ParseNormalize(rule)
		require.NoError(t, err)
		m, err := Decode(strings.NewReader(file), int64(len(file)), Options{Normalize: n, KeepSamples: true})
		require.NoError(t, err)
		return m
	}
	m := open("auto", file)
	require.Nil(t, m.Samples)
	require.Nil(t, m.Scaling)
	m = open("minmax", file)
	require.Equal(t, []int{0, 128, 255}, grey(m))
	require.Equal(t, []byte{10, 11, 12}, m.Samples.U8)

	bitmap, err := os.ReadFile("testdata/formats/rgb.bmp")
	require.NoError(t, err)
	plain := open("auto", string(bitmap))
	m = open("minmax", string(bitmap))
	require.Equal(t, plain.Pix, m.Samples.U8)
	require.NotEqual(t, plain.Pix, m.Pix)
}
