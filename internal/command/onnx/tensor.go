package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// A tensor is an initializer. Its values are read when it is written.
type tensor struct {
	name    string
	shape   []int
	element int64

	constant []byte  // its values, little-endian
	stored   *stored // of a weight, where there is no constant
}

// stored is an array of the graph and how its axes lie in the file.
type stored struct {
	shape []int // in the graph
	axes  []int // axis i of the file is axis axes[i] of the graph
}

func product(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// bytes is the size of the values.
func (t *tensor) bytes() int64 {
	if t.element == elementInt64 {
		return 8 * product(t.shape)
	}
	return 4 * product(t.shape)
}

// header is a TensorProto up to the values, which raw_data ends with.
func (t *tensor) header() message {
	var m message
	for _, d := range t.shape {
		m.integer(1, int64(d))
	}
	m.integer(2, t.element)
	m.text(8, t.name)
	m.open(9, t.bytes())
	return m
}

// size is that of the TensorProto.
func (t *tensor) size() int64 { return int64(len(t.header())) + t.bytes() }

// writeTo writes the TensorProto.
func (t *tensor) writeTo(w io.Writer, weights Weights) error {
	if _, err := w.Write(t.header()); err != nil {
		return err
	}
	if t.stored == nil {
		_, err := w.Write(t.constant)
		return err
	}
	v, err := weights.Float32(t.name)
	if err != nil {
		return err
	}
	if int64(len(v)) != product(t.shape) {
		return fmt.Errorf("%s: %d values, want %d", t.name, len(v), product(t.shape))
	}
	return t.stored.write(w, v)
}

// write writes values little-endian, the axes in the file's order.
func (s *stored) write(w io.Writer, v []float32) error {
	rank := len(s.axes)
	strides := make([]int, rank) // in the graph, of the file's axes
	for i, axis := range s.axes {
		strides[i] = 1
		for _, d := range s.shape[axis+1:] {
			strides[i] *= d
		}
	}
	const chunk = 1 << 16 // bytes
	b := make([]byte, 0, chunk)
	at, place := 0, make([]int, rank)
	for range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v[at]))
		if len(b) == chunk {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		for i := rank - 1; i >= 0; i-- {
			place[i]++
			at += strides[i]
			if place[i] < s.shape[s.axes[i]] {
				break
			}
			at -= place[i] * strides[i]
			place[i] = 0
		}
	}
	_, err := w.Write(b)
	return err
}

// equal says whether two tensors of one name are the same.
func (t *tensor) equal(o *tensor) bool {
	if t.stored == nil || o.stored == nil {
		return t.stored == o.stored && t.element == o.element && slices.Equal(t.shape, o.shape) && slices.Equal(t.constant, o.constant)
	}
	return slices.Equal(t.stored.shape, o.stored.shape) && slices.Equal(t.stored.axes, o.stored.axes)
}
