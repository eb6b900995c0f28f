// Package testutil reads the outputs of the original systems that tests compare with.
package testutil

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tensor is an array of a fixture; integers and float64 are converted.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Tensors are the arrays of a safetensors file by name.
type Tensors map[string]Tensor

// Get is the tensor called name, which must be there.
func (ts Tensors) Get(t testing.TB, name string) Tensor {
	x, ok := ts[name]
	require.True(t, ok, "no tensor %q", name)
	return x
}

// Load reads a safetensors file of floats and integers.
func Load(t testing.TB, path string) Tensors {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	n := binary.LittleEndian.Uint64(data)
	var header map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data[8:8+n], &header))
	delete(header, "__metadata__")
	ts := Tensors{}
	for name, raw := range header {
		var h struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		require.NoError(t, json.Unmarshal(raw, &h))
		ts[name] = Tensor{h.Shape, values(t, h.DType, data[8+n:][h.Offsets[0]:h.Offsets[1]])}
	}
	return ts
}

func values(t testing.TB, dtype string, data []byte) []float32 {
	size := map[string]int{"F32": 4, "F64": 8, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "U8": 1}[dtype]
	require.NotZero(t, size, "dtype %s", dtype)
	out := make([]float32, len(data)/size)
	for i := range out {
		switch b := data[i*size:]; dtype {
		case "F32":
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		case "F64":
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case "I8":
			out[i] = float32(int8(b[0]))
		case "I16":
			out[i] = float32(int16(binary.LittleEndian.Uint16(b)))
		case "I32":
			out[i] = float32(int32(binary.LittleEndian.Uint32(b)))
		case "I64":
			out[i] = float32(int64(binary.LittleEndian.Uint64(b)))
		case "U8":
			out[i] = float32(b[0])
		}
	}
	return out
}

// Shared is a path below the folder that SPINEMASK_SHARED names; without that variable the test is skipped.
func Shared(t testing.TB, elem ...string) string {
	root := os.Getenv("SPINEMASK_SHARED")
	if root == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// RequireClose fails unless got and want have the same length and differ by at most tolerance times the largest absolute value of want.
func RequireClose(t testing.TB, want, got []float32, tolerance float64, message ...any) {
	t.Helper()
	require.Len(t, got, len(want), message...)
	var largest, diff float64
	at := 0
	for i, w := range want {
		largest = max(largest, math.Abs(float64(w)))
		if d := math.Abs(float64(got[i] - w)); !(d <= diff) {
			diff, at = d, i
		}
	}
	if !(diff <= tolerance*largest) {
		require.Fail(t, "too far", "element %d: %g, want %g: difference %g, allowed %g·%g; %v", at, got[at], want[at], diff, tolerance, largest, message)
	}
}

// RelRMS is the root mean square of the difference over that of want.
func RelRMS(want, got []float32) float64 {
	var d, w float64
	for i := range want {
		d += float64(got[i]-want[i]) * float64(got[i]-want[i])
		w += float64(want[i]) * float64(want[i])
	}
	return math.Sqrt(d / w)
}

// A Case is one call of a function of an original system, of a fixture that has
// NAME.json beside NAME.safetensors.
type Case struct {
	Op, Name, Note string
	Args           json.RawMessage
	tensors        Tensors
}

// Cases reads the cases of a fixture.
func Cases(t testing.TB, folder, name string) []Case {
	data, err := os.ReadFile(filepath.Join(folder, name+".json"))
	require.NoError(t, err)
	var file struct{ Cases []Case }
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	tensors := Load(t, filepath.Join(folder, name+".safetensors"))
	for i := range file.Cases {
		file.Cases[i].tensors = tensors
	}
	return file.Cases
}

// In is an input of the call, Out what it gave.
func (c *Case) In(t testing.TB, name string) Tensor  { return c.tensors.Get(t, c.Name+".in."+name) }
func (c *Case) Out(t testing.TB, name string) Tensor { return c.tensors.Get(t, c.Name+".out."+name) }

// Levels are the inputs called name with a level's number, from level 3 on.
func (c *Case) Levels(name string) (list []Tensor) {
	for level := 3; ; level++ {
		x, ok := c.tensors[fmt.Sprintf("%s.in.%s_%d", c.Name, name, level)]
		if !ok {
			return list
		}
		list = append(list, x)
	}
}

// Ints converts integers.
func (x Tensor) Ints() []int {
	out := make([]int, len(x.Data))
	for i, v := range x.Data {
		out[i] = int(v)
	}
	return out
}
