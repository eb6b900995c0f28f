package imageio

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// difference gives the mean and the largest absolute difference of two pictures in grey levels.
func difference(t *testing.T, got, want *Image) (mean float64, largest int) {
	t.Helper()
	require.Equal(t, [2]int{want.Width, want.Height}, [2]int{got.Width, got.Height})
	sum := 0
	for i, v := range got.Pix {
		d := int(v) - int(want.Pix[i])
		if d < 0 {
			d = -d
		}
		sum += d
		largest = max(largest, d)
	}
	return float64(sum) / float64(len(got.Pix)), largest
}

func mustOpen(t *testing.T, path string, o Options) *Image {
	t.Helper()
	m, err := Open(path, o)
	require.NoError(t, err)
	return m
}

// sharedFixtures is the folder of all fixtures of the original systems, where there is one; a small part of them is in testdata.
func sharedFixtures(folder string) []string {
	if shared := os.Getenv("SPINEMASK_SHARED"); shared != "" {
		return []string{filepath.Join(shared, "fixtures", folder)}
	}
	return nil
}

// JPEG pixels are those of libjpeg-turbo 3.2.0 with its accurate DCT, as Pillow 13.0.0 returns them: np.asarray(Image.open(f)), for CMYK .convert("RGB").
// What remains is the rounding of another exact DCT: 0.02 to 0.08 grey levels in the mean, at most 3.
func TestJPEGPixelsAreLibjpegs(t *testing.T) {
	compared := 0
	for _, dir := range append(sharedFixtures("jpeg_pixels"), "testdata/jpeg") {
		goldens, err := filepath.Glob(dir + "/*.pillow*.png")
		require.NoError(t, err)
		for _, golden := range goldens {
			stem, _, _ := strings.Cut(golden, ".pillow")
			if strings.HasSuffix(golden, "_planes.png") || strings.Contains(stem, "arith") || strings.Contains(stem, "luma_1x1_chroma_2x2") {
				continue
			}
			t.Run(filepath.Base(stem), func(t *testing.T) {
				mean, largest := difference(t, mustOpen(t, stem+".jpg", Options{IgnoreOrientation: true}), mustOpen(t, golden, Options{}))
				t.Logf("mean %.3f, largest %d", mean, largest)
				require.LessOrEqual(t, mean, 0.1)
				require.LessOrEqual(t, largest, 3)
			})
			compared++
		}
	}
	require.GreaterOrEqual(t, compared, 14)
}

func TestUnsupportedJPEGsSayWhy(t *testing.T) {
	_, err := Open("testdata/unsupported/arith_420_q85_48x48.jpg", Options{})
	require.EqualError(t, err, "imageio: arith_420_q85_48x48.jpg: jpeg: arithmetic coding is not supported; convert it without loss with: jpegtran -copy all -outfile OUT.jpg IN")
	_, err = Open("testdata/unsupported/progressive_restart_420_q85_48x48.jpg", Options{})
	require.EqualError(t, err, "imageio: progressive_restart_420_q85_48x48.jpg: jpeg: restart markers in a progressive picture with subsampled colours are not supported; "+
		"convert it without loss with: jpegtran -copy all -outfile OUT.jpg IN")
	stream, err := os.ReadFile("testdata/unsupported/progressive_restart_420_q85_48x48.jpg")
	require.NoError(t, err)
	_, err = jpegInTIFF(stream, true, 48, 48)
	require.EqualError(t, err, "jpeg: restart markers in a progressive picture with subsampled colours are not supported; convert it with: magick IN OUT.png")
	_, err = Open("testdata/unsupported/luma_1x1_chroma_2x2_q85_40x40.jpg", Options{})
	require.EqualError(t, err, "imageio: luma_1x1_chroma_2x2_q85_40x40.jpg: jpeg: sampling factors 1x1,2x2,2x2 are not supported")
}

