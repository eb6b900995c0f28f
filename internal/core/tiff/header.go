package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	maxEntries = 4096    // of a directory; files have 10 to 60, and libtiff refuses more than this
	maxPages   = 1 << 18 // directories of a file
	maxText    = 64 << 20
)

// A source is the file behind all of its pages, with the byte order and the width of offsets that its first bytes declare.
type source struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	big   bool // BigTIFF: offsets and counts of 64 bits
}

var errTruncated = errors.New("truncated: the file ends inside the picture")

// bytes reads n bytes at an offset. Both may be what a damaged file says: nothing is allocated that lies beyond the end of the file.
func (s *source) bytes(at, n uint64) ([]byte, error) {
	if at > uint64(s.size) || n > uint64(s.size)-at {
		return nil, errTruncated
	}
	b := make([]byte, n)
	if _, err := s.r.ReadAt(b, int64(at)); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// header reads the first 8 bytes (TIFF 6.0, section 2) or 16 bytes (BigTIFF) and gives the offset of the first directory.
func (s *source) header() (first uint64, err error) {
	b, err := s.bytes(0, 8)
	if err != nil {
		return 0, err
	}
	switch string(b[:2]) {
	case "II":
		s.order = binary.LittleEndian
	case "MM":
		s.order = binary.BigEndian
	default:
		return 0, errors.New("not a TIFF file")
	}
	switch version := s.order.Uint16(b[2:]); version {
	case 42:
		return uint64(s.order.Uint32(b[4:])), nil
	case 43:
		s.big = true
		if width := s.order.Uint16(b[4:]); width != 8 {
			return 0, fmt.Errorf("BigTIFF with offsets of %d bytes, want 8", width)
		}
		if b, err = s.bytes(8, 8); err != nil {
			return 0, err
		}
		return s.order.Uint64(b), nil
	default:
		return 0, fmt.Errorf("version %d of TIFF, want 42, or 43 of BigTIFF", version)
	}
}

// An entry of a directory. Its values lie at an offset of the file, which is that of the entry itself where they are few.
type entry struct {
	tag   uint16
	kind  uint16
	count uint64
	at    uint64
}

// sizes of the types of values in bytes; 0 stands for types that are not known.
var kindSizes = [19]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

func (e entry) width() uint64 {
	if int(e.kind) < len(kindSizes) {
		return kindSizes[e.kind]
	}
	return 0
}

// directory reads the entries of the directory at an offset, in the order of the file, and the offset of the next one (0: there is none).
func (s *source) directory(at uint64) (entries []entry, next uint64, err error) {
	countSize, entrySize, inline := uint64(2), uint64(12), uint64(4)
	if s.big {
		countSize, entrySize, inline = 8, 20, 8
	}
	b, err := s.bytes(at, countSize)
	if err != nil {
		return nil, 0, err
	}
	n := s.uint(b)
	if n == 0 || n > maxEntries {
		return nil, 0, fmt.Errorf("directory of %d entries, want 1 to %d", n, maxEntries)
	}
	at += countSize
	if b, err = s.bytes(at, n*entrySize); err != nil {
		return nil, 0, err
	}
	entries = make([]entry, 0, n)
	for i := range n {
		v := b[i*entrySize:][:entrySize]
		e := entry{tag: s.order.Uint16(v), kind: s.order.Uint16(v[2:]), count: s.uint(v[4 : 4+inline])}
		e.at = at + i*entrySize + 4 + inline
		w := e.width()
		if w == 0 || e.count > uint64(s.size)/w {
			continue // a type that nobody knows, or values that cannot be in the file
		}
		if e.count*w > inline {
			e.at = s.uint(v[4+inline:])
		}
		entries = append(entries, e)
	}
	// Some writers end the last directory with the file.
	if b, err := s.bytes(at+n*entrySize, inline); err == nil {
		next = s.uint(b)
	}
	return entries, next, nil
}

// uint reads an unsigned number of len(b) bytes: 1, 2, 4 or 8.
func (s *source) uint(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(s.order.Uint16(b))
	case 4:
		return uint64(s.order.Uint32(b))
	}
	return s.order.Uint64(b)
}

// values reads up to max values of an entry as numbers.
func (s *source) values(e entry, max uint64) ([]float64, error) {
	w := e.width()
	n := min(e.count, max)
	b, err := s.bytes(e.at, n*w)
	if err != nil {
		return nil, err
	}
	v := make([]float64, n)
	for i := range v {
		p := b[uint64(i)*w:][:w]
		switch e.kind {
		case 5:
			v[i] = float64(s.order.Uint32(p)) / float64(s.order.Uint32(p[4:]))
		case 6:
			v[i] = float64(int8(p[0]))
		case 8:
			v[i] = float64(int16(s.order.Uint16(p)))
		case 9:
			v[i] = float64(int32(s.order.Uint32(p)))
		case 10:
			v[i] = float64(int32(s.order.Uint32(p))) / float64(int32(s.order.Uint32(p[4:])))
		case 11:
			v[i] = float64(math.Float32frombits(s.order.Uint32(p)))
		case 12:
			v[i] = math.Float64frombits(s.order.Uint64(p))
		case 17:
			v[i] = float64(int64(s.order.Uint64(p)))
		default:
			v[i] = float64(s.uint(p))
		}
	}
	return v, nil
}

// uints reads up to max values of an entry of unsigned integers, such as offsets.
func (s *source) uints(e entry, max uint64) ([]uint64, error) {
	switch e.kind {
	case 1, 3, 4, 7, 13, 16, 18:
	default:
		return nil, fmt.Errorf("tag %d has values of type %d, want unsigned integers", e.tag, e.kind)
	}
	w := e.width()
	n := min(e.count, max)
	b, err := s.bytes(e.at, n*w)
	if err != nil {
		return nil, err
	}
	v := make([]uint64, n)
	for i := range v {
		v[i] = s.uint(b[uint64(i)*w:][:w])
	}
	return v, nil
}
