package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/spinemask/spinemask/weights/internal/dtype"
)

// Item is a tensor to be written: its entry (Begin and End are ignored) and a function that writes its data,
// little-endian, row-major.
type Item struct {
	Entry
	Write func(w io.Writer) error
}

// Write writes a file. The data stand in the order of element size, largest first, then of names, so that every tensor
// starts at a multiple of its element size without padding, which the format forbids. The same items give the same bytes.
func Write(w io.Writer, items []Item, metadata map[string]string) error {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Type.Size(), a.Type.Size()), cmp.Compare(a.Name, b.Name))
	})
	header, err := encode(items, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, it := range items {
		counted := &counter{w: w}
		if err := it.Write(counted); err != nil {
			return fmt.Errorf("safetensors: %s: %w", it.Name, err)
		}
		if want := it.End - it.Begin; counted.n != want {
			return fmt.Errorf("safetensors: %s: %w: %d bytes written, want %d", it.Name, ErrLength, counted.n, want)
		}
	}
	return nil
}

// encode makes the length and the header for items in the order of their data, and sets their Begin and End.
func encode(items []Item, metadata map[string]string) ([]byte, error) {
	type tensor struct {
		Type    dtype.Type `json:"dtype"`
		Shape   []int      `json:"shape"`
		Offsets [2]int64   `json:"data_offsets"`
	}
	var header bytes.Buffer
	header.Write(make([]byte, 8))
	e := json.NewEncoder(&header)
	e.SetEscapeHTML(false)
	comma := byte('{')
	member := func(name string, value any) error {
		header.WriteByte(comma)
		comma = ','
		if err := e.Encode(name); err != nil {
			return err
		}
		header.Truncate(header.Len() - 1) // Encode ends with a newline
		header.WriteByte(':')
		err := e.Encode(value)
		header.Truncate(header.Len() - 1)
		return err
	}
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("safetensors: %w: %q", ErrUTF8, k)
			}
		}
		if err := member("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	at := int64(0)
	for i, it := range items {
		n, ok := byteSize(it.Shape, it.Type.Size())
		if !ok {
			return nil, fmt.Errorf("safetensors: %s: %w: shape %v", it.Name, ErrOverflow, it.Shape)
		}
		items[i].Begin, items[i].End = at, at+int64(n)
		if err := member(it.Name, tensor{it.Type, append([]int{}, it.Shape...), [2]int64{at, at + int64(n)}}); err != nil {
			return nil, err
		}
		at += int64(n)
	}
	if comma == '{' {
		header.WriteByte('{')
	}
	header.WriteByte('}')
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	b := header.Bytes()
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	// What the reader refuses must not be written.
	if _, err := Read(bytes.NewReader(b), int64(len(b))+at); err != nil {
		return nil, err
	}
	return b, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