// All eight files show the same astronaut when they are turned as their EXIF orientation says (Pillow: ImageOps.exif_transpose).
func TestEXIFOrientationsAreTurnedUpright(t *testing.T) {
	for o := 1; o <= 8; o++ {
		stem := fmt.Sprintf("testdata/jpeg/exif_%d_420_q85_54x36", o)
		stored := mustOpen(t, stem+".jpg", Options{IgnoreOrientation: true})
		got := mustOpen(t, stem+".jpg", Options{})
		require.Equal(t, [2]int{54, 36}, [2]int{stored.Width, stored.Height})
		mean, largest := difference(t, got, mustOpen(t, stem+".upright.png", Options{}))
		require.LessOrEqual(t, mean, 0.1)
		require.LessOrEqual(t, largest, 3)
	}
}

// A camera that lost power leaves no end marker; Pillow reads such a file, too. Half a picture is an error.
func TestJPEGWithoutEndMarker(t *testing.T) {
	whole, err := os.ReadFile("testdata/jpeg/420_q90_odd_99x67.jpg")
	require.NoError(t, err)
	want, err := decodeBytes(whole)
	require.NoError(t, err)
	got, err := decodeBytes(whole[:len(whole)-2])
	require.NoError(t, err)
	require.Equal(t, want, got)
	for _, n := range []int{len(whole) / 2, len(whole) - 40, 300, 20} {
		_, err = decodeBytes(whole[:n])
		require.EqualError(t, err, "imageio: truncated: the file ends inside the picture", n)
	}
}

// A progressive file of a few kB may make the decoder walk over all blocks of a large picture again and again.
func TestJPEGScansAreLimited(t *testing.T) {
	data, err := os.ReadFile("testdata/jpeg/progressive_444_q50_odd_37x53.jpg")
	require.NoError(t, err)
	last := bytes.LastIndex(data, []byte{0xff, 0xda})
	first := bytes.Index(data, []byte{0xff, 0xda})
	scan := data[first : first+bytes.Index(data[first+2:], []byte{0xff})+2] // the first scan, again and again
	bomb := append([]byte{}, data[:last]...)
	for range jpegMaxScans + 1 {
		bomb = append(bomb, scan...)
	}
	_, err = decodeBytes(append(bomb, data[last:]...))
	require.EqualError(t, err, "imageio: jpeg: more than 200 scans")
}

// Frames of Motion JPEG have no Huffman tables; they are the standard ones. The photos were written with these.
func TestJPEGWithoutHuffmanTables(t *testing.T) {
	for _, name := range []string{"420_q90_odd_99x67", "gray_pillow_q90_odd_31x29", "cmyk_q90_48x32"} {
		whole, err := os.ReadFile("testdata/jpeg/" + name + ".jpg")
		require.NoError(t, err)
		want, err := decodeBytes(whole)
		require.NoError(t, err)
		frame := bytes.Clone(whole)
		for at := 0; ; {
			if at = bytes.Index(frame, []byte{0xff, 0xc4}); at < 0 {
				break
			}
			frame = append(frame[:at], frame[at+2+int(frame[at+2])<<8+int(frame[at+3]):]...)
		}
		require.Less(t, len(frame), len(whole)-150)
		got, err := decodeBytes(frame)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

func decodeBytes(b []byte) (*Image, error) {
	return Decode(bytes.NewReader(b), int64(len(b)), Options{})
}

// Of a sub-image that begins inside of a chroma sample, every pixel away from its border is the one of the whole picture.
func TestSubImagesKeepTheirChroma(t *testing.T) {
	for _, name := range []string{"420_q90_odd_99x67", "422_q60_odd_33x31", "440_q92_odd_45x27", "411_q80_odd_51x37", "410_q80_70x70"} {
		f, err := os.Open("testdata/jpeg/" + name + ".jpg")
		require.NoError(t, err)
		defer f.Close()
		m, err := jpeg.Decode(f)
		require.NoError(t, err)
		whole := FromImage(m)
		for _, at := range []image.Point{{0, 0}, {1, 0}, {3, 1}, {6, 3}} {
			part := FromImage(m.(*image.YCbCr).SubImage(image.Rectangle{at, at.Add(image.Pt(21, 14))}))
			require.Equal(t, image.Rect(0, 0, 21, 14), part.Bounds())
			for y := 2; y < 12; y++ {
				for x := 2; x < 19; x++ {
					require.Equal(t, whole.At(at.X+x, at.Y+y), part.At(x, y), "%s: sub-image at %v, pixel %d,%d", name, at, x, y)
				}
			}
		}
	}
}
