package imageio

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// Pictures as text and bytes are compared with Pillow in TestFormatsGivePillowsPixels. Here: more than 8 bits, comments, one line, and damage.
func TestPNM(t *testing.T) {
	for file, want := range map[string]*samples.Samples{
		"P5\n#a\n2 #b\n1\n1023\n\x03\xff\x00\x05":  {Width: 2, Height: 1, Channels: 1, Kind: samples.Unsigned, Bits: 10, U16: []uint16{1023, 5}},
		"P2 2 1 4095 4095\n7":                      {Width: 2, Height: 1, Channels: 1, Kind: samples.Unsigned, Bits: 12, U16: []uint16{4095, 7}},
		"P6\n1 1\n65535\n\x00\x01\x00\x02\xff\xff": {Width: 1, Height: 1, Channels: 3, Kind: samples.Unsigned, Bits: 16, U16: []uint16{1, 2, 65535}},
	} {
		list, _, err := PicturesIn(strings.NewReader(file), int64(len(file)), Options{KeepSamples: true})
		require.NoError(t, err)
		m, err := list[0].Decode()
		require.NoError(t, err, file)
		require.Equal(t, want, m.Samples)
	}
	m, err := decodeBytes([]byte("P1\n3 2\n101\n0#no\n1 0"))
	require.NoError(t, err)
	require.Equal(t, []int{0, 255, 0, 255, 0, 255}, grey(m))

	for file, want := range map[string]string{
		"P5\n2 2\n255\nabc":         "imageio: truncated: the file ends inside the picture",
		"P5\n200 200\n255\nabc":     "imageio: truncated: the file ends inside the picture",
		"P2\n2 2\n255\n1 2 3":       "imageio: truncated: the file ends inside the picture",
		"P5\n2":                     "imageio: truncated: the file ends inside the picture",
		"P2\n2 2\n255\n1 2 x":       "imageio: pnm: not a number",
		"P1\n2 2\n1 0 2":            "imageio: pnm: not a bit",
		"P5\n2 2\n0\nabcd":          "imageio: pnm: largest value 0, want 1 to 65535",
		"P5\n2 2\n70000\nabcd":      "imageio: pnm: largest value 70000, want 1 to 65535",
		"P5\n0 2\n255\nabcd":        "imageio: picture of 0x2 pixels",
		"P5\n9999999999 2\n255\n":   "imageio: pnm: not a number",
		"P5\n99999999 2\n255\nabcd": "imageio: picture of 99999999x2 pixels: over the limit of 32768 a side",
	} {
		_, err := decodeBytes([]byte(file))
		require.EqualError(t, err, want, file)
	}
}
