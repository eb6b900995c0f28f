package spinemask_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)

// stored is how a picture is stored so that an EXIF orientation turns it upright
// (EXIF 2.32, tag 0x0112): where column x, row y of what is stored come from.
var stored = map[int]func(x, y, width, height int) (int, int){
	1: func(x, y, w, h int) (int, int) { return x, y },
	2: func(x, y, w, h int) (int, int) { return w - 1 - x, y },
	3: func(x, y, w, h int) (int, int) { return w - 1 - x, h - 1 - y },
	4: func(x, y, w, h int) (int, int) { return x, h - 1 - y },
	5: func(x, y, w, h int) (int, int) { return y, x },
	6: func(x, y, w, h int) (int, int) { return w - 1 - y, x },
	7: func(x, y, w, h int) (int, int) { return w - 1 - y, h - 1 - x },
	8: func(x, y, w, h int) (int, int) { return y, h - 1 - x },
}

// turned is a PNG of an upright picture with an orientation.
func turned(t *testing.T, upright image.Image, orientation int) []byte {
	w, h := upright.Bounds().Dx(), upright.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	m := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			m.Set(x, y, upright.At(stored[orientation](x, y, w, h)))
		}
	}
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, m))
	const header = 8 + 25 // signature, IHDR
	exif := []byte("eXIfMM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	exif[4+8+2+8+1] = byte(orientation)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, exif...), crc32.ChecksumIEEE(exif))
	return append(append(file.Bytes()[:header:header], chunk...), file.Bytes()[header:]...)
}

// However a camera was held, the instances are those of the upright picture.
func TestEveryOrientationGivesTheSameInstances(t *testing.T) {
	m := tinyModel(t, spinemask.Options{})
	upright := photo(t)
	want, err := m.Segment(context.Background(), upright)
	require.NoError(t, err)
	require.NotEmpty(t, want.Instances)
	bare(want)
	for orientation := 1; orientation <= 8; orientation++ {
		file := turned(t, upright, orientation)
		img, err := spinemask.LoadImage(bytes.NewReader(file), int64(len(file)), nil)
		require.NoError(t, err)
		got, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		require.Equal(t, want, bare(got), "orientation %d", orientation)

		img, err = spinemask.LoadImage(bytes.NewReader(file), int64(len(file)), &spinemask.ImageOptions{AsStored: true})
		require.NoError(t, err)
		require.Equal(t, orientation >= 5, img.Bounds().Dy() > img.Bounds().Dx(), "orientation %d, as stored", orientation)
	}
}

func TestOpenImage(t *testing.T) {
	const path = "testdata/tf1_tiny/coco_000000423617.png"
	img, err := spinemask.OpenImage(path, nil)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 640, 480), img.Bounds())
	_, err = spinemask.OpenImage(path, &spinemask.ImageOptions{MaxPixels: 1000})
	require.ErrorIs(t, err, spinemask.ErrTooLarge)
	require.ErrorContains(t, err, "coco_000000423617.png")
	img, err = spinemask.OpenImage("testdata/no.png", nil)
	require.ErrorContains(t, err, "no.png: no such file")
	require.True(t, img == nil)
}

// A camera of 12 bits writes 0 to 4095 into 16 bits.
func TestOpenImageNormalizes(t *testing.T) {
	m := image.NewGray16(image.Rect(0, 0, 3, 1))
	copy(m.Pix, []byte{0, 0, 0x08, 0x00, 0x0f, 0xff})
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, m))
	for rule, want := range map[string][3]byte{"": {0, 128, 255}, "auto": {0, 128, 255}, "minmax": {0, 128, 255}, "none": {0, 8, 15}, "bits:16": {0, 8, 16}, "bits:11": {0, 255, 255}} {
		img, err := spinemask.LoadImage(bytes.NewReader(file.Bytes()), int64(file.Len()), &spinemask.ImageOptions{Normalize: rule})
		require.NoError(t, err)
		for x, v := range want {
			require.Equal(t, color.RGBA{v, v, v, 255}, img.At(x, 0), "%s, column %d", rule, x)
		}
	}
	_, err := spinemask.OpenImage("testdata/no.png", &spinemask.ImageOptions{Normalize: "maxmin"})
	require.EqualError(t, err, `imageio: normalization "maxmin": want auto, none, minmax, percentile:LO,HI or bits:N`)
}
