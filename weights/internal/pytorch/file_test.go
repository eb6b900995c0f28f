package pytorch

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

func load(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

func read(b []byte) ([]Tensor, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// values gathers the elements of a tensor, row-major.
func values(t *testing.T, file []byte, v Tensor) []float64 {
	data := file[v.Data.Offset : v.Data.Offset+v.Data.Size]
	out := []float64{}
	var visit func(axis, at int)
	visit = func(axis, at int) {
		if axis < len(v.Shape) {
			for i := range v.Shape[axis] {
				visit(axis+1, at+i*v.Stride[axis])
			}
			return
		}
		b := data[at*v.ElementSize : (at+1)*v.ElementSize]
		if v.DType == "I64" {
			out = append(out, float64(int64(binary.LittleEndian.Uint64(b))))
			return
		}
		var f [1]float32
		dtype.Type(v.DType).Float32(f[:], b)
		out = append(out, float64(f[0]))
	}
	visit(0, v.Offset)
	return out
}

// TestReadsWhatPyTorchWrote compares every tensor with what PyTorch itself reads.
func TestReadsWhatPyTorchWrote(t *testing.T) {
	var want struct {
		Tensors []struct {
			Name, DType   string
			Shape, Stride []int
			Offset        int `json:"storage_offset"`
			Values        []any
		}
	}
	require.NoError(t, json.Unmarshal(load(t, "tiny.json"), &want))
	types := map[string]string{"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth", "tiny_bare_state_dict_zip.pth"} {
		file := load(t, name)
		got, err := read(file)
		require.NoError(t, err, name)
		i := 0
		for _, w := range want.Tensors {
			if strings.Contains(name, "bare") {
				var ok bool
				if w.Name, ok = strings.CutPrefix(w.Name, "model/"); !ok {
					continue
				}
			}
			g := got[i]
			i++
			require.Equal(t, []any{w.Name, types[w.DType], w.Shape, w.Stride, w.Offset}, []any{g.Name, g.DType, g.Shape, g.Stride, g.Offset}, name)
			v := values(t, file, g)
			require.Len(t, v, len(w.Values), w.Name)
			for k, x := range w.Values {
				f, ok := x.(float64)
				if !ok { // infinities are written as text
					f, err = strconv.ParseFloat(x.(string), 64)
					require.NoError(t, err)
				}
				require.Equal(t, f, v[k], "%s: %s[%d]", name, w.Name, k)
				require.Equal(t, math.Signbit(f), math.Signbit(v[k]))
			}
		}
		require.Equal(t, len(got), i)
	}
}

func TestHostileFilesAreRefusedByName(t *testing.T) {
	for _, name := range []string{"hostile_zip.pth", "hostile_legacy.pth"} {
		_, err := read(load(t, name))
		require.ErrorIs(t, err, ErrGlobal, name)
		require.ErrorContains(t, err, `"posix.system"`)
	}
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	_, err := read(load(t, "truncated_zip.pth"))
	require.ErrorIs(t, err, ErrArchive)
	_, err = read(load(t, "truncated_legacy.pth"))
	require.ErrorIs(t, err, ErrTruncated)
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth"} {
		file := load(t, name)
		for n := 0; n < len(file); n += 7 {
			_, err := read(file[:n])
			require.Error(t, err, "%s cut to %d bytes", name, n)
		}
	}
}

// seeds are whole files for the fuzz targets.
func seeds(f *testing.F) {
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth", "hostile_zip.pth", "hostile_legacy.pth"} {
		f.Add(load(f, name))
	}
}

func FuzzRead(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, err := read(b)
		if err != nil {
			return
		}
		for _, v := range tensors {
			if v.Data.Offset < 0 || v.Data.Size < 0 || v.Data.Offset+v.Data.Size > int64(len(b)) {
				t.Fatalf("%s lies outside the file: %+v", v.Name, v.Data)
			}
			last, n := v.Offset, 1
			for i, d := range v.Shape {
				last += max(d-1, 0) * v.Stride[i]
				n *= d
			}
			if n > len(b) || n > 0 && int64((last+1)*v.ElementSize) > v.Data.Size {
				t.Fatalf("%s reaches beyond its storage: %+v", v.Name, v)
			}
		}
	})
}
