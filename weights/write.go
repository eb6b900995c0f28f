package weights

import (
	"io"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/spinemask/spinemask/weights/internal/safetensors"
)

// Write writes the tensors of f as a native file, one after the other. Values keep their element type. The same tensors
// and metadata give the same bytes.
func Write(w io.Writer, f *File, metadata map[string]string) error {
	items := make([]safetensors.Item, len(f.tensors))
	for i, t := range f.tensors {
		items[i] = safetensors.Item{
			Entry: safetensors.Entry{Name: t.Name, Type: t.dtype, Shape: t.Shape},
			Write: t.writeTo,
		}
		if t.arrange != nil {
			items[i].Type = dtype.F32
		}
	}
	return safetensors.Write(w, items, metadata)
}

// writeTo writes the values little-endian and row-major, in their type; as float32 where they are rearranged.
func (t Tensor) writeTo(w io.Writer) error {
	if t.arrange != nil {
		v, err := t.Float32(nil)
		if err != nil {
			return err
		}
		_, err = w.Write(dtype.Bytes(v))
		return err
	}
	return t.chunks(func(_ int64, b []byte) error {
		_, err := w.Write(b)
		return err
	})
}
