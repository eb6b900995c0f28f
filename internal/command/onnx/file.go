// Package onnx writes the graphs of a network as ONNX files: one more reader of
// package graph.
//
// A file is a part of the network in float32, for inputs of one size. Maps are
// N×C×H×W there (in the graph H×W×C for each of N rows), and so are kernels
// (see translate.go). Nodes, values and weights keep the names that they have
// in the graph; norms stay nodes, with the weights as they are stored.
package onnx

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Opset is the version of ONNX's operators that the files use: the first that has
// all of them is 14 (HardSwish); runtimes since early 2022 know 17.
const (
	Opset     = 17
	irVersion = 8 // of the format, that of ONNX 1.12, which brought the opset
)

// Weights gives stored arrays by name, as package graph names them.
type Weights interface {
	Float32(name string) ([]float32, error)
}

// A Value is an input or output of a file.
type Value struct {
	Name  string
	Shape []int  // N, C, H, W, or N, C behind dense layers
	Rows  string // name of N if it is open, else ""
}

// A File is a part of a network, ready to be written. It holds no weights.
type File struct {
	Name            string // of the ONNX graph
	Inputs, Outputs []Value

	nodes   message // fields of GraphProto
	values  []Value // between the nodes
	tensors []*tensor
}

// Metadata are the strings that a file carries, in the order in which they are
// written.
type Metadata []struct{ Key, Value string }

// Add appends a string.
func (m *Metadata) Add(key, value string) {
	*m = append(*m, struct{ Key, Value string }{key, value})
}

// largest is the size that readers of protocol buffers accept.
const largest = math.MaxInt32

// Write writes the file. It holds one array of the weights at a time. version is
// that of the program that writes.
func (f *File) Write(w io.Writer, weights Weights, metadata Metadata, version string) error {
	var graph message // but for its weights, which come last
	graph = append(graph, f.nodes...)
	graph.text(2, f.Name)
	for _, v := range f.Inputs {
		graph.message(11, encodeValue(v.Name, v.Rows, v.Shape))
	}
	for _, v := range f.Outputs {
		graph.message(12, encodeValue(v.Name, v.Rows, v.Shape))
	}
	for _, v := range f.values {
		if !slices.ContainsFunc(f.Outputs, func(o Value) bool { return o.Name == v.Name }) {
			graph.message(13, encodeValue(v.Name, v.Rows, v.Shape))
		}
	}
	size := int64(len(graph))
	for _, t := range f.tensors {
		n := t.size()
		size += int64(protowire.SizeTag(5)+protowire.SizeVarint(uint64(n))) + n
	}

	var head message
	head.integer(1, irVersion)
	head.text(2, "spinemask")
	head.text(3, version)
	var opset message
	opset.text(1, "")
	opset.integer(2, Opset)
	head.message(8, opset)
	for _, p := range metadata {
		var entry message
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		head.message(14, entry)
	}
	head.open(7, size)
	if total := int64(len(head)) + size; total > largest {
		return fmt.Errorf("onnx: %s: %d bytes: a file of ONNX has at most %d", f.Name, total, largest)
	}
	if _, err := w.Write(append(head, graph...)); err != nil {
		return err
	}
	for _, t := range f.tensors {
		var field message
		field.open(5, t.size())
		if _, err := w.Write(field); err != nil {
			return err
		}
		if err := t.writeTo(w, weights); err != nil {
			return fmt.Errorf("onnx: %s: %w", f.Name, err)
		}
	}
	return nil
}

// String is such as "classes [rois, 91]".
func (v Value) String() string {
	dims := strings.Fields(strings.Trim(fmt.Sprint(v.Shape), "[]"))
	if v.Rows != "" {
		dims[0] = v.Rows
	}
	return fmt.Sprintf("%s [%s]", v.Name, strings.Join(dims, ", "))
}
