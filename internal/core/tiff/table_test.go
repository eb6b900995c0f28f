package tiff

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// An expectation is what tifffile 2026.3.3 reads from a file of testdata/table.zip, and what Pillow 13.0.0 or libtiff 4.7.2 show of it; see testdata/make.py.
type expectation struct {
	Type      string
	Size      [3]int // width, height, channels
	SHA256    string // of the values as float64, little-endian
	Shown     [3]int
	Tolerance int
}

func table(t *testing.T) (files map[string][]byte, manifest map[string]expectation) {
	files = unzip(t, "testdata/table.zip")
	require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
	return files, manifest
}

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b)), Options{}) }

func hash(s *samples.Samples) string {
	h := sha256.New()
	for i := range s.Width * s.Height * s.Channels {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(s.At(i)))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Compression × layout × type: samples are those that tifffile reads, colours those that Pillow, libtiff or LittleCMS show. Pages with JPEG and WebP, whose decoders
// are imageio's, are tested there.
func TestTableOfWhatIsRead(t *testing.T) {
	files, manifest := table(t)
	require.Greater(t, len(manifest), 400)
	for name, want := range manifest {
		if strings.HasPrefix(name, "jpeg") || strings.HasPrefix(name, "webp") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, err := open(files[name+".tif"])
			require.NoError(t, err)
			require.Len(t, f.Pages, 1)
			s, err := f.Pages[0].Decode()
			require.NoError(t, err)
			if want.SHA256 != "" { // tifffile reads it
				require.Equal(t, want.Size, [3]int{s.Width, s.Height, s.Channels})
				require.Equal(t, want.Type, s.Type())
				require.Equal(t, want.SHA256, hash(s), "values differ")
			}
			shown, err := f.Pages[0].Shown(s)
			require.NoError(t, err)
			if want.Shown == [3]int{} {
				return
			}
			require.Equal(t, want.Shown, [3]int{shown.Width, shown.Height, shown.Channels})
			worst := 0
			for i, v := range files[name+".shown"] {
				worst = max(worst, int(math.Abs(float64(v)-shown.At(i))))
			}
			require.LessOrEqual(t, worst, want.Tolerance, "largest difference to what is shown")
		})
	}
}

// Each channel can be had alone, in any layout.
func TestChannelsAreThoseOfTheWholePage(t *testing.T) {
	files, _ := table(t)
	for _, name := range []string{"grey+6", "grey+4-planar", "zstd-p2-tiles-planar-be-u16", "ycbcr22", "type-u12be"} {
		f, err := open(files[name+".tif"])
		require.NoError(t, err)
		p := f.Pages[0]
		all, err := p.Decode()
		require.NoError(t, err)
		for c := range p.Channels {
			one, err := p.DecodeChannels([]int{c})
			require.NoError(t, err)
			for i := range p.Width * p.Height {
				require.Equal(t, all.At(i*p.Channels+c), one.At(i), "%s: channel %d", name, c)
			}
		}
	}
}
