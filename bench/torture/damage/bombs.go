//go:build linux

package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// writeBombs makes 40 files of at most 200 kB that declare at least 10⁹ pixels each. Where the format allows it, the pixels are there: the PNGs unpack to
// what they declare.
func writeBombs(folder string) (int, error) {
	if err := os.Mkdir(folder, 0o777); err != nil {
		return 0, err
	}
	const n = 40
	for i := range n {
		side := 31700 + 150*(i/6) // up to 32600, below the limit of a side
		name, data := bomb(i%6, side, side)
		if len(data) > 200_000 || side*side < 1e9 {
			return 0, fmt.Errorf("%s: %d bytes", name, len(data))
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d.%s", i, name)), data, 0o666); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func bomb(kind, w, h int) (name string, data []byte) {
	switch kind {
	case 0:
		return "png", pngBomb(w, h)
	case 1:
		return "gif", pack(binary.LittleEndian, "GIF89a", uint16(w), uint16(h), "\x80\x00\x00\x00\x00\x00\xff\xff\xff", ",", uint32(0), uint16(w), uint16(h), "\x00\x02\x01\x00;")
	case 2:
		return "bmp", pack(binary.LittleEndian, "BM", uint32(100), uint32(0), uint32(54), uint32(40), int32(w), int32(h), uint16(1), uint16(24), make([]byte, 70))
	case 3:
		b := pack(binary.LittleEndian, "II*\x00", uint32(8), uint16(9))
		for _, e := range [][3]int{{256, 4, w}, {257, 4, h}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, 0}, {277, 3, 1}, {278, 4, h}, {279, 4, 100}} {
			b = append(b, pack(binary.LittleEndian, uint16(e[0]), uint16(e[1]), uint32(1), uint32(e[2]))...)
		}
		return "tif", append(b, make([]byte, 100)...)
	case 4:
		x, y := w-1, h-1
		return "webp", pack(binary.LittleEndian, "RIFF", uint32(100), "WEBPVP8X", uint32(10), uint32(0),
			[]byte{byte(x), byte(x >> 8), byte(x >> 16), byte(y), byte(y >> 8), byte(y >> 16)}, "VP8 ", uint32(4), uint32(0))
	}
	return "jpg", pack(binary.BigEndian, "\xff\xd8\xff\xc0", uint16(17), "\x08", uint16(h), uint16(w), "\x03\x01\x22\x00\x02\x11\x00\x03\x11\x00",
		"\xff\xda", uint16(12), "\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00")
}

// pngBomb is a black picture of one bit a pixel.
func pngBomb(w, h int) []byte {
	var pixels bytes.Buffer
	z, _ := zlib.NewWriterLevel(&pixels, zlib.BestCompression)
	io.CopyN(z, zeros{}, int64(h)*int64(1+(w+7)/8))
	z.Close()
	chunk := func(name string, data []byte) []byte {
		body := append([]byte(name), data...)
		return pack(binary.BigEndian, uint32(len(data)), body, crc32.ChecksumIEEE(body))
	}
	header := pack(binary.BigEndian, uint32(w), uint32(h), "\x01\x00\x00\x00\x00")
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", header), chunk("IDAT", pixels.Bytes()), chunk("IEND", nil)}, nil)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// pack writes values one after the other.
func pack(order binary.ByteOrder, values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = []byte(s)
		}
		binary.Write(&b, order, v)
	}
	return b.Bytes()
}
