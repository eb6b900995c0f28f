package weights

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// A blob is the bytes of one file: mapped where the system can, else read where they are asked for.
type blob struct {
	path   string // "": not opened by one
	memory []byte // all bytes, mapped; nil: use reader
	reader io.ReaderAt
	size   int64
	// hashed are the bytes again: those read through the mapping would count as
	// memory of the process.
	hashed io.ReaderAt
	unmap  func() error // nil: not mapped
	shut   func() error // of the open file
}

func openBlob(path string) (*blob, error) {
	// Opening a pipe or a device can block or do things.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	b, err := newBlob(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b.path = path
	return b, nil
}

// newBlob takes over an open file, unless it fails.
func newBlob(f *os.File) (*blob, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	b := &blob{reader: f, size: info.Size(), hashed: f, shut: f.Close}
	memory, unmap, err := mapFile(f, b.size)
	if err != nil { // empty, or on a file system that cannot map
		return b, nil
	}
	b.memory, b.reader, b.unmap = memory, bytes.NewReader(memory), unmap
	return b, nil
}

// unload gives the mapping back; hashed still works.
func (b *blob) unload() error {
	unmap := b.unmap
	b.memory, b.unmap = nil, nil
	if unmap == nil {
		return nil
	}
	return unmap()
}

func (b *blob) close() error { return errors.Join(b.unload(), b.shut()) }

// part is where size bytes at offset lie; they must be within the blob.
func (b *blob) part(offset, size int64) storage {
	s := storage{reader: b.reader, offset: offset, size: size}
	if b.memory != nil {
		s.memory = b.memory[offset : offset+size : offset+size]
	}
	return s
}
