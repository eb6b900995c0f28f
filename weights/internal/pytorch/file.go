// Package pytorch reads the tensors of files that torch.save wrote, in the zip format (PyTorch 1.6 and later) and in the
// old one, without executing anything of them: see pickle.go.
package pytorch

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a file.
const (
	MaxTensors = 65536
	MaxName    = 512 // bytes
	maxDepth   = 32  // of containers within each other
	maxNodes   = 1 << 20
)

// One error per rule of the file.
var (
	ErrNotTorch = errors.New("not a file of torch.save")
	ErrTensors  = errors.New("more tensors than allowed")
	ErrName     = errors.New("name is too long or not a string")
	ErrNesting  = errors.New("containers are nested deeper or hold more than allowed")
	ErrArchive  = errors.New("malformed archive")
	ErrSize     = errors.New("length of the data is not that of the storage")
	ErrChecksum = errors.New("checksum differs")
	ErrElements = errors.New("tensor has more elements than the file has bytes")
)

// Tensor is a strided view of a run of bytes in the file.
type Tensor struct {
	Name          string // keys and indices on the way to it, joined by "/"
	DType         string // F32, F16, BF16, I64, F64, …
	ElementSize   int    // bytes
	Shape, Stride []int  // in elements
	Offset        int    // of the first element, in elements
	Data          Data
}

// Data is the place of a storage in the file. Equal ones have the same elements.
type Data struct {
	Offset, Size int64
	CRC          *uint32 // CRC-32 (IEEE) of it, where the file has one

	memory    string // of an array of NumPy, see storage
	text, big bool
	count     int64 // elements of a text
}

// Verify compares the checksum of the data, where the file has one.
func (d Data) Verify(r io.ReaderAt) error {
	if d.CRC == nil {
		return nil
	}
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, io.NewSectionReader(r, d.Offset, d.Size)); err != nil {
		return fmt.Errorf("pytorch: byte %d: %w", d.Offset, err)
	}
	if got := h.Sum32(); got != *d.CRC {
		return fmt.Errorf("pytorch: byte %d: %w: %#x, stored %#x", d.Offset, ErrChecksum, got, *d.CRC)
	}
	return nil
}

// Opaque is a value of unknown meaning: nothing of it is read.
type Opaque struct {
	Name  string // as of a tensor
	Class string // the global that made it
}

// Contents is what a file holds, in the order of the file.
type Contents struct {
	Tensors []Tensor
	Opaque  []Opaque
	Lists   []List
	Texts   []Text
}

// Read lists what is in the file of size bytes behind r.
func Read(r io.ReaderAt, size int64) (*Contents, error) {
	var head [4]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("pytorch: %w", err)
	}
	var root any
	var foreign error // of a pickle that torch.save did not write
	switch {
	case string(head[:n]) == "PK\x03\x04":
		root, err = readZip(r, size)
	case n >= 2 && head[0] == opProto:
		root, err = readLegacy(r, size)
		var p *PickleError
		if errors.As(err, &p) { // it may hold arrays of NumPy
			root, foreign, err = p.value, err, nil
		}
	default:
		return nil, fmt.Errorf("pytorch: %w: it starts with the bytes % x", ErrNotTorch, head[:n])
	}
	if err != nil {
		return nil, err
	}
	w := &walker{size: size}
	if err := w.walk("", root, 0); err != nil {
		return nil, err
	}
	if foreign != nil && len(w.Tensors) == 0 {
		return nil, foreign
	}
	if len(w.Tensors) == 0 && len(w.Opaque) > 0 {
		return nil, fmt.Errorf("pytorch: %w: %s", ErrGlobal, w.classes())
	}
	return &w.Contents, nil
}

// classes names those of the opaque values, the first few.
func (w *walker) classes() string {
	var names []string
	for _, o := range w.Opaque {
		if name := fmt.Sprintf("%.64q", o.Class); !slices.Contains(names, name) && len(names) < 4 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// walker collects what is in nested containers.
type walker struct {
	Contents
	size  int64 // of the file
	nodes int
}

func (w *walker) walk(name string, v any, depth int) error {
	// A container may stand in itself, or in many places.
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return fmt.Errorf("pytorch: %.*s: %w", MaxName, name, ErrNesting)
	}
	if len(name) > MaxName {
		return fmt.Errorf("pytorch: %.*s…: %w", 64, name, ErrName)
	}
	child := func(key string, v any) error {
		if name != "" {
			key = name + "/" + key
		}
		return w.walk(key, v, depth+1)
	}
	w.list(name, v, depth)
	w.text(name, v, depth)
	switch v := v.(type) {
	case *npArray:
		if v.array == nil {
			w.opaque(name, "numpy.ndarray")
			return nil
		}
		return w.add(name, v.array)
	case opaque:
		w.opaque(name, v.name)
	case raw:
		w.opaque(name, v.class())
	case *array:
		return w.add(name, v)
	case *dict:
		for i, k := range v.keys {
			key, err := keyName(k)
			if err == nil {
				err = child(key, v.values[i])
			}
			if err != nil {
				return err
			}
		}
	case *list:
		return w.walkAll(child, v.items)
	case tuple:
		return w.walkAll(child, v)
	}
	return nil
}

// opaque keeps a value of unknown meaning. More than a file may have tensors stand for none.
func (w *walker) opaque(name, class string) {
	if len(w.Opaque) < MaxTensors {
		w.Opaque = append(w.Opaque, Opaque{name, class})
	}
}

func (w *walker) walkAll(child func(string, any) error, items []any) error {
	for i, item := range items {
		if err := child(strconv.Itoa(i), item); err != nil {
			return err
		}
	}
	return nil
}

// keyName is the text of a dictionary's key; keys that are neither text nor numbers hold nothing of interest.
func keyName(k any) (string, error) {
	switch k := k.(type) {
	case string:
		if !utf8.ValidString(k) {
			return "", fmt.Errorf("pytorch: %w: %.64q", ErrName, k)
		}
		return k, nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	}
	return fmt.Sprintf("%T", k), nil
}

func (w *walker) add(name string, a *array) error {
	if len(w.Tensors) == MaxTensors {
		return fmt.Errorf("pytorch: %w: at most %d", ErrTensors, MaxTensors)
	}
	s := a.storage
	t := Tensor{
		Name: name, DType: s.dtype, ElementSize: int(s.size), Shape: []int{}, Stride: []int{}, Offset: int(a.offset),
		Data: Data{Offset: s.offset, Size: s.count * s.size, CRC: s.crc, memory: s.memory, text: s.text, big: s.big && s.size > 1, count: s.count},
	}
	if s.text {
		t.Data.Size = s.stored
	}
	// Strides of zero repeat elements: a shape may ask for more than there is.
	elements := int64(1)
	for i, d := range a.shape {
		if max(d, 1) > w.size/elements {
			return fmt.Errorf("pytorch: %s: %w: shape %v", name, ErrElements, a.shape)
		}
		elements *= max(d, 1)
		t.Shape, t.Stride = append(t.Shape, int(d)), append(t.Stride, int(a.stride[i]))
	}
	w.Tensors = append(w.Tensors, t)
	return nil
}
