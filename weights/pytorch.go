package weights

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/spinemask/spinemask/weights/internal/pytorch"
)

// readPyTorch reads a file of torch.save.
func readPyTorch(name string, b *blob) (*contents, error) {
	read, err := pytorch.Read(b.reader, b.size)
	if errors.Is(err, pytorch.ErrGlobal) {
		return nil, &FormatError{name, "", "only weights are read, no programs: " + stateDict, fmt.Errorf("weights: %s: %w", name, err)}
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", name, err)
	}
	c := &contents{format: "PyTorch checkpoint", blobs: []*blob{b}}
	// Tensors may share storages, any number of one.
	checks := map[int64]func() error{}
	decoded := map[pytorch.Data][]byte{}
	for _, p := range read.Tensors {
		t := torchTensor(p)
		if p.Data.Decoded() {
			elements, ok := decoded[p.Data]
			if !ok {
				if elements, err = p.Data.Load(b.reader, p.ElementSize); err != nil {
					return nil, fmt.Errorf("weights: %s: %s: %w", name, p.Name, err)
				}
				decoded[p.Data] = elements
			}
			t.stored = storage{reader: bytes.NewReader(elements), size: int64(len(elements))}
		} else {
			t.stored = b.part(p.Data.Offset+t.stored.offset, t.stored.size)
			if t.stored.check = checks[p.Data.Offset]; t.stored.check == nil {
				t.stored.check = sync.OnceValue(func() error { return p.Data.Verify(b.reader) })
				checks[p.Data.Offset] = t.stored.check
			}
		}
		c.tensors = append(c.tensors, t)
	}
	for _, o := range read.Opaque {
		c.tensors = append(c.tensors, Tensor{Name: o.Name, opaque: o.Class})
	}
	c.texts = map[string]string{}
	for _, t := range read.Texts {
		c.texts[t.Name] = t.Value
	}
	for _, l := range read.Lists {
		c.lists = append(c.lists, nameList{l.Name, l.Texts})
	}
	return c, nil
}

// torchTensor takes the part of the storage that the tensor spans, with its offset in the storage.
func torchTensor(p pytorch.Tensor) Tensor {
	t := Tensor{Name: p.Name, Shape: p.Shape, dtype: dtype.Type(p.DType)}
	span := 1 // elements from the first to the last
	for i, d := range p.Shape {
		span += (d - 1) * p.Stride[i]
	}
	if slices.Contains(p.Shape, 0) {
		span = 0
	}
	t.stored = storage{offset: int64(min(p.Offset, int(p.Data.Size)/p.ElementSize) * p.ElementSize), size: int64(span * p.ElementSize)}
	if !slices.Equal(p.Stride, t.axes().strides) && span > 0 {
		t.view = &view{dims: p.Shape, strides: p.Stride}
	}
	return t
}
