package imageio

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// none keeps the high byte of 16 bits.
var none = Normalize{rule: "none"}

// Every kind of file gives the pixels of Pillow 13.0.0, exactly (testdata/formats.py). Alpha is laid over white with alpha_composite, which rounds
// differently from our division: one grey level.
func TestFormatsGivePillowsPixels(t *testing.T) {
	goldens, err := filepath.Glob("testdata/formats/*.golden.png")
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, golden := range goldens {
		name := strings.TrimSuffix(golden, ".golden.png")
		t.Run(filepath.Base(name), func(t *testing.T) {
			mean, largest := difference(t, mustOpen(t, name, Options{Normalize: none}), mustOpen(t, golden, Options{}))
			tolerance := 0
			if strings.Contains(name, "alpha") || strings.Contains(name, "transparent") || strings.Contains(name, "rgba") {
				tolerance = 1
			}
			require.LessOrEqual(t, largest, tolerance, "mean difference %f", mean)
		})
	}
}

// PNG (chunk eXIf), WebP (chunk EXIF) and TIFF (its own tag) say how they are to be turned, too.
func TestOtherFormatsAreTurnedUpright(t *testing.T) {
	for _, name := range []string{"turned_6", "turned_7"} {
		want := mustOpen(t, "testdata/formats/"+name+".upright.png", Options{})
		for _, ext := range []string{".png", ".webp", ".tif"} {
			file := "testdata/formats/" + name + ext
			_, largest := difference(t, mustOpen(t, file, Options{}), want)
			require.Zero(t, largest, file)
			require.Equal(t, want.Height, mustOpen(t, file, Options{IgnoreOrientation: true}).Width, file)
		}
		// The chunk eXIf behind the pixels, where programs add it to a file that is there.
		data, err := os.ReadFile("testdata/formats/" + name + ".png")
		require.NoError(t, err)
		at := bytes.Index(data, []byte("eXIf")) - 4
		end := at + 12 + int(binary.BigEndian.Uint32(data[at:]))
		last := len(data) - 12 // IEND
		moved := slices.Concat(data[:at], data[end:last], data[at:end], data[last:])
		m, err := Decode(bytes.NewReader(moved), int64(len(moved)), Options{})
		require.NoError(t, err)
		require.Equal(t, want.Pix, m.Pix)
	}
}
