package bmp

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pixels gives the colours of a picture without premultiplication.
func pixels(m image.Image) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y))
		}
	}
	return out
}

func decode(data []byte) (image.Image, error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return f.Decode()
}

// Every kind of bitmap gives the pixels of Pillow 13.0.0, or what was written where Pillow does not read it (testdata/bitmaps.py).
func TestBitmapsGivePillowsPixels(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bmp")
	require.NoError(t, err)
	require.Len(t, files, 44)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := decode(data)
			require.NoError(t, err)
			golden, err := os.Open(strings.TrimSuffix(file, ".bmp") + ".golden.png")
			require.NoError(t, err)
			defer golden.Close()
			want, err := png.Decode(golden)
			require.NoError(t, err)
			require.Equal(t, pixels(want), pixels(got))

			// Cut off anywhere, it says so; only what fills the last row up may be missing.
			for _, n := range []int{0, 10, 17, 40, len(data) - 8} {
				_, err = decode(data[:n])
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
			}
		})
	}
}

func TestUnsupportedBitmapsSayWhy(t *testing.T) {
	header := func(size uint32, w, h int32, planes, bits uint16, compression uint32, masks ...uint32) []byte {
		var b bytes.Buffer
		for _, v := range []any{[]byte("BM"), uint32(300), uint32(0), uint32(200), size, w, h, planes, bits, compression, make([]byte, 20), masks} {
			require.NoError(t, binary.Write(&b, binary.LittleEndian, v))
		}
		return append(b.Bytes(), make([]byte, 300)...)
	}
	for want, data := range map[string][]byte{
		"bmp: not a bitmap":                    append([]byte("BA"), make([]byte, 40)...),
		"bmp: header of 41 bytes is not known": header(41, 3, 3, 1, 24, 0),
		"bmp: 0x3 pixels":                      header(40, 0, 3, 1, 24, 0),
		"bmp: -1x3 pixels":                     header(40, -1, 3, 1, 24, 0),
		"bmp: 3 planes, want 1":                header(40, 3, 3, 3, 24, 0),
		"bmp: a JPEG inside of a bitmap is not supported; convert it with: magick IN OUT.png": header(40, 3, 3, 1, 0, 4),
		"bmp: a PNG inside of a bitmap is not supported; convert it with: magick IN OUT.png":  header(124, 3, 3, 1, 0, 5),
		"bmp: compression 3 is not supported":                                                 header(64, 3, 3, 1, 1, 3),
		"bmp: compression 11 is not supported":                                                header(40, 3, 3, 1, 8, 11),
		"bmp: 3 bits a pixel with compression 0 are not supported":                            header(40, 3, 3, 1, 3, 0),
		"bmp: 4 bits a pixel with compression 1 are not supported":                            header(40, 3, 3, 1, 4, 1),
		"bmp: masks of colours [ff0000 ff00 0 0] are not supported":                           header(40, 3, 3, 1, 32, 3, 0xff0000, 0xff00, 0),
		"bmp: masks of colours [ff0000 ff00 5 0] are not supported":                           header(40, 3, 3, 1, 32, 3, 0xff0000, 0xff00, 5),
		"bmp: masks of colours [ff0000 ff00 ff 0] are not supported":                          header(40, 3, 3, 1, 16, 3, 0xff0000, 0xff00, 0xff),
	} {
		_, err := decode(data)
		require.EqualError(t, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.bmp")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		require.Positive(t, file.Width)
		require.Positive(t, file.Height)
		if int64(file.Width)*int64(file.Height) > 1<<18 {
			return // whose limits are checked by who decodes
		}
		m, err := file.Decode()
		if err != nil {
			return
		}
		require.Equal(t, image.Rect(0, 0, file.Width, file.Height), m.Bounds())
		if p, ok := m.(*image.Paletted); ok {
			for _, v := range p.Pix {
				require.Less(t, int(v), len(p.Palette))
			}
			require.IsType(t, color.RGBA{}, p.Palette[0])
		}
	})
}
