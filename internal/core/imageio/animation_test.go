package imageio

import (
	"bufio"
	"bytes"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of an animation the first frame is read, and said to be that.
func TestFirstFrameOfAnimations(t *testing.T) {
	frame := image.NewPaletted(image.Rect(0, 0, 5, 4), color.Palette{color.Black, color.White})
	for frames, want := range []string{1: "", 2: firstFrame, 3: firstFrame} {
		if frames == 0 {
			continue
		}
		g := &gif.GIF{LoopCount: 3}
		for range frames {
			g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 10)
		}
		var file bytes.Buffer
		require.NoError(t, gif.EncodeAll(&file, g))
		list, note, err := PicturesIn(bytes.NewReader(file.Bytes()), int64(file.Len()), Options{})
		require.NoError(t, err)
		require.Equal(t, want, note, "%d frames", frames)
		_, err = list[0].Decode()
		require.NoError(t, err)
		for cut := range file.Len() {
			require.LessOrEqual(t, gifFrames(bufio.NewReader(bytes.NewReader(file.Bytes()[:cut])), 2), 2)
		}
	}

	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, frame))
	const header = 33 // signature and IHDR
	for frames, want := range map[byte]string{1: "", 2: firstFrame} {
		control := append([]byte("acTL"), 0, 0, 0, frames, 0, 0, 0, 0)
		chunk := slices.Concat([]byte{0, 0, 0, 8}, control)
		sum := crc32.ChecksumIEEE(control)
		chunk = append(chunk, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
		data := slices.Concat(file.Bytes()[:header], chunk, file.Bytes()[header:])
		_, note, err := PicturesIn(bytes.NewReader(data), int64(len(data)), Options{})
		require.NoError(t, err)
		require.Equal(t, want, note, "%d frames", frames)
	}
	_, note, err := PicturesIn(bytes.NewReader(file.Bytes()), int64(file.Len()), Options{})
	require.NoError(t, err)
	require.Empty(t, note)

	// Heads of files that Pillow 13.0.0 wrote.
	for head, want := range map[string]bool{
		"RIFF\xa0I\x00\x00WEBPVP8X\x0a\x00\x00\x00\x12\x00\x00\x00?\x01\x00\xff\x00\x00": true,
		"RIFF\x9aI\x01\x00WEBPVP8L\x8eI\x01\x00/?\xc1?\x10\x09\x89m#I":                   false,
	} {
		src := strings.NewReader(head)
		require.Equal(t, want, isAnimation("webp", io.NewSectionReader(src, 0, src.Size())))
	}
}
