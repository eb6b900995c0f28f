package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func be(v ...any) []byte {
	var b bytes.Buffer
	for _, v := range v {
		if s, ok := v.(string); ok {
			v = []byte(s)
		}
		binary.Write(&b, binary.BigEndian, v)
	}
	return b.Bytes()
}

func le(v ...any) []byte {
	var b bytes.Buffer
	for _, v := range v {
		if s, ok := v.(string); ok {
			v = []byte(s)
		}
		binary.Write(&b, binary.LittleEndian, v)
	}
	return b.Bytes()
}

// bomb gives a small file of a format that declares a picture of the given size.
func bomb(format string, w, h int) []byte {
	switch format {
	case "png":
		ihdr := be("IHDR", uint32(w), uint32(h), "\x08\x06\x00\x00\x00")
		return be("\x89PNG\r\n\x1a\n", uint32(13), ihdr, crc32.ChecksumIEEE(ihdr), uint32(0), "IDAT", uint32(0))
	case "gif":
		return le("GIF89a", uint16(w), uint16(h), "\x80\x00\x00\x00\x00\x00\xff\xff\xff", ",", uint32(0), uint16(w), uint16(h), "\x00\x02\x01\x00;")
	case "bmp":
		return le("BM", uint32(100), uint32(0), uint32(54), uint32(40), int32(w), int32(h), uint16(1), uint16(24), make([]byte, 24), make([]byte, 46))
	case "tiff":
		b := le("II*\x00", uint32(8), uint16(9))
		for _, e := range [][3]int{{256, 4, w}, {257, 4, h}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, 8}, {277, 3, 1}, {278, 4, h}, {279, 4, 100}} {
			b = append(b, le(uint16(e[0]), uint16(e[1]), uint32(1), uint32(e[2]))...)
		}
		return append(b, make([]byte, 100)...)
	case "webp":
		w, h := w-1, h-1
		return le("RIFF", uint32(100), "WEBPVP8X", uint32(10), uint32(0), []byte{byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}, "VP8 ", uint32(4), uint32(0))
	case "rle":
		return le("BM", uint32(100), uint32(0), uint32(58), uint32(40), int32(w), int32(h), uint16(1), uint16(8), uint32(1), make([]byte, 12), uint32(1), uint32(0), uint32(0), "\x00\x02\xff\x00\x09\x00")
	case "pnm":
		return fmt.Appendf(nil, "P6\n%d %d\n65535\nab", w, h)
	case "jpeg":
		return be("\xff\xd8\xff\xc0", uint16(17), "\x08", uint16(h), uint16(w), "\x03\x01\x22\x00\x02\x11\x00\x03\x11\x00", "\xff\xda", uint16(12), "\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00")
	}
	panic("format")
}

// A header is believed about its size only, and only to refuse it: nothing is allocated for a picture over the limits.
func TestBombsAreRefusedBeforeTheyAreAllocated(t *testing.T) {
	for _, format := range []string{"png", "gif", "bmp", "rle", "tiff", "webp", "pnm", "jpeg"} {
		for _, c := range []struct {
			w, h int
			o    Options
			want string
		}{
			{32000, 32000, Options{}, "imageio: picture of 32000x32000 pixels: over the limit of 67.1 megapixels"},
			{40000, 2, Options{}, "imageio: picture of 40000x2 pixels: over the limit of 32768 a side"},
			{3, 65000, Options{}, "imageio: picture of 3x65000 pixels: over the limit of 32768 a side"},
			{65000, 65000, Options{MaxSide: 100000}, "imageio: picture of 65000x65000 pixels: over the limit of 67.1 megapixels"},
			{200, 100, Options{MaxPixels: 19999}, "imageio: picture of 200x100 pixels: over the limit of 0.0 megapixels"},
		} {
			b := bomb(format, c.w, c.h)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Decode(bytes.NewReader(b), int64(len(b)), c.o)
			runtime.ReadMemStats(&after)
			require.EqualError(t, err, c.want, format)
			require.ErrorIs(t, err, ErrTooLarge)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10), "%s: bytes allocated", format)
		}
		// Within the limits the same file is merely damaged.
		b := bomb(format, 200, 100)
		_, err := decodeBytes(b)
		require.Error(t, err, format)
		require.NotErrorIs(t, err, ErrTooLarge, format)
	}
}

