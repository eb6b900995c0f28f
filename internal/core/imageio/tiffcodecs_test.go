package imageio

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/tiff"
)

// The files of tiff's table with JPEG and WebP inside, against what tifffile 2026.3.3 (libjpeg-turbo, libwebp) reads. JPEG may differ in the inverse transform, by
// one level of a component and three of a colour; WebP and lossless data not at all.
func TestPicturesInTIFF(t *testing.T) {
	r, err := zip.OpenReader("../tiff/testdata/table.zip")
	require.NoError(t, err)
	defer r.Close()
	read := func(name string) []byte {
		f, err := r.Open(name)
		require.NoError(t, err)
		b, err := io.ReadAll(f)
		require.NoError(t, err)
		return b
	}
	var manifest map[string]struct {
		Size      [3]int
		Tolerance float64
	}
	require.NoError(t, json.Unmarshal(read("manifest.json"), &manifest))
	n := 0
	for name, want := range manifest {
		if !strings.HasPrefix(name, "jpeg") && !strings.HasPrefix(name, "webp") {
			continue
		}
		n++
		b := read(name + ".tif")
		f, err := tiff.Open(bytes.NewReader(b), int64(len(b)), tiff.Options{JPEG: jpegInTIFF, WebP: webpInTIFF})
		require.NoError(t, err)
		s, err := f.Pages[0].Decode()
		require.NoError(t, err, name)
		require.Equal(t, want.Size, [3]int{s.Width, s.Height, s.Channels}, name)
		worst := 0.0
		for i, v := range read(name + ".stored") {
			worst = max(worst, math.Abs(float64(v)-s.At(i)))
		}
		require.LessOrEqual(t, worst, want.Tolerance, name)
	}
	require.Greater(t, n, 8)
}
