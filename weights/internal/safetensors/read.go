// Package safetensors reads and writes the safetensors format, strictly.
//
// A file is the length of the header (8 bytes, little-endian), the header (JSON: tensor name → dtype, shape,
// data_offsets; __metadata__ → strings), and the data. The reader accepts a file only where every rule of the format
// holds, the data of the tensors fill the file without holes, overlaps or trailing bytes, and the limits below are kept.
// See https://github.com/huggingface/safetensors (README, "Format") and the Trail of Bits audit of 2023.
package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/spinemask/spinemask/weights/internal/dtype"
)

// Limits of a file. The format itself allows headers of 100 MB; real models stay far below these.
const (
	MaxHeader  = 16 << 20 // bytes
	MaxTensors = 65536
	MaxRank    = 8
	MaxName    = 512 // bytes
)

// Entry is one tensor of a file.
type Entry struct {
	Name       string
	Type       dtype.Type
	Shape      []int
	Begin, End int64 // place of the data in the file, bytes
}

// Header lists what a file holds, entries sorted by name.
type Header struct {
	Entries  []Entry
	Metadata map[string]string
}

// Read reads and checks the header of the file of size bytes behind r. A file that is refused costs at most four times
// the memory of its header.
func Read(r io.ReaderAt, size int64) (*Header, error) {
	var length [8]byte
	if size < 8 {
		return nil, fmt.Errorf("safetensors: %w: %d bytes", ErrShort, size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, fmt.Errorf("safetensors: header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > MaxHeader {
		return nil, fmt.Errorf("safetensors: %w: %d bytes, at most %d", ErrHeaderLarge, n, MaxHeader)
	}
	if int64(n) > size-8 {
		return nil, fmt.Errorf("safetensors: %w: %d bytes in a file of %d", ErrHeaderBeyond, n, size)
	}
	header := make([]byte, n)
	if n > 0 {
		if _, err := r.ReadAt(header, 8); err != nil {
			return nil, fmt.Errorf("safetensors: header: %w", err)
		}
	}
	return parse(unsafe.String(unsafe.SliceData(header), len(header)), size)
}

// parse checks the header of a file of size bytes. Names are parts of the header where they hold no escapes.
func parse(header string, size int64) (*Header, error) {
	if header == "" || header[0] != '{' {
		return nil, fmt.Errorf("safetensors: %w", ErrHeaderStart)
	}
	if !utf8.ValidString(header) {
		return nil, fmt.Errorf("safetensors: %w", ErrUTF8)
	}
	// The first pass counts, so that the second allocates exactly.
	var tensors, dims int
	err := scan(header, func(_ string, t *tensor) error {
		tensors++
		dims += t.rank
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	h := &Header{Entries: make([]Entry, 0, tensors), Metadata: map[string]string{}}
	shapes := make([]int, 0, dims)
	start := int64(8 + len(header))
	err = scan(header, func(name string, t *tensor) error {
		from := len(shapes)
		shapes = append(shapes, t.shape[:t.rank]...)
		e := Entry{Name: name, Type: t.dtype, Shape: shapes[from:len(shapes):len(shapes)]}
		if int64(t.begin) > size-start || int64(t.end) > size-start {
			return fmt.Errorf("safetensors: %s: %w: data_offsets %d, %d of %d", name, ErrBeyond, t.begin, t.end, size-start)
		}
		e.Begin, e.End = start+int64(t.begin), start+int64(t.end)
		h.Entries = append(h.Entries, e)
		return nil
	}, func(key, value string) error {
		if _, ok := h.Metadata[key]; ok {
			return fmt.Errorf("safetensors: __metadata__: %w: %q", ErrDuplicate, key)
		}
		h.Metadata[key] = value
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := contiguous(h.Entries, start, size); err != nil {
		return nil, err
	}
	slices.SortFunc(h.Entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(h.Entries); i++ {
		if h.Entries[i].Name == h.Entries[i-1].Name {
			return nil, fmt.Errorf("safetensors: %w: %q", ErrDuplicate, h.Entries[i].Name)
		}
	}
	return h, nil
}

// contiguous checks that the data fill the file from start to its end.
func contiguous(entries []Entry, start, size int64) error {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	at := start
	for _, e := range entries {
		switch {
		case e.Begin > at:
			return fmt.Errorf("safetensors: %s: %w: file bytes %d to %d", e.Name, ErrHole, at, e.Begin)
		case e.Begin < at:
			return fmt.Errorf("safetensors: %s: %w: file bytes %d to %d", e.Name, ErrOverlap, e.Begin, at)
		}
		at = e.End
	}
	if at != size {
		return fmt.Errorf("safetensors: %w: file bytes %d to %d", ErrTrailing, at, size)
	}
	return nil
}

// tensor is the value of one name in the header.
type tensor struct {
	dtype      dtype.Type
	shape      [MaxRank]int
	rank       int
	begin, end int // relative to the end of the header
}

// scan walks the header and calls the visitors for what it holds; metadata may be nil.
func scan(header string, visit func(name string, t *tensor) error, metadata func(key, value string) error) error {
	c := &scanner{s: header}
	tensors, metas := 0, 0
	var t tensor
	err := c.object(func(name string) error {
		if name == "__metadata__" {
			if metas++; metas > 1 {
				return c.fail(ErrDuplicate, "__metadata__")
			}
			return c.metadata(metadata)
		}
		if len(name) > MaxName {
			return c.fail(ErrName, "%d bytes, at most %d", len(name), MaxName)
		}
		if tensors++; tensors > MaxTensors {
			return c.fail(ErrTensors, "at most %d", MaxTensors)
		}
		if err := c.tensor(name, &t); err != nil {
			return err
		}
		return visit(name, &t)
	})
	if err != nil {
		return err
	}
	for _, b := range []byte(header[c.pos:]) {
		if b != ' ' { // writers pad with spaces
			return c.fail(ErrSyntax, "%s behind the header", c.found())
		}
	}
	return nil
}

func (c *scanner) metadata(visit func(key, value string) error) error {
	if c.peek() != '{' {
		return c.fail(ErrMetadata, "%s", c.found())
	}
	return c.object(func(key string) error {
		if c.peek() != '"' {
			return c.fail(ErrMetadata, "%s: %s", key, c.found())
		}
		value, err := c.str()
		if err != nil || visit == nil {
			return err
		}
		return visit(key, value)
	})
}

// tensor reads {"dtype": …, "shape": […], "data_offsets": [begin, end]}, fields in any order.
func (c *scanner) tensor(name string, t *tensor) error {
	*t = tensor{}
	var haveType, haveShape, haveOffsets bool
	err := c.object(func(field string) error {
		var have *bool
		switch field {
		case "dtype":
			have = &haveType
		case "shape":
			have = &haveShape
		case "data_offsets":
			have = &haveOffsets
		default:
			return c.fail(ErrField, "%s: %q", name, field)
		}
		if *have {
			return c.fail(ErrDuplicate, "%s: field %q", name, field)
		}
		*have = true
		switch field {
		case "dtype":
			s, err := c.str()
			if t.dtype = dtype.Type(s); err == nil && t.dtype.Size() == 0 {
				err = c.fail(ErrType, "%s: %q", name, s)
			}
			return err
		case "shape":
			return c.list('[', ']', func() (err error) {
				if t.rank == MaxRank {
					return c.fail(ErrRank, "%s: at most %d", name, MaxRank)
				}
				t.shape[t.rank], err = c.number()
				t.rank++
				return err
			})
		default:
			return c.offsets(name, t)
		}
	})
	if err != nil {
		return err
	}
	if !haveType || !haveShape || !haveOffsets {
		return c.fail(ErrField, "%s needs dtype, shape and data_offsets", name)
	}
	if t.end < t.begin {
		return c.fail(ErrOffsets, "%s: data_offsets %d, %d", name, t.begin, t.end)
	}
	want, ok := byteSize(t.shape[:t.rank], t.dtype.Size())
	if !ok {
		return c.fail(ErrOverflow, "%s: shape %v", name, t.shape[:t.rank])
	}
	if got := t.end - t.begin; got != want {
		return c.fail(ErrLength, "%s: %d bytes, shape %v of %s has %d", name, got, t.shape[:t.rank], t.dtype, want)
	}
	return nil
}

func (c *scanner) offsets(name string, t *tensor) error {
	n := 0
	err := c.list('[', ']', func() (err error) {
		if n == 2 {
			return c.fail(ErrSyntax, "%s: more than two data_offsets", name)
		}
		t.begin = t.end
		t.end, err = c.number()
		n++
		return err
	})
	if err == nil && n != 2 {
		err = c.fail(ErrSyntax, "%s: %d data_offsets, want two", name, n)
	}
	return err
}

// byteSize is the product of the shape and the element size. A dimension of zero does not excuse the others.
func byteSize(shape []int, size int) (int, bool) {
	limit, n := uint64(size), size
	for _, d := range shape {
		hi, lo := bits.Mul64(limit, uint64(max(d, 1)))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		limit = lo
		n *= d
	}
	return n, true
}
