package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// sample has an odd number of halves, so that what follows them in a careless file would not be aligned.
func sample(t *testing.T) *File {
	half := Tensor{Name: "half", Shape: []int{3}, dtype: dtype.F16, stored: storage{memory: []byte{0, 0x3c, 0, 0xc0, 1, 0}, size: 6}}
	f, err := FromTensors("sample", []Tensor{half,
		NewTensor("b/kernel", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
		NewTensor("a", nil, []float32{7}),
		NewTensor("empty", []int{0, 4}, nil),
	}, nil)
	require.NoError(t, err)
	return f
}

func TestNativeFileReadsBack(t *testing.T) {
	var out bytes.Buffer
	meta := map[string]string{"config": "{}", "provenance": "test"}
	require.NoError(t, write(&out, sample(t).tensors, meta))
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o644))
	mapped, err := Open(path)
	require.NoError(t, err)
	loaded, err := Load("m", bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	for _, f := range []*File{mapped, loaded} {
		require.Equal(t, meta, f.Metadata())
		require.Equal(t, []string{"a", "b/kernel", "empty", "half"}, f.Names())
		for name, want := range map[string][]float32{"a": {7}, "b/kernel": {1, 2, 3, 4, 5, 6}, "half": {1, -2, 0x1p-24}, "empty": {}} {
			tensor, ok := f.Tensor(name)
			require.True(t, ok, name)
			got, err := tensor.Float32(nil)
			require.NoError(t, err)
			require.Equal(t, len(want), len(got), name)
			dst := make([]float32, len(want)+1)
			into, err := tensor.Float32(dst)
			require.NoError(t, err)
			require.Equal(t, len(want), len(into), name)
			for i := range want {
				require.Equal(t, want[i], got[i], name)
				require.Equal(t, want[i], into[i], name)
			}
			if len(want) > 0 {
				_, err = tensor.Float32(dst[:len(want)-1])
				require.ErrorContains(t, err, "room for")
				require.Same(t, &dst[0], &into[0])
			}
		}
		_, ok := f.Tensor("c")
		require.False(t, ok)
		sum, err := f.SHA256()
		require.NoError(t, err)
		want := sha256.Sum256(out.Bytes())
		require.Equal(t, hex.EncodeToString(want[:]), sum)
		require.NoError(t, f.Close())
		require.NoError(t, f.Close(), "closing twice is harmless")
	}
}

// TestReleaseAndUnload: released values can be read again, an unloaded file can still be hashed.
func TestReleaseAndUnload(t *testing.T) {
	values := make([]float32, 1<<16)
	for i := range values {
		values[i] = float32(i)
	}
	f, err := FromTensors("sample", []Tensor{NewTensor("x", []int{len(values)}, values)}, nil)
	require.NoError(t, err)
	f.released.Store(releaseBytes - 1)
	f.Release("x")
	require.Equal(t, float32(5), values[5], "memory of the caller's stays as it is")
	var out bytes.Buffer
	require.NoError(t, write(&out, f.tensors, nil))
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o644))
	f, err = Open(path)
	require.NoError(t, err)
	x, _ := f.Tensor("x")
	got, err := x.Float32(nil)
	require.NoError(t, err)
	f.Release("x")
	require.Equal(t, int64(4*len(values)), f.released.Load(), "not enough yet")
	f.released.Store(releaseBytes)
	f.Release("x")
	require.Zero(t, f.released.Load())
	require.True(t, slices.Equal(values, got))
	require.NoError(t, f.Unload())
	require.NoError(t, os.Remove(path))
	sum, err := f.SHA256()
	require.NoError(t, err)
	want := sha256.Sum256(out.Bytes())
	require.Equal(t, hex.EncodeToString(want[:]), sum)
	require.NoError(t, f.Close())
}

func TestMappedFloatsAreNotCopied(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, write(&out, sample(t).tensors, nil))
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o644))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	tensor, _ := f.Tensor("b/kernel")
	require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = tensor.Float32(nil) }))
}

func TestOpenNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken")
	for _, content := range []string{"", "12345678", "\x02\x00\x00\x00\x00\x00\x00\x00[]"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		_, err := Open(path)
		require.ErrorContains(t, err, path)
	}
	_, err := Open(path + "-missing")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestReadErrorsNameTensorAndByte cuts the source after the header was read.
func TestReadErrorsNameTensorAndByte(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, write(&out, sample(t).tensors, nil))
	f, err := Load("m", bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	f.tensors[1].stored.reader = bytes.NewReader(out.Bytes()[:out.Len()-10])
	tensor, _ := f.Tensor("b/kernel")
	_, err = tensor.Float32(nil)
	require.ErrorContains(t, err, "b/kernel: 24 bytes at byte")
}

func TestCheckListsEverything(t *testing.T) {
	nan := float32(math.NaN())
	f, err := FromTensors("m", []Tensor{
		NewTensor("right", []int{2}, []float32{1, 2}),
		NewTensor("turned", []int{2, 3}, make([]float32, 6)),
		NewTensor("left over", []int{1}, make([]float32, 1)),
		NewTensor("nan", []int{3}, []float32{1, nan, 1}),
		NewTensor("inf", []int{1}, []float32{float32(math.Inf(-1))}),
		{Name: "step", dtype: dtype.I64, stored: storage{memory: make([]byte, 8), size: 8}},
	}, nil)
	require.NoError(t, err)
	want := []Want{{"right", []int{2}}, {"turned", []int{3, 2}}, {"nan", []int{3}}, {"inf", []int{1}}, {"gone", []int{4, 5}}, {"step", nil}}
	err = Check(f, want)
	var le *LoadError
	require.ErrorAs(t, err, &le)
	require.Equal(t, []string{
		"gone: missing, want shape [4 5]",
		"inf: holds NaN or infinite values",
		"left over: unexpected, shape [1]",
		"nan: holds NaN or infinite values",
		"step: element type I64, want F32, F16, BF16 or F64",
		"turned: shape [2 3], want [3 2]",
	}, le.Problems)
	require.True(t, strings.HasPrefix(err.Error(), "weights: m: 6 problems:\n  gone: "))
	good, err := FromTensors("m", f.tensors[3:4], nil)
	require.NoError(t, err)
	require.Equal(t, "right", good.Names()[0])
	require.NoError(t, Check(good, []Want{{"right", []int{2}}}))
}

func TestFromTensorsRefusesTwins(t *testing.T) {
	_, err := FromTensors("m", []Tensor{NewTensor("a", nil, []float32{1}), NewTensor("a", nil, []float32{1})}, nil)
	require.ErrorContains(t, err, `two tensors are named "a"`)
}

// Every type of floats in every kind of file has the values that its own program reads.
func TestEveryTypeOfFloatsIsExact(t *testing.T) {
	text, err := os.ReadFile("testdata/types.json")
	require.NoError(t, err)
	var golden map[string]map[string][]string // program, tensor, bits of its values as float32
	require.NoError(t, json.Unmarshal(text, &golden))
	types := map[string]string{"half": "F16", "bfloat16": "BF16", "float": "F32", "double": "F64"}
	for file, program := range map[string]string{
		"types.index": "TensorFlow", "types.pth": "PyTorch", "types_old.pth": "PyTorch", "types.safetensors": "PyTorch", "types.pkl": "PyTorch",
	} {
		f, err := OpenRaw("testdata/" + file)
		require.NoError(t, err, file)
		n := 0
		for _, name := range f.Names() {
			v, _ := f.Tensor(name)
			name = path.Base(name)
			require.Equal(t, types[name], v.DType(), "%s %s", file, name)
			values, err := v.Float32(nil)
			require.NoError(t, err)
			var bits []string
			for _, x := range values {
				bits = append(bits, fmt.Sprintf("%#x", math.Float32bits(x)))
			}
			require.Equal(t, golden[program][name], bits, "%s %s", file, name)
			n++
		}
		require.Equal(t, map[string]int{"types.pkl": 3}[file], n%4, "%s: NumPy has no bfloat16", file)
		require.NoError(t, f.Close())
	}
}
