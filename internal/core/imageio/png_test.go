package imageio

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// pngChunk gives a chunk whose checksum is off by wrong.
func pngChunk(kind, data string, wrong uint32) []byte {
	b := be(uint32(len(data)), kind, data)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])+wrong)
}

// What stands around the pixels of a PNG may be damaged; libpng reads such files and warns. Damage to the pixels is an error.
func TestDamageAroundThePixelsOfPNG(t *testing.T) {
	whole, err := os.ReadFile("testdata/formats/palette_transparent.png")
	require.NoError(t, err)
	want, err := decodeBytes(whole)
	require.NoError(t, err)
	opaque := mustOpen(t, "testdata/formats/palette.png", Options{})
	const header = 8 + 25 // signature and IHDR
	idat := bytes.Index(whole, []byte("IDAT")) - 4
	trns := bytes.Index(whole, []byte("tRNS")) - 4
	iend := bytes.Index(whole, []byte("IEND")) - 4
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	broken := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	for name, file := range map[string][]byte{
		"text of a wrong checksum":    join(whole[:header], pngChunk("tEXt", "Comment\x00hello", 1), whole[header:]),
		"profile of a wrong checksum": join(whole[:header], pngChunk("iCCP", "sRGB\x00\x00nonsense", 7), whole[header:]),
		"text at the end":             join(whole[:iend], pngChunk("tEXt", "Comment\x00hello", 1), whole[iend:]),
		"an endless chunk at the end": join(whole[:iend], []byte("\xff\xff\xff\xfftEXtabc")),
		"no end":                      whole[:iend],
		"a wrong end":                 join(whole[:iend], []byte("\x00\x00\x00\x00IEND\x00\x00\x00\x00")),
		"something behind the end":    join(whole, []byte("\x00\x00\x00\x00")),
	} {
		got, err := decodeBytes(file)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	got, err := decodeBytes(broken(trns + 8))
	require.NoError(t, err)
	require.Equal(t, opaque, got, "opacity of a wrong checksum is left out, as libpng does")

	for _, at := range []int{20, bytes.Index(whole, []byte("PLTE")) + 10, idat + 40} { // header, palette, pixels
		_, err = decodeBytes(broken(at))
		require.Error(t, err, at)
	}
	for _, n := range []int{20, header, idat, idat + 30, iend - 4} {
		_, err = decodeBytes(whole[:n])
		require.EqualError(t, err, "imageio: truncated: the file ends inside the picture", n)
	}
}
