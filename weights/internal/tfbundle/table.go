package tfbundle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/golang/snappy"
)

// A table file is LevelDB's: blocks of sorted keys and values, an index block that points to them, a footer that points
// to the index (leveldb doc/table_format.md). This reader visits every entry once and never seeks, so it can check all of
// it; the general libraries trust the lengths of a file.

const (
	footerSize = 48
	magic      = 0xdb4775248b80fb57
	trailer    = 5        // compression byte and CRC behind each block
	maxBlock   = 16 << 20 // TensorFlow cuts blocks at 256 KiB
)

// One error per rule of the table.
var (
	ErrFooter   = errors.New("no table footer")
	ErrHandle   = errors.New("block lies outside the file")
	ErrLarge    = errors.New("block is larger than allowed")
	ErrChecksum = errors.New("checksum differs")
	ErrCompress = errors.New("compression is neither none nor Snappy")
	ErrBlock    = errors.New("malformed block")
	ErrOrder    = errors.New("keys are not in order")
)

// handle is the place of a block.
type handle struct{ offset, size uint64 }

// table calls visit for each key and value of the file, in order of the keys. The slices are valid during the call.
func table(r io.ReaderAt, size int64, visit func(key, value []byte) error) error {
	if size < footerSize {
		return fmt.Errorf("tfbundle: %w: %d bytes", ErrFooter, size)
	}
	footer := make([]byte, footerSize)
	if _, err := r.ReadAt(footer, size-footerSize); err != nil {
		return fmt.Errorf("tfbundle: footer: %w", err)
	}
	if binary.LittleEndian.Uint64(footer[footerSize-8:]) != magic {
		return fmt.Errorf("tfbundle: byte %d: %w", size-8, ErrFooter)
	}
	_, rest, ok := readHandle(footer[:footerSize-8]) // of the unused meta index
	index, _, ok2 := readHandle(rest)
	if !ok || !ok2 {
		return fmt.Errorf("tfbundle: byte %d: %w", size-footerSize, ErrFooter)
	}
	b, err := block(r, size, index)
	if err != nil {
		return err
	}
	var last []byte
	first := true
	return entries(b, index, func(_, value []byte) error {
		h, rest, ok := readHandle(value)
		if !ok || len(rest) > 0 {
			return fmt.Errorf("tfbundle: block at byte %d: %w: a handle", index.offset, ErrBlock)
		}
		data, err := block(r, size, h)
		if err != nil {
			return err
		}
		return entries(data, h, func(key, value []byte) error {
			if !first && string(key) <= string(last) {
				return fmt.Errorf("tfbundle: block at byte %d: %w: %q after %q", h.offset, ErrOrder, key, last)
			}
			first = false
			last = append(last[:0], key...)
			return visit(key, value)
		})
	})
}

func readHandle(b []byte) (handle, []byte, bool) {
	offset, n := binary.Uvarint(b)
	if n <= 0 {
		return handle{}, nil, false
	}
	size, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return handle{}, nil, false
	}
	return handle{offset, size}, b[n+m:], true
}

// block reads, checks and decompresses a block.
func block(r io.ReaderAt, size int64, h handle) ([]byte, error) {
	if end := uint64(size); h.offset > end || h.size > end-h.offset || end-h.offset-h.size < trailer {
		return nil, fmt.Errorf("tfbundle: %w: %d bytes at %d in a file of %d", ErrHandle, h.size, h.offset, size)
	}
	if h.size > maxBlock {
		return nil, fmt.Errorf("tfbundle: byte %d: %w: %d, at most %d", h.offset, ErrLarge, h.size, maxBlock)
	}
	b := make([]byte, h.size+trailer)
	if _, err := r.ReadAt(b, int64(h.offset)); err != nil {
		return nil, fmt.Errorf("tfbundle: block at byte %d: %w", h.offset, err)
	}
	sum := binary.LittleEndian.Uint32(b[len(b)-4:])
	if got := Checksum(b[:len(b)-4]); got != sum {
		return nil, fmt.Errorf("tfbundle: block at byte %d: %w: %#x, stored %#x", h.offset, ErrChecksum, got, sum)
	}
	data := b[:h.size]
	switch kind := b[h.size]; kind {
	case 0:
		return data, nil
	case 1:
		// A Snappy copy of three bytes makes at most 64: no block grows by more than 22 times.
		n, err := snappy.DecodedLen(data)
		if err == nil && (n > maxBlock || n > 22*len(data)) {
			return nil, fmt.Errorf("tfbundle: byte %d: %w: %d bytes for %d", h.offset, ErrLarge, n, len(data))
		}
		if err == nil {
			data, err = snappy.Decode(nil, data)
		}
		if err != nil {
			return nil, fmt.Errorf("tfbundle: block at byte %d: %w: %w", h.offset, ErrBlock, err)
		}
		return data, nil
	default:
		return nil, fmt.Errorf("tfbundle: block at byte %d: %w: %d", h.offset, ErrCompress, kind)
	}
}

// entries calls visit for the entries of a block. A key shares its first bytes with the one before.
func entries(b []byte, h handle, visit func(key, value []byte) error) error {
	bad := func(what string) error {
		return fmt.Errorf("tfbundle: block at byte %d: %w: %s", h.offset, ErrBlock, what)
	}
	if len(b) < 4 {
		return bad("no restarts")
	}
	restarts := uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	if restarts*4 > uint64(len(b)-4) {
		return bad("restarts")
	}
	b = b[:uint64(len(b)-4)-4*restarts]
	var key []byte
	for len(b) > 0 {
		var lengths [3]uint64 // shared and new bytes of the key, bytes of the value
		for i := range lengths {
			v, n := binary.Uvarint(b)
			if n <= 0 || v > maxBlock {
				return bad("lengths of an entry")
			}
			lengths[i], b = v, b[n:]
		}
		shared, fresh, value := lengths[0], lengths[1], lengths[2]
		if shared > uint64(len(key)) || fresh+value > uint64(len(b)) {
			return bad("entry")
		}
		key = append(key[:shared], b[:fresh]...)
		if err := visit(key, b[fresh:fresh+value]); err != nil {
			return err
		}
		b = b[fresh+value:]
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the masked CRC-32C of b, as TensorFlow and LevelDB store it (leveldb util/crc32c.h).
func Checksum(b []byte) uint32 { return mask(crc32.Checksum(b, castagnoli)) }

// Update continues an unmasked CRC-32C; Masked finishes it.
func Update(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }

// Masked is the stored form of a CRC-32C.
func Masked(crc uint32) uint32 { return mask(crc) }

func mask(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }
