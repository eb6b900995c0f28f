package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// What a file says, read by the numbers of the fields in onnx/onnx.proto.
type (
	decoded struct {
		ir, opset       uint64
		producer        string
		version         string
		metadata        map[string]string
		graph           string
		nodes           []decodedNode
		inputs, outputs []string          // "image [1, 3, 8, 8]"
		values          map[string]string // "[1, 3, 8, 8]" of all
		tensors         map[string]decodedTensor
		order           []string // of the tensors
	}
	decodedNode struct {
		op, name   string
		in, out    []string
		attributes map[string]string
	}
	decodedTensor struct {
		shape   []int
		element uint64
		raw     []byte
	}
)

// fields calls do for every field of a message.
func fields(t testing.TB, b []byte, do func(number protowire.Number, v uint64, bytes []byte)) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		require.Positive(t, n)
		b = b[n:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var f uint32
			f, n = protowire.ConsumeFixed32(b)
			v = uint64(f)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		}
		require.Positive(t, n)
		b = b[n:]
		do(number, v, bytes)
	}
}

func decode(t testing.TB, file []byte) *decoded {
	d := &decoded{metadata: map[string]string{}, values: map[string]string{}, tensors: map[string]decodedTensor{}}
	fields(t, file, func(number protowire.Number, v uint64, b []byte) {
		switch number {
		case 1:
			d.ir = v
		case 2:
			d.producer = string(b)
		case 3:
			d.version = string(b)
		case 7:
			d.decodeGraph(t, b)
		case 8:
			fields(t, b, func(number protowire.Number, v uint64, b []byte) {
				if number == 2 {
					d.opset = v
				} else {
					require.Empty(t, b, "the domain of ONNX's own operators")
				}
			})
		case 14:
			var pair [3]string
			fields(t, b, func(number protowire.Number, _ uint64, b []byte) { pair[number] = string(b) })
			d.metadata[pair[1]] = pair[2]
		default:
			require.Fail(t, "a field of ModelProto", "%d", number)
		}
	})
	return d
}

func (d *decoded) decodeGraph(t testing.TB, b []byte) {
	fields(t, b, func(number protowire.Number, _ uint64, b []byte) {
		switch number {
		case 1:
			d.nodes = append(d.nodes, decodeNode(t, b))
		case 2:
			d.graph = string(b)
		case 5:
			d.decodeTensor(t, b)
		case 11, 12, 13:
			name, shape := decodeValue(t, b)
			require.NotContains(t, d.values, name, "a value is described once")
			d.values[name] = shape
			if number == 11 {
				d.inputs = append(d.inputs, name+" "+shape)
			} else if number == 12 {
				d.outputs = append(d.outputs, name+" "+shape)
			}
		default:
			require.Fail(t, "a field of GraphProto", "%d", number)
		}
	})
}

func decodeNode(t testing.TB, b []byte) decodedNode {
	n := decodedNode{attributes: map[string]string{}}
	fields(t, b, func(number protowire.Number, _ uint64, b []byte) {
		switch number {
		case 1:
			n.in = append(n.in, string(b))
		case 2:
			n.out = append(n.out, string(b))
		case 3:
			n.name = string(b)
		case 4:
			n.op = string(b)
		case 5:
			var name, text string
			var kind uint64
			var list []string
			fields(t, b, func(number protowire.Number, v uint64, b []byte) {
				switch number {
				case 1:
					name = string(b)
				case 2:
					text = fmt.Sprint(math.Float32frombits(uint32(v)))
				case 3:
					text = fmt.Sprint(v)
				case 4:
					text = string(b)
				case 8:
					list = append(list, fmt.Sprint(v))
				case 20:
					kind = v
				}
			})
			if list != nil {
				text = "[" + strings.Join(list, " ") + "]"
			}
			kinds := map[uint64]string{1: "float", 2: "int", 3: "string", 7: "ints"}
			n.attributes[name] = kinds[kind] + " " + text
		}
	})
	return n
}

func (d *decoded) decodeTensor(t testing.TB, b []byte) {
	var x decodedTensor
	var name string
	fields(t, b, func(number protowire.Number, v uint64, b []byte) {
		switch number {
		case 1:
			x.shape = append(x.shape, int(v))
		case 2:
			x.element = v
		case 8:
			name = string(b)
		case 9:
			x.raw = b
		}
	})
	require.NotContains(t, d.tensors, name)
	d.tensors[name] = x
	d.order = append(d.order, name)
	require.Len(t, x.raw, map[uint64]int{1: 4, 7: 8}[x.element]*int(product(x.shape)), name)
}

func decodeValue(t testing.TB, b []byte) (name, shape string) {
	var dims []string
	fields(t, b, func(number protowire.Number, _ uint64, b []byte) {
		if number == 1 {
			name = string(b)
			return
		}
		fields(t, b, func(number protowire.Number, _ uint64, b []byte) { // TypeProto
			require.EqualValues(t, 1, number)
			fields(t, b, func(number protowire.Number, v uint64, b []byte) { // TypeProto.Tensor
				if number == 1 {
					require.EqualValues(t, elementFloat, v)
					return
				}
				fields(t, b, func(_ protowire.Number, _ uint64, b []byte) { // TensorShapeProto
					fields(t, b, func(number protowire.Number, v uint64, b []byte) {
						dim := string(b)
						if number == 1 {
							dim = fmt.Sprint(v)
						}
						dims = append(dims, dim)
					})
				})
			})
		})
	})
	return name, "[" + strings.Join(dims, ", ") + "]"
}

func (x decodedTensor) floats() []float32 {
	v := make([]float32, len(x.raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.raw[4*i:]))
	}
	return v
}

func (x decodedTensor) integers() []int {
	v := make([]int, len(x.raw)/8)
	for i := range v {
		v[i] = int(binary.LittleEndian.Uint64(x.raw[8*i:]))
	}
	return v
}
