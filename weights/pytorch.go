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
	checks := map[int64]func() error{} // of storages that tensors share
	for _, p := range read.Tensors {
		check := checks[p.Data.Offset]
		if check == nil {
			check = sync.OnceValue(func() error { return p.Data.Verify(b.reader) })
			checks[p.Data.Offset] = check
		}
		t := torchTensor(p, b, check)
		if p.Data.Decoded() {
			elements, err := p.Data.Load(b.reader, p.ElementSize)
			if err != nil {
				return nil, fmt.Errorf("weights: %s: %s: %w", name, p.Name, err)
			}
			t.stored = storage{reader: bytes.NewReader(elements), size: int64(len(elements))}
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

// torchTensor takes the part of the storage that the tensor spans.
func torchTensor(p pytorch.Tensor, b *blob, check func() error) Tensor {
	t := Tensor{Name: p.Name, Shape: p.Shape, dtype: dtype.Type(p.DType)}
	span := 1 // elements from the first to the last
	for i, d := range p.Shape {
		span += (d - 1) * p.Stride[i]
	}
	if slices.Contains(p.Shape, 0) {
		span = 0
	}
	t.stored = b.part(p.Data.Offset+int64(min(p.Offset, int(p.Data.Size)/p.ElementSize)*p.ElementSize), int64(span*p.ElementSize))
	t.stored.check = check
	if !slices.Equal(p.Stride, t.axes().strides) && span > 0 {
		t.view = &view{dims: p.Shape, strides: p.Stride}
	}
	return t
}