func TestOpenNamesTheFileAndTheReason(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, []byte(content), 0o600))
		return p
	}
	for path, want := range map[string]string{
		write("empty.png", ""):                                "imageio: empty.png: empty file",
		write("notes.jpg", "Dear diary"):                      "imageio: notes.jpg: not a picture (png, jpeg, gif, bmp, tiff, webp or pnm)",
		write("phone.jpg", "\x00\x00\x00\x18ftypheic1234567"): "imageio: phone.jpg: HEIC files are not read; convert it with: heif-convert IN OUT.png",
		write("short.png", "\x89PNG\r\n\x1a\n"):               "imageio: short.png: truncated: the file ends inside the picture",
		write("short.jpg", "\xff\xd8\xff"):                    "imageio: short.jpg: truncated: the file ends inside the picture",
		write("end.jpg", "\xff\xd8\xff\xd9"):                  "imageio: end.jpg: jpeg: no picture before the end marker",
		filepath.Join(dir, "none.png"):                        "imageio: none.png: no such file or directory",
		dir:                                                   "imageio: " + filepath.Base(dir) + ": not a regular file",
	} {
		_, err := Open(path, Options{})
		require.EqualError(t, err, want)
	}
	_, err := Open(filepath.Join(dir, "none.png"), Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestCutFilesAreCalledTruncated(t *testing.T) {
	for _, name := range []string{"rgb.png", "palette.gif", "rgb.bmp", "rgb_lzw.tif", "lossy.webp", "lossless.webp", "animated.webp"} {
		data, err := os.ReadFile("testdata/formats/" + name)
		require.NoError(t, err)
		_, err = decodeBytes(data[:len(data)/3])
		require.EqualError(t, err, "imageio: truncated: the file ends inside the picture", name)
	}
}

// The extension does not matter.
func TestContentDecidesTheFormat(t *testing.T) {
	data, err := os.ReadFile("testdata/formats/lossless.webp")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "really_webp.jpg")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	_, largest := difference(t, mustOpen(t, path, Options{}), mustOpen(t, "testdata/formats/lossless.webp.golden.png", Options{}))
	require.Zero(t, largest)
}

// Cut or with flipped bits, a file gives a picture of the size that its header says, or one error of one line.
func TestDamagedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	files := smallFiles(t)
	for n := range 3000 {
		data := bytes.Clone(files[rng.IntN(len(files))])
		if n%2 == 0 {
			data = data[:rng.IntN(len(data))]
		} else {
			for range 1 + rng.IntN(4) {
				data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
			}
		}
		checkDecode(t, data)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range smallFiles(f) {
		f.Add(data)
	}
	for _, format := range []string{"png", "gif", "bmp", "rle", "tiff", "webp", "pnm", "jpeg"} {
		f.Add(bomb(format, 300, 200))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkDecode(t, data) })
}

func checkDecode(t *testing.T, data []byte) {
	t.Helper()
	m, err := Decode(bytes.NewReader(data), int64(len(data)), Options{MaxPixels: 1 << 18})
	if err != nil {
		require.Nil(t, m)
		require.True(t, strings.HasPrefix(err.Error(), "imageio: "), err)
		require.NotContains(t, err.Error(), "\n")
		return
	}
	require.Len(t, m.Pix, 3*m.Width*m.Height)
	require.LessOrEqual(t, m.Width*m.Height, 1<<18)
}

// smallFiles are the files of testdata of at most 3 kB.
func smallFiles(t testing.TB) (files [][]byte) {
	for _, dir := range []string{"jpeg", "formats", "unsupported"} {
		entries, err := os.ReadDir("testdata/" + dir)
		require.NoError(t, err)
		for _, e := range entries {
			if strings.Contains(e.Name(), ".golden.") || strings.Contains(e.Name(), ".pillow") || strings.Contains(e.Name(), ".upright") {
				continue
			}
			data, err := os.ReadFile(fmt.Sprintf("testdata/%s/%s", dir, e.Name()))
			require.NoError(t, err)
			if len(data) <= 3<<10 {
				files = append(files, data)
			}
		}
	}
	require.NotEmpty(t, files)
	return files
}
