package tiff

import (
	"bytes"
	stdlzw "compress/lzw"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"
)

var errShort = errors.New("its data end early")

// chunk reads chunk i and undoes its compression. The result has at least [Page.chunkBytes] bytes, or for subsampled chroma what [expand] makes of them.
func (p *Page) chunk(i int, where place) ([]byte, error) {
	stored, err := p.src.bytes(where.at, where.size)
	if err != nil {
		return nil, err
	}
	if p.fillOrder == 2 && p.compression != compressionJPEG && p.compression != compressionWebP {
		for i, b := range stored {
			stored[i] = bits.Reverse8(b)
		}
	}
	l := &p.chunks
	width, rows := l.width, l.rows(i/l.across%l.down, p.Height)
	want := int(p.chunkBytes(i))
	var data []byte
	switch p.compression {
	case compressionNone:
		data = stored
	case compressionLZW:
		data, err = unLZW(stored, want)
	case compressionDeflate, compressionDeflate2, compressionDeflate3:
		data, err = inflate(stored, want)
	case compressionPackBits:
		data = unPackBits(stored, want)
	case compressionZstd:
		data, err = unZstd(stored, want)
	case compressionRLE, compressionRLEWord, compressionFax3, compressionFax4:
		if p.Bits != 1 || l.samples != 1 {
			return nil, fmt.Errorf("CCITT compression of %d samples of %d bits, want 1 of 1", l.samples, p.Bits)
		}
		data, err = p.unFax(stored, width, rows)
	case compressionJPEG:
		return p.unJPEG(stored, width, rows)
	case compressionWebP:
		return p.unWebP(stored, width, rows)
	default:
		return nil, fmt.Errorf("compression %d is not known", p.compression)
	}
	if err != nil {
		return nil, err
	}
	if len(data) < want {
		return nil, fmt.Errorf("%w, after %d of %d bytes", errShort, len(data), want)
	}
	if p.subsampled() {
		return expand(data, width, rows, p.subsample[0], p.subsample[1]), nil
	}
	return data, nil
}

// unLZW reads the LZW of TIFF 6.0 and, told by its first code, that of libtiff before version 3, which has its bits in the other order and changes the size of
// codes one code later (tif_lzw.c: LZWPreDecode).
func unLZW(stored []byte, want int) ([]byte, error) {
	if len(stored) >= 2 && stored[0] == 0 && stored[1]&1 != 0 {
		return readUpTo(stdlzw.NewReader(bytes.NewReader(stored), stdlzw.LSB, 8), want)
	}
	return readUpTo(lzw.NewReader(bytes.NewReader(stored), lzw.MSB, 8), want)
}

func inflate(stored []byte, want int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, err
	}
	return readUpTo(r, want)
}

// zstdMemory bounds what a Zstandard stream may need, its window included: libzstd refuses windows of more than 128 MiB, too, unless it is told otherwise.
const zstdMemory = 128 << 20

func unZstd(stored []byte, want int) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(want, zstdMemory))))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(stored, make([]byte, 0, want))
}

// readUpTo reads want bytes, or fewer where the data end. What follows them does not matter.
func readUpTo(r io.Reader, want int) ([]byte, error) {
	b := make([]byte, want)
	n, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:n], err
}

// unPackBits undoes the run lengths of TIFF 6.0, section 9.
func unPackBits(stored []byte, want int) []byte {
	out := make([]byte, 0, want)
	for len(stored) >= 2 && len(out) < want {
		n := int(int8(stored[0]))
		stored = stored[1:]
		switch {
		case n >= 0:
			n = min(n+1, len(stored))
			out = append(out, stored[:n]...)
			stored = stored[n:]
		case n != -128:
			out = append(out, bytes.Repeat(stored[:1], 1-n)...)
			stored = stored[1:]
		}
	}
	return out
}
