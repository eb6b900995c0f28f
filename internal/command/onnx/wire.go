package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message is a protocol buffer in the making (onnx/onnx.proto has the numbers
// of the fields).
type message []byte

func (m *message) integer(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) float(field protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, field, protowire.Fixed32Type), math.Float32bits(v))
}

func (m *message) text(field protowire.Number, v string) {
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) message(field protowire.Number, v message) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

// open begins a field of size bytes that follow.
func (m *message) open(field protowire.Number, size int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.BytesType), uint64(size))
}

// Types of an attribute (AttributeProto.AttributeType).
const (
	attributeFloat  = 1
	attributeInt    = 2
	attributeString = 3
	attributeInts   = 7
)

// An attribute of a node; value is an int, a float32, a string or []int.
type attribute struct {
	name  string
	value any
}

func (a attribute) encode() message {
	var m message
	m.text(1, a.name)
	kind := int64(attributeInt)
	switch v := a.value.(type) {
	case float32:
		kind = attributeFloat
		m.float(2, v)
	case int:
		m.integer(3, int64(v))
	case string:
		kind = attributeString
		m.text(4, v)
	case []int:
		kind = attributeInts
		for _, x := range v {
			m.integer(8, int64(x))
		}
	}
	m.integer(20, kind)
	return m
}

// encodeNode is a NodeProto.
func encodeNode(op, name string, in []string, out string, attributes []attribute) message {
	var m message
	for _, x := range in {
		m.text(1, x)
	}
	m.text(2, out)
	m.text(3, name)
	m.text(4, op)
	for _, a := range attributes {
		m.message(5, a.encode())
	}
	return m
}

// Element types (TensorProto.DataType).
const (
	elementFloat = 1
	elementInt64 = 7
)

// encodeValue is a ValueInfoProto of floats. The first dimension has a name if
// the number of rows is open.
func encodeValue(name, rows string, shape []int) message {
	var dims message
	for i, d := range shape {
		var dim message
		if i == 0 && rows != "" {
			dim.text(2, rows)
		} else {
			dim.integer(1, int64(d))
		}
		dims.message(1, dim)
	}
	var tensor message
	tensor.integer(1, elementFloat)
	tensor.message(2, dims)
	var kind, m message
	kind.message(1, tensor)
	m.text(1, name)
	m.message(2, kind)
	return m
}
