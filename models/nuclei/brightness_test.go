package nuclei

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)

// However many bits the samples of a picture have, the model finds what it finds
// in the picture of 8 bits, where that uses 90 % of its range: as many instances
// to 2 %, in two pictures together.
func TestInstancesDoNotDependOnTheBitsOfSamples(t *testing.T) {
	m, err := Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer m.Close()
	count := func(img image.Image) int {
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		return len(r.Instances)
	}
	random := rand.New(rand.NewPCG(1, 2))
	below := func(n int) int { return random.IntN(n) } // bits that the picture of 8 bits does not have
	stored := map[string]func(v int) int{
		"12 bits":             func(v int) int { return v<<4 | below(16) },
		"12 bits, shifted":    func(v int) int { return v<<8 | below(16)<<4 },
		"10 bits, and offset": func(v int) int { return 1000 + v<<2 | below(4) },
		"16 bits":             func(v int) int { return v<<8 | below(256) },
	}
	found, want := map[string]int{}, 0
	for _, name := range []string{"12f89395ad5d2149.png", "87ea72894f6534b2.png"} {
		photo, err := spinemask.OpenImage(filepath.Join("..", "..", "testdata", "images", name), nil)
		require.NoError(t, err)
		want += count(photo)
		for _, kind := range slices.Sorted(maps.Keys(stored)) {
			var file bytes.Buffer
			require.NoError(t, png.Encode(&file, deepened(photo, stored[kind])))
			img, err := spinemask.LoadImage(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
			require.NoError(t, err)
			found[kind] += count(img)
		}
		file := floatTIFF(photo)
		img, err := spinemask.LoadImage(bytes.NewReader(file), int64(len(file)), nil)
		require.NoError(t, err)
		found["floats"] += count(img)
	}
	t.Logf("8 bits: %d, %v", want, found)
	require.Greater(t, want, 80)
	for kind, n := range found {
		require.InEpsilon(t, want, n, 0.03, kind)
	}
}

// deepened gives a picture of 16 bits whose samples are made of those of 8 bits.
func deepened(photo image.Image, value func(v int) int) *image.RGBA64 {
	b := photo.Bounds()
	out := image.NewRGBA64(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := photo.At(x, y).(color.RGBA)
			out.SetRGBA64(x, y, color.RGBA64{uint16(value(int(c.R))), uint16(value(int(c.G))), uint16(value(int(c.B))), 0xffff})
		}
	}
	return out
}

// floatTIFF stores a picture with red, green and blue from -0.5 to 0.5.
func floatTIFF(photo image.Image) []byte {
	w, h := photo.Bounds().Dx(), photo.Bounds().Dy()
	var pixels bytes.Buffer
	for y := range h {
		for x := range w {
			c := photo.At(x, y).(color.RGBA)
			for _, v := range []byte{c.R, c.G, c.B} {
				binary.Write(&pixels, binary.LittleEndian, float32(v)/255-0.5)
			}
		}
	}
	const entries = 9
	long, short := uint16(4), uint16(3)
	end := uint32(8 + 2 + 12*entries + 4)
	var file bytes.Buffer
	for _, v := range []any{
		[]byte("II*\x00"), uint32(8), uint16(entries),
		uint16(256), long, uint32(1), uint32(w),
		uint16(257), long, uint32(1), uint32(h),
		uint16(258), short, uint32(1), uint32(32),
		uint16(262), short, uint32(1), uint32(2), // RGB
		uint16(273), long, uint32(1), end,
		uint16(277), short, uint32(1), uint32(3),
		uint16(278), long, uint32(1), uint32(h),
		uint16(279), long, uint32(1), uint32(pixels.Len()),
		uint16(339), short, uint32(1), uint32(3), // floats
		uint32(0), pixels.Bytes(),
	} {
		binary.Write(&file, binary.LittleEndian, v)
	}
	return file.Bytes()
}
