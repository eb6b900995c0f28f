package weights

import (
	"fmt"
	"io"

	"github.com/spinemask/spinemask/weights/internal/dtype"
)

// A Tensor is a named array of weights in a file. Nothing is read before its values are asked for.
type Tensor struct {
	Name  string
	Shape []int

	opaque string // the class of a value that is not read and may be no tensor at all; empty: it is a tensor
	alias  string // a second name that the file has: the full name of a TF2 variable
	dtype  dtype.Type
	stored storage
	view   *view // how the stored values are arranged; nil: row-major
}

// storage is where the values of a tensor lie: in memory (mapped, or made there) or behind a reader.
type storage struct {
	memory []byte
	reader io.ReaderAt
	offset int64
	size   int64        // bytes
	check  func() error // compares their checksum, where the file has one; looks once
}

// NewTensor returns a tensor of values that lie in memory, row-major. The values are not copied.
func NewTensor(name string, shape []int, values []float32) Tensor {
	b := dtype.Bytes(values)
	return Tensor{Name: name, Shape: shape, dtype: dtype.F32, stored: storage{memory: b, size: int64(len(b))}}
}

// Len returns the number of values.
func (t Tensor) Len() int { return product(t.Shape) }

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// floatTypes are the types that weights may have, for errors.
const floatTypes = "F32, F16, BF16 or F64"

// DType returns the element type in the file, as safetensors names it: F32, F16, BF16 or F64 of a weight.
func (t Tensor) DType() string { return string(t.dtype) }

// Float32 returns the values as float32, row-major; F16 and BF16 convert exactly, F64 is rounded to the nearest value.
//
// With a nil dst the result may lie in the mapped file: it must not be written to, and lives until the file is closed.
// Else the values are stored in dst, which must have room for them, and dst[:t.Len()] is returned.
func (t Tensor) Float32(dst []float32) ([]float32, error) {
	n := t.Len()
	if !t.dtype.Float() {
		return nil, fmt.Errorf("weights: %s: element type %s, want %s", t.Name, t.dtype, floatTypes)
	}
	if dst != nil && len(dst) < n {
		return nil, fmt.Errorf("weights: %s: room for %d values, want %d", t.Name, len(dst), n)
	}
	if err := t.verify(); err != nil {
		return nil, err
	}
	if t.view == nil {
		return t.readInto(dst, n)
	}
	values, err := t.readInto(nil, int(t.stored.size)/t.dtype.Size())
	if err != nil {
		return nil, err
	}
	if dst == nil {
		dst = make([]float32, n)
	}
	t.view.gather(dst[:n], values)
	return dst[:n], nil
}

// readInto returns the n stored values in their order: in dst, or, where dst is nil, perhaps in the mapped file.
func (t Tensor) readInto(dst []float32, n int) ([]float32, error) {
	if dst == nil {
		if t.dtype == dtype.F32 && t.stored.memory != nil {
			if v := dtype.View(t.stored.memory); v != nil {
				return v, nil
			}
		}
		dst = make([]float32, n)
	}
	dst = dst[:n]
	size := t.dtype.Size()
	return dst, t.chunks(func(at int64, b []byte) error {
		part := dst[at/int64(size):]
		t.dtype.Float32(part[:len(b)/size], b)
		return nil
	})
}

// finite reports whether no value is NaN or infinite.
func (t Tensor) finite() (bool, error) {
	if err := t.verify(); err != nil {
		return false, err
	}
	if t.view != nil && t.stored.size != int64(t.Len()*t.dtype.Size()) { // there are other values between ours
		v, err := t.Float32(nil)
		return dtype.F32.Finite(dtype.Bytes(v)), err
	}
	ok := true
	err := t.chunks(func(_ int64, b []byte) error {
		ok = ok && t.dtype.Finite(b)
		return nil
	})
	return ok, err
}

func (t Tensor) verify() error {
	if t.stored.check == nil {
		return nil
	}
	if err := t.stored.check(); err != nil {
		return fmt.Errorf("weights: %s: %w", t.Name, err)
	}
	return nil
}

// chunks calls f for consecutive parts of the stored bytes, each but the last a multiple of 8 bytes.
func (t Tensor) chunks(f func(at int64, b []byte) error) error {
	s := t.stored
	if s.memory != nil || s.size == 0 {
		return f(0, s.memory)
	}
	buf := make([]byte, min(s.size, 1<<18))
	for at := int64(0); at < s.size; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), s.size-at)]
		if _, err := s.reader.ReadAt(buf, s.offset+at); err != nil {
			return fmt.Errorf("weights: %s: %d bytes at byte %d: %w", t.Name, len(buf), s.offset+at, err)
		}
		if err := f(at, buf); err != nil {
			return err
		}
	}
	return nil
}
