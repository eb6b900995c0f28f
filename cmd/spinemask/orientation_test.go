package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/rle"
)

// stored gives the place in the file of a pixel of the upright picture (EXIF 2.3, tag 0x0112: which sides row 0 and column 0 are).
func stored(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2: // top, right
		return w - 1 - x, y
	case 3: // bottom, right
		return w - 1 - x, h - 1 - y
	case 4: // bottom, left
		return x, h - 1 - y
	case 5: // left, top
		return y, x
	case 6: // right, top
		return y, w - 1 - x
	case 7: // right, bottom
		return h - 1 - y, w - 1 - x
	case 8: // left, bottom
		return h - 1 - y, x
	}
	return x, y
}

// Whatever the EXIF orientation of a file is, the instances are those of the upright picture.
func TestEveryOrientationGivesTheSameInstances(t *testing.T) {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer model.Close()
	upright, err := imageio.Open("../../testdata/images/853a4c67900c411a.png", imageio.Options{})
	require.NoError(t, err)
	want, err := model.Segment(context.Background(), upright)
	require.NoError(t, err)
	require.Greater(t, len(want.Instances), 5)
	for orientation := 1; orientation <= 8; orientation++ {
		w, h := upright.Width, upright.Height
		file := imageio.New(w, h)
		if orientation > 4 {
			file = imageio.New(h, w)
		}
		for y := range h {
			for x := range w {
				sx, sy := stored(orientation, x, y, w, h)
				copy(file.Pix[3*(sy*file.Width+sx):][:3], upright.Pix[3*(y*w+x):])
			}
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, file))
		f := segmentFlags{exif: exifOn}
		inside, _ := picturesOf(input{name: "turned.png", data: withOrientation(b.Bytes(), orientation)}, f.options())
		j := job{input: inside[0]}
		photo, err := j.read()
		require.NoError(t, err)
		got, _, err := f.find(context.Background(), model, photo)
		require.NoError(t, err)
		require.Len(t, got.Instances, len(want.Instances), "orientation %d", orientation)
		for i := range want.Instances {
			require.Equal(t, 1.0, rle.IoU(want.Instances[i].Mask, got.Instances[i].Mask, false), "orientation %d", orientation)
		}
	}
}

// withOrientation puts an eXIf chunk behind the header of a PNG.
func withOrientation(data []byte, orientation int) []byte {
	const header = 8 + 25 // signature and IHDR
	exif := []byte("eXIfMM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(orientation)) + "\x00\x00\x00\x00\x00\x00")
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, exif...), crc32.ChecksumIEEE(exif))
	return append(append(bytes.Clone(data[:header]), chunk...), data[header:]...)
}
