package weights

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights/internal/safetensors"
)

// Provenance says where weights come from. It is stored in a native file as JSON under "provenance".
type Provenance struct {
	Source  string `json:"source"` // for people: a file name, a link
	SHA256  string `json:"sha256"` // of the source, hexadecimal
	System  System `json:"system"` // whose names the source has
	Licence string `json:"licence,omitempty"`
}

// Convert writes f as a native file with a config and its provenance. It holds one tensor at a time in memory.
func Convert(w io.Writer, f *File, c *config.Config, p Provenance) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("weights: %s: %w", f.name, err)
	}
	if err := loadError(f.name, f.problems); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("weights: config: %w", err)
	}
	source, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("weights: provenance: %w", err)
	}
	return write(w, f.tensors, map[string]string{"config": string(text), "provenance": string(source)})
}

// WriteTensors writes tensors and metadata as a safetensors file that need not be a model: OpenRaw reads it. The same tensors and metadata give the
// same bytes.
func WriteTensors(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	sorted := slices.Clone(tensors)
	slices.SortFunc(sorted, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return write(w, sorted, metadata)
}

// write writes a native file. Values keep their element type, but F64 becomes F32. The same tensors and metadata give the same bytes.
func write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	items := make([]safetensors.Item, len(tensors))
	for i, t := range tensors {
		items[i] = safetensors.Item{
			Entry: safetensors.Entry{Name: t.Name, Type: t.dtype.Stored(), Shape: t.Shape},
			Write: t.writeTo,
		}
	}
	return safetensors.Write(w, items, metadata)
}

// writeTo writes the values little-endian and row-major, in the type that they are stored in.
func (t Tensor) writeTo(w io.Writer) error {
	if t.view == nil && t.dtype.Stored() == t.dtype {
		if err := t.verify(); err != nil {
			return err
		}
		return t.chunks(func(_ int64, b []byte) error {
			_, err := w.Write(b)
			return err
		})
	}
	v, err := t.Float32(nil)
	if err != nil {
		return err
	}
	_, err = w.Write(t.dtype.Stored().Encode(v))
	return err
}
