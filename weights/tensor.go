package weights

import (
	"fmt"
	"io"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/spinemask/spinemask/weights/internal/tfbundle"
)

// A Tensor is a named array of weights in a file. Nothing is read before its values are asked for.
type Tensor struct {
	Name  string
	Shape []int

	alias   string // a second name that the file has: the full name of a TF2 variable
	dtype   dtype.Type
	stored  storage
	arrange func(dst, stored []float32) // from the file's order to row-major; nil where they are the same
}

// storage is where the values of a tensor lie: in memory (mapped, or made there) or behind a reader.
type storage struct {
	memory []byte
	reader io.ReaderAt
	offset int64
	size   int64   // bytes
	crc    *uint32 // masked CRC-32C of them, where the file has one
}

// NewTensor returns a tensor of values that lie in memory, row-major. The values are not copied.
func NewTensor(name string, shape []int, values []float32) Tensor {
	b := dtype.Bytes(values)
	return Tensor{Name: name, Shape: shape, dtype: dtype.F32, stored: storage{memory: b, size: int64(len(b))}}
}

// Len returns the number of values.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// DType returns the element type in the file, as safetensors names it: F32, F16, BF16 or I64.
func (t Tensor) DType() string { return string(t.dtype) }

// Float32 returns the values as float32, row-major; F16 and BF16 convert exactly.
//
// With a nil dst the result may lie in the mapped file: it must not be written to, and lives until the file is closed.
// Else the values are stored in dst, which must have room for them, and dst[:t.Len()] is returned.
func (t Tensor) Float32(dst []float32) ([]float32, error) {
	n := t.Len()
	if !t.dtype.Float() {
		return nil, fmt.Errorf("weights: %s: element type %s, want F32, F16 or BF16", t.Name, t.dtype)
	}
	if dst != nil && len(dst) < n {
		return nil, fmt.Errorf("weights: %s: room for %d values, want %d", t.Name, len(dst), n)
	}
	if t.arrange != nil {
		stored := make([]float32, t.stored.size/int64(t.dtype.Size()))
		if err := t.read(stored); err != nil {
			return nil, err
		}
		if dst == nil {
			dst = make([]float32, n)
		}
		t.arrange(dst[:n], stored)
		return dst[:n], nil
	}
	if dst == nil {
		if t.dtype == dtype.F32 && t.stored.memory != nil {
			if v := dtype.View(t.stored.memory); v != nil {
				return v, t.verify()
			}
		}
		dst = make([]float32, n)
	}
	return dst[:n], t.read(dst[:n])
}

// read converts the stored values to dst, in their order.
func (t Tensor) read(dst []float32) error {
	size := t.dtype.Size()
	return t.chunks(func(at int64, b []byte) error {
		part := dst[at/int64(size):]
		t.dtype.Float32(part[:len(b)/size], b)
		return nil
	})
}

// finite reports whether no value is NaN or infinite.
func (t Tensor) finite() (bool, error) {
	ok := true
	err := t.chunks(func(_ int64, b []byte) error {
		ok = ok && t.dtype.Finite(b)
		return nil
	})
	return ok, err
}

// verify checks the bytes of a tensor whose file has a checksum.
func (t Tensor) verify() error {
	if t.stored.crc == nil {
		return nil
	}
	return t.chunks(func(int64, []byte) error { return nil })
}

// chunks calls f for consecutive parts of the stored bytes, each but the last a multiple of 8 bytes, and then compares
// the checksum, where the file has one.
func (t Tensor) chunks(f func(at int64, b []byte) error) error {
	s := t.stored
	crc := uint32(0)
	part := func(at int64, b []byte) error {
		if s.crc != nil {
			crc = tfbundle.Update(crc, b)
		}
		return f(at, b)
	}
	if s.memory != nil || s.size == 0 {
		if err := part(0, s.memory); err != nil {
			return err
		}
	} else {
		buf := make([]byte, min(s.size, 1<<18))
		for at := int64(0); at < s.size; at += int64(len(buf)) {
			buf = buf[:min(int64(len(buf)), s.size-at)]
			if _, err := s.reader.ReadAt(buf, s.offset+at); err != nil {
				return fmt.Errorf("weights: %s: %d bytes at byte %d: %w", t.Name, len(buf), s.offset+at, err)
			}
			if err := part(at, buf); err != nil {
				return err
			}
		}
	}
	if s.crc != nil && tfbundle.Masked(crc) != *s.crc {
		return fmt.Errorf("weights: %s: %w: %#x, stored %#x (%d bytes at byte %d)", t.Name, tfbundle.ErrChecksum, tfbundle.Masked(crc), *s.crc, s.size, s.offset)
	}
	return nil
}
