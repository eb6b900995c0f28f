package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file of one directory whose entries are (tag, type, count, value), 32 bits for the latter two, and whose samples begin at byte 512.
func file(pixels []byte, entries ...[4]uint32) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
		b = binary.LittleEndian.AppendUint32(b, e[3])
	}
	b = append(b, make([]byte, 512-len(b))...)
	return append(b, pixels...)
}

// grey gives the entries of a page of w×h pixels of 8 bits in one strip, with others in their places or besides.
func grey(w, h uint32, others ...[4]uint32) [][4]uint32 {
	entries := [][4]uint32{
		{256, 4, 1, w}, {257, 4, 1, h}, {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1}, {273, 4, 1, 512}, {277, 3, 1, 1}, {278, 4, 1, h}, {279, 4, 1, w * h},
	}
next:
	for _, o := range others {
		for i := range entries {
			if entries[i][0] == o[0] {
				entries[i] = o
				continue next
			}
		}
		entries = append(entries, o)
	}
	return entries
}

func without(entries [][4]uint32, tag uint32) (out [][4]uint32) {
	for _, e := range entries {
		if e[0] != tag {
			out = append(out, e)
		}
	}
	return out
}

// Numbers that no file can mean: the pixels are those of the page all the same.
func TestImpossibleNumbers(t *testing.T) {
	pixels := []byte{1, 2, 3, 4, 5, 6}
	described := func(tag uint32, text string) []byte {
		return file(append(slices.Clone(pixels), text+"\x00"...), grey(3, 2, [4]uint32{tag, 2, uint32(len(text) + 1), 512 + 6})...)
	}
	const ome = `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image><Pixels DimensionOrder="XYZCT" SizeX="3" SizeY="2" SizeZ="3" SizeC="1" SizeT="1" Type="uint8">` +
		`<TiffData IFD="0" PlaneCount="1"/><TiffData IFD="9223372036854775807" FirstZ="1" PlaneCount="2"/></Pixels></Image></OME>`
	for name, data := range map[string][]byte{
		"orientation": file(pixels, grey(3, 2, [4]uint32{274, 3, 1, 9})...),
		"page":        described(270, ome),
		"slice":       described(tagMicroManager, `{"ChannelIndex":0,"SliceIndex":9223372036854775807,"FrameIndex":0}`),
	} {
		f, err := Open(bytes.NewReader(data), int64(len(data)), Options{MaxPixels: 1 << 20})
		require.NoError(t, err, name)
		require.Equal(t, 1, f.Pages[0].Orientation, name)
		pictures, _, err := f.Select(Selection{})
		require.NoError(t, err, name)
		s, _, err := pictures[0].Decode()
		require.NoError(t, err, name)
		require.Equal(t, pixels, s.U8, name)
	}
}

// Files that break the specification in ways that libtiff and tifffile forgive.
func TestForgivenFiles(t *testing.T) {
	pixels := []byte{1, 2, 3, 4, 5, 6}
	reversed := func(e [][4]uint32) (out [][4]uint32) {
		for i := range e {
			out = append(out, e[len(e)-1-i])
		}
		return out
	}
	for name, entries := range map[string][][4]uint32{
		"plain":                             grey(3, 2),
		"no sizes of strips":                without(grey(3, 2), 279),
		"the size of the only strip is 0":   grey(3, 2, [4]uint32{279, 4, 1, 0}),
		"the only strip is said to be long": grey(3, 2, [4]uint32{279, 4, 1, 1 << 31}),
		"rows per strip of 2^32-1":          grey(3, 2, [4]uint32{278, 4, 1, 1<<32 - 1}),
		"no rows per strip":                 without(grey(3, 2), 278),
		"tags in the wrong order":           reversed(grey(3, 2)),
		"sample format undefined":           grey(3, 2, [4]uint32{339, 3, 1, 4}),
		"an entry of an unknown type":       grey(3, 2, [4]uint32{60000, 77, 1, 9}),
		"an entry beyond the end":           grey(3, 2, [4]uint32{270, 2, 1 << 30, 1 << 30}),
		"no photometric interpretation":     without(grey(3, 2), 262),
	} {
		f, err := open(file(pixels, entries...))
		require.NoError(t, err, name)
		s, err := f.Pages[0].Decode()
		require.NoError(t, err, name)
		require.Equal(t, pixels, s.U8, name)
	}
	// A chunk without an offset is one that a program of maps left out: zero.
	f, err := open(file(pixels, grey(3, 2, [4]uint32{273, 4, 1, 0}, [4]uint32{279, 4, 1, 0})...))
	require.NoError(t, err)
	s, err := f.Pages[0].Decode()
	require.NoError(t, err)
	require.Equal(t, make([]byte, 6), s.U8)
}

