package imageio

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/tiff"
)

// The three times of testdata/tiff/times.tif have the values 1000 + 100·t + 10·y + x, and pixels of 0.25×0.5 µm (testdata/tiff.py).
func TestPicturesOfATimeSeries(t *testing.T) {
	const path = "testdata/tiff/times.tif"
	list, note, err := Pictures(path, Options{KeepSamples: true})
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.NotEmpty(t, note)
	var all sync.WaitGroup
	for i, p := range list { // the pictures of a file share a handle
		all.Go(func() {
			m, err := p.Decode()
			if err != nil {
				t.Error(err)
				return
			}
			for y := range 5 {
				for x := range 9 {
					if want := uint16(1000 + 100*i + 10*y + x); m.Samples.U16[9*y+x] != want {
						t.Errorf("%s: column %d, row %d is %d, want %d", p.Name, x, y, m.Samples.U16[9*y+x], want)
					}
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, []string{"t1", "t2", "t3"}, []string{list[0].Name, list[1].Name, list[2].Name})

	m := mustOpen(t, path, Options{}) // the first one, each on a scale of its own
	require.Equal(t, [2]float64{0.25, 0.5}, m.PixelSize)
	require.Equal(t, [2]byte{0, 255}, [2]byte{m.Pix[0], m.Pix[len(m.Pix)-1]})
	require.Equal(t, "uint16, 1000.044 to 1047.956 shown as 0 to 255 (percentile:0.1,99.9)", m.Scaling.String())

	list, _, err = Pictures(path, Options{Select: tiff.Selection{Page: "2"}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	m, err = list[0].Decode()
	require.NoError(t, err)
	require.Equal(t, 1100, int(m.Scaling.Low))
}

// What is wrong with a file is said when it is looked into, or when it is decoded, with its name.
func TestPicturesSayWhatIsWrong(t *testing.T) {
	_, _, err := Pictures("testdata/tiff/none.tif", Options{})
	require.EqualError(t, err, "imageio: none.tif: no such file or directory")
	list, _, err := Pictures("testdata/tiff/times.tif", Options{MaxPixels: 44})
	require.NoError(t, err)
	_, err = list[1].Decode()
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, "imageio: times.tif: picture of 9x5 pixels: over the limit of ")

	path := filepath.Join(t.TempDir(), "gone.png")
	data, err := os.ReadFile("testdata/formats/rgb.png")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	list, _, err = Pictures(path, Options{})
	require.NoError(t, err)
	_, err = list[0].Decode()
	require.NoError(t, err)
	require.NoError(t, os.Remove(path)) // it is not open any more
	_, err = list[0].Decode()
	require.EqualError(t, err, "imageio: gone.png: no such file or directory")
}
