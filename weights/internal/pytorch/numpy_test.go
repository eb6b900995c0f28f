package pytorch

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// stored gives the elements of a tensor in the file, or decoded.
func stored(t *testing.T, file []byte, v Tensor) []byte {
	if v.Data.Decoded() {
		b, err := v.Data.Load(bytes.NewReader(file), v.ElementSize)
		require.NoError(t, err)
		return b
	}
	return file[v.Data.Offset : v.Data.Offset+v.Data.Size]
}

// Arrays of NumPy of every type and layout, from pickles of each protocol; the values are NumPy's.
func TestReadsArraysOfNumPy(t *testing.T) {
	var want struct {
		Arrays map[string]struct {
			DType  string
			Shape  []int
			Values any
		}
	}
	require.NoError(t, json.Unmarshal(load(t, "kinds.json"), &want))
	for _, name := range []string{"kinds_protocol2.pkl", "kinds_protocol3_numpy2.pkl", "kinds_protocol4_numpy2.pkl", "kinds_protocol5_numpy2.pkl"} {
		file := load(t, name)
		tensors, err := read(file)
		require.NoError(t, err, name)
		var names []string
		for _, v := range tensors {
			names = append(names, v.Name)
		}
		require.Len(t, names, len(want.Arrays), "%s %q", name, names)
		for _, v := range tensors {
			w, ok := want.Arrays[v.Name[len("model/"):]]
			require.True(t, ok, v.Name)
			require.Equal(t, append([]int{}, w.Shape...), v.Shape, "%s %s", name, v.Name)
			if dtype.Type(v.DType) != dtype.F32 {
				continue
			}
			b := stored(t, file, v)
			values := make([]float32, len(b)/4)
			dtype.F32.Float32(values, b)
			list, _ := w.Values.([]any)
			require.Len(t, values, len(list), v.Name)
			for i := range list { // row-major
				at, rest := 0, i
				for axis := len(v.Shape) - 1; axis >= 0; axis-- {
					at += rest % v.Shape[axis] * v.Stride[axis]
					rest /= v.Shape[axis]
				}
				require.Equal(t, float32(list[i].(float64)), values[at], "%s %s %d", name, v.Name, i)
			}
		}
	}
	tensors, err := read(load(t, "caffe2_python2.pkl"))
	require.NoError(t, err)
	require.NotEmpty(t, tensors)
	for _, v := range tensors {
		size := v.ElementSize
		for _, n := range v.Shape {
			size *= n
		}
		require.Len(t, stored(t, load(t, "caffe2_python2.pkl"), v), size, v.Name)
	}
}

// Arrays that contradict themselves are refused, and those of no numbers opaque.
func TestDamagedArraysOfNumPyAreRefused(t *testing.T) {
	array := "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
	kind := func(code string) string {
		return "cnumpy\ndtype\nX" + string([]byte{byte(len(code)), 0, 0, 0}) + code + "\x89\x88\x87R"
	}
	state := func(shape, kind, data string) string { return "(K\x01" + shape + kind + "\x89" + data + "tb" }
	dict := func(v string) []byte { return []byte("\x80\x03}X\x01\x00\x00\x00w" + v + "s.") }

	tensors, err := read(dict(array + state("K\x02\x85", kind("f4"), "C\x0812345678")))
	require.NoError(t, err)
	require.Equal(t, []int{2}, tensors[0].Shape)
	require.Equal(t, Data{Offset: int64(len(dict(array+state("K\x02\x85", kind("f4"), "C\x0812345678")))) - 12, Size: 8, count: 2}, tensors[0].Data)

	for program, rule := range map[string]error{
		array + state("K\x03\x85", kind("f4"), "C\x0812345678"):             ErrSize,
		array + state("J\xff\xff\xff\xff\x85", kind("f4"), "C\x0812345678"): ErrTensor,
		array + state("N", kind("f4"), "C\x0812345678"):                     ErrTensor,
		array + "K\x01b": ErrTensor,
		array + state("J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", kind("f4"), "C\x00"): ErrTensor,
	} {
		_, err := read(dict(program))
		require.ErrorIs(t, err, rule, "%q", program)
	}
	for _, program := range []string{
		array, // no state
		array + state("K\x01\x85", kind("O8"), "]"),
		array + state("K\x01\x85", kind("V8"), "C\x0812345678"),
	} {
		_, err := read(dict(program))
		require.ErrorIs(t, err, ErrNotTorch, "%q", program)
	}
}