// What cannot be read says why; no pixels are invented, and nothing is allocated that the file cannot fill or the limits forbid.
func TestDamagedFiles(t *testing.T) {
	for _, c := range []struct {
		want    string
		entries [][4]uint32
	}{
		{"truncated: the file ends inside the picture", grey(3, 3)},
		{"truncated: the file ends inside the picture", grey(3, 2, [4]uint32{259, 3, 1, 32773}, [4]uint32{279, 4, 1, 1000})},
		{"strip 2 of 2: its data end early, after 2 of 3 bytes", grey(3, 2, [4]uint32{278, 4, 1, 1}, [4]uint32{273, 3, 2, 512 | 515<<16}, [4]uint32{279, 3, 2, 3 | 2<<16})},
		{"strip 1 of 1: its data end early, after 4 of 6 bytes", grey(3, 2, [4]uint32{259, 3, 1, 32773})},
		{"strip 1 of 1: its data end early, after 5 of 6 bytes", grey(3, 2, [4]uint32{259, 3, 1, 5})},
		{"strip 1 of 1: zlib: invalid header", grey(3, 2, [4]uint32{259, 3, 1, 8})},
		{"strip 1 of 1: invalid input: magic number mismatch", grey(3, 2, [4]uint32{259, 3, 1, 50000})},
		{"strip 1 of 1: compression 7, JPEG, is not supported", grey(3, 2, [4]uint32{259, 3, 1, 7})},
		{"strip 1 of 1: compression 4711 is not known", grey(3, 2, [4]uint32{259, 3, 1, 4711})},
		{"compression 34712, JPEG 2000, is not supported", grey(3, 2, [4]uint32{259, 3, 1, 34712})},
		{"compression 33005, JPEG 2000, is not supported", grey(3, 2, [4]uint32{259, 3, 1, 33005})},
		{"compression 6, old-style JPEG, is not supported", grey(3, 2, [4]uint32{259, 3, 1, 6})},
		{"compression 34887, LERC, is not supported", grey(3, 2, [4]uint32{259, 3, 1, 34887})},
		{"strip 1 of 1: CCITT compression of 1 samples of 8 bits, want 1 of 1", grey(3, 2, [4]uint32{259, 3, 1, 4})},
		{"picture of 0x2 pixels", grey(0, 2)},
		{"picture of 70000x70000 pixels: over the limit of 67.1 megapixels", grey(70000, 70000)},
		{"picture of 8000x8000 pixels with 60000 samples each: over the limit of 268.4 million samples", grey(8000, 8000, [4]uint32{277, 3, 1, 60000})},
		{"chunks of 1000000x1000000 pixels with 1 samples each: over the limit of 268.4 million samples", grey(3, 2, [4]uint32{322, 4, 1, 1e6}, [4]uint32{323, 4, 1, 1e6})},
		{"0 samples a pixel", grey(3, 2, [4]uint32{277, 3, 1, 0})},
		{"offsets of 1 strips or tiles, want 2", grey(3, 2, [4]uint32{278, 4, 1, 1})},
		{"no offsets of strips or tiles", without(grey(3, 2), 273)},
		{"samples of different sizes in bits [8 16]", grey(3, 2, [4]uint32{277, 3, 1, 2}, [4]uint32{258, 3, 2, 8 | 16<<16})},
		{"unsigned samples of 40 bits are not supported", grey(3, 2, [4]uint32{258, 3, 1, 40})},
		{"float samples of 8 bits are not supported", grey(3, 2, [4]uint32{339, 3, 1, 3})},
		{"complex numbers are not supported", grey(3, 2, [4]uint32{339, 3, 1, 6})},
		{"predictor 3 is for floats, the samples are unsigned", grey(3, 2, [4]uint32{259, 3, 1, 5}, [4]uint32{317, 3, 1, 3})},
		{"a raw picture of a camera (photometric interpretation 32803, colour filter array): develop it first, for example with darktable-cli or dcraw -T", grey(3, 2, [4]uint32{262, 3, 1, 32803})},
		{"tag 256 has values of type 11, want unsigned integers", grey(3, 2, [4]uint32{256, 11, 1, 3})},
	} {
		b := file([]byte{1, 2, 3, 4, 5, 6}, c.entries...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := open(b)
		require.NoError(t, err)
		_, err = f.Pages[0].Decode()
		runtime.ReadMemStats(&after)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, strings.Contains(c.want, "over the limit"), errors.Is(err, ErrTooLarge), c.want)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "%s: bytes allocated", c.want)
	}
	for want, b := range map[string]string{
		"truncated: the file ends inside the picture": "II*\x00",
		"not a TIFF file": "GIF89a..",
		"version 44 of TIFF, want 42, or 43 of BigTIFF":      "II\x2c\x00\x08\x00\x00\x00",
		"BigTIFF with offsets of 4 bytes, want 8":            "II\x2b\x00\x04\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00",
		"a TIFF file without pages":                          "II*\x00\x00\x00\x00\x00",
		"directory of 0 entries, want 1 to 4096":             "II*\x00\x08\x00\x00\x00\x00\x00",
		"directory of 65535 entries, want 1 to 4096":         "II*\x00\x08\x00\x00\x00\xff\xff",
		"directory of 72057594037927935 entries, want 1 to ": "II\x2b\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x00",
	} {
		_, err := open([]byte(b))
		require.ErrorContains(t, err, want)
	}
}

