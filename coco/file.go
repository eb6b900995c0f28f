package coco

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/klauspost/compress/zstd"
)

// maxUnpacked bounds what a packed file may grow to.
const maxUnpacked = 16 << 30

// load returns the bytes of the file at path, unpacked if it begins like gzip or zstd. release, to be called when nobody
// looks at them any more, is nil where there is nothing to do.
func load(path string) (b []byte, release func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("coco: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("coco: %w", err)
	}
	if info.IsDir() {
		return nil, nil, fmt.Errorf("coco: %s: is a directory", path)
	}
	var magic [4]byte
	n, _ := io.ReadFull(f, magic[:])
	packed := bytes.HasPrefix(magic[:n], []byte("\x1f\x8b")) || bytes.HasPrefix(magic[:n], []byte("\x28\xb5\x2f\xfd"))
	if info.Mode().IsRegular() && !packed {
		if b, err := mapFile(f, info.Size()); err == nil {
			return b, func() { unmap(b) }, nil
		}
	}
	if b, err = unpack(io.MultiReader(bytes.NewReader(magic[:n]), f), magic[:n]); err != nil {
		return nil, nil, fmt.Errorf("coco: %s: %w", path, err)
	}
	return b, nil, nil
}

// detach copies what the columns still need of the file and releases it, unless that is much of the file.
func (a *Annotations) detach(release func()) {
	need := 0
	for i := range a.Mask {
		if m := &a.Mask[i]; m.Kind == RunMask {
			need += int(m.size)
		}
	}
	if release == nil || need > len(a.data)/8 {
		return
	}
	kept := make([]byte, 0, need)
	for i := range a.Mask {
		if m := &a.Mask[i]; m.Kind == RunMask {
			kept = append(kept, a.data[m.index:m.index+int64(m.size)]...)
			m.index = int64(len(kept)) - int64(m.size)
		}
	}
	a.data = kept
	release()
}

// unpack reads all of r, whose first bytes are magic.
func unpack(r io.Reader, magic []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<16))
		if err != nil {
			return nil, err
		}
		r = z
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(r)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	}
	b, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the packed file is cut off: %w", err)
	case err == nil && len(b) > maxUnpacked:
		err = fmt.Errorf("more than %d bytes", int64(maxUnpacked))
	}
	return b, err
}

// guard lets the running goroutine panic where it would crash the process, on reading a mapped file that became shorter.
// The returned function, to be deferred, ends that and turns such a panic into an error.
func guard(err **Error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if e := recover(); e != nil {
			if _, fault := e.(interface{ Addr() uintptr }); !fault {
				panic(e)
			}
			*err = &Error{Msg: "the file changed while it was read"}
		}
	}
}
