package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spinemask/spinemask/weights/internal/safetensors"
)

// A File is a set of named tensors. It is safe for concurrent use, until it is closed.
type File struct {
	name     string
	system   System            // whose names the file has
	tensors  []Tensor          // sorted by native name
	from     map[string]string // native name → name in the file; nil where they are the same
	ignored  []string          // names of what is not a weight of the model
	metadata map[string]string
	source   io.ReaderAt // the bytes that SHA256 is of
	size     int64
	closers  []func() error
	sum      func() (string, error)
}

// Open opens the weights at path. The caller closes the file; tensors must not be used after that.
func Open(path string) (*File, error) { return open(path, newFile) }

// OpenRaw opens a safetensors file whose tensors keep the names that they have: for arrays that are not a model.
func OpenRaw(path string) (*File, error) { return open(path, rawFile) }

// Load opens the weights in the size bytes behind r, which must stay readable until the file is closed. The name stands
// in errors.
func Load(name string, r io.ReaderAt, size int64) (*File, error) {
	return load(name, r, size, nil, newFile)
}

// maker makes a file of tensors.
type maker func(name string, tensors []Tensor, metadata map[string]string) (*File, error)

func open(path string, build maker) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("weights: %w", err), f.Close())
	}
	memory, unmap, err := mapFile(f, info.Size())
	if err != nil { // a file system that cannot map is read instead
		memory, unmap = nil, f.Close
	} else if cerr := f.Close(); cerr != nil {
		return nil, errors.Join(fmt.Errorf("weights: %w", cerr), unmap())
	}
	var r io.ReaderAt = f
	if memory != nil {
		r = bytes.NewReader(memory)
	}
	file, err := load(path, r, info.Size(), memory, build)
	if err != nil {
		return nil, errors.Join(err, unmap())
	}
	file.closers = append(file.closers, unmap)
	return file, nil
}

// load reads a file of which memory, where it is not nil, holds all bytes.
func load(name string, r io.ReaderAt, size int64, memory []byte, build maker) (*File, error) {
	h, err := safetensors.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", name, err)
	}
	tensors := make([]Tensor, len(h.Entries))
	for i, e := range h.Entries {
		s := storage{reader: r, offset: e.Begin, size: e.End - e.Begin}
		if memory != nil {
			s.memory = memory[e.Begin:e.End:e.End]
		}
		tensors[i] = Tensor{Name: e.Name, Shape: e.Shape, dtype: e.Type, stored: s}
	}
	f, err := build(name, tensors, h.Metadata)
	if err != nil {
		return nil, err
	}
	f.source, f.size = r, size
	return f, nil
}

// FromTensors makes a file of tensors in memory, under the names of any system.
func FromTensors(name string, tensors []Tensor, metadata map[string]string) (*File, error) {
	return newFile(name, slices.Clone(tensors), metadata)
}

// newFile recognises whose names the tensors have and translates them.
func newFile(name string, tensors []Tensor, metadata map[string]string) (*File, error) {
	system := recognise(tensors)
	tr := &translation{tensors: tensors}
	if translate := translators[system]; translate != nil {
		tr = translate(tensors)
		if err := tr.err(name); err != nil {
			return nil, err
		}
	}
	f, err := rawFile(name, tr.tensors, metadata)
	if err != nil {
		return nil, err
	}
	f.system, f.from, f.ignored = system, tr.from, tr.ignored
	return f, nil
}

func rawFile(name string, tensors []Tensor, metadata map[string]string) (*File, error) {
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	for i, t := range tensors {
		if i > 0 && t.Name == tensors[i-1].Name {
			return nil, fmt.Errorf("weights: %s: two tensors are named %q", name, t.Name)
		}
	}
	f := &File{name: name, tensors: tensors, metadata: metadata}
	f.sum = sync.OnceValues(f.hash)
	return f, nil
}

// Tensor returns the tensor with the name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := slices.BinarySearchFunc(f.tensors, name, func(t Tensor, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string {
	names := make([]string, len(f.tensors))
	for i, t := range f.tensors {
		names[i] = t.Name
	}
	return names
}

// Metadata returns the strings of the file's metadata; for a native file "config" (JSON) and "provenance".
func (f *File) Metadata() map[string]string { return f.metadata }

// SHA256 returns the hash of the file's bytes, hexadecimal. The first call reads them all.
func (f *File) SHA256() (string, error) { return f.sum() }

func (f *File) hash() (string, error) {
	if f.source == nil {
		return "", fmt.Errorf("weights: %s: made in memory, no file to hash", f.name)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f.source, 0, f.size)); err != nil {
		return "", fmt.Errorf("weights: %s: %w", f.name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Close gives the file back to the system. Slices that Float32(nil) returned must not be used any more.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c())
	}
	f.closers = nil
	return errors.Join(errs...)
}