// A chain of directories that leads back into itself ends; the pages before are kept, and the end is told.
func TestRingOfDirectories(t *testing.T) {
	b := file([]byte{1, 2, 3, 4, 5, 6}, grey(3, 2)...)
	binary.LittleEndian.PutUint32(b[8+2+9*12:], 8)
	f, err := open(b)
	require.NoError(t, err)
	require.Len(t, f.Pages, 1)
	pictures, note, err := f.Select(Selection{})
	require.NoError(t, err)
	require.Len(t, pictures, 1)
	require.Equal(t, "there may be more pages: the chain of pages is a ring", note)
}

// Files that are cut anywhere, and files with wrong bytes, give errors or pictures, but no panics.
func TestEveryDamageIsAnError(t *testing.T) {
	tables, _ := table(t)
	more, _ := stacks(t)
	random := rand.New(rand.NewPCG(1, 2))
	try := func(b []byte) {
		f, err := Open(bytes.NewReader(b), int64(len(b)), Options{MaxPixels: 1 << 16})
		if err != nil {
			return
		}
		pictures, _, err := f.Select(Selection{})
		if err != nil {
			return
		}
		for _, p := range pictures[:min(len(pictures), 3)] {
			_, _, _ = p.Decode()
		}
	}
	for _, files := range []map[string][]byte{tables, more} {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			b := files[name]
			if !strings.HasSuffix(name, ".tif") {
				continue
			}
			for range 6 {
				try(b[:random.IntN(len(b))])
				wrong := bytes.Clone(b)
				for range 1 + random.IntN(4) {
					wrong[random.IntN(len(wrong))] = byte(random.Uint32())
				}
				try(wrong)
			}
		}
	}
}

// Whatever the bytes are, opening, choosing and decoding end with pictures of the size that they promise, or with an error.
func FuzzDecode(f *testing.F) {
	t := &testing.T{}
	tables, _ := table(t)
	more, _ := stacks(t)
	for name, b := range tables {
		if strings.HasSuffix(name, ".tif") && len(b) < 2000 {
			f.Add(b)
		}
	}
	for name, b := range more {
		if strings.HasSuffix(name, ".tif") {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)), Options{MaxPixels: 1 << 16})
		if err != nil {
			return
		}
		pictures, _, err := file.Select(Selection{})
		if err != nil {
			return
		}
		require.NotEmpty(t, pictures)
		for _, p := range pictures[:min(len(pictures), 3)] {
			s, alpha, err := p.Decode()
			if err != nil {
				continue
			}
			require.Equal(t, [2]int{p.Width, p.Height}, [2]int{s.Width, s.Height})
			require.True(t, s.Channels == 1 || s.Channels == 3, "%d channels", s.Channels)
			require.True(t, alpha == nil || len(alpha) == s.Width*s.Height)
		}
	})
}
