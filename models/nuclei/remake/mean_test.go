package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/weights"
)

// The mean of a model and of one with other weights is that of each number.
func TestMean(t *testing.T) {
	const first = "../nuclei.safetensors"
	f, err := weights.Open(first)
	require.NoError(t, err)
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	var p weights.Provenance
	require.NoError(t, json.Unmarshal([]byte(f.Metadata()["provenance"]), &p))
	var list []weights.Tensor
	want := map[string][]float32{}
	for _, name := range f.Names() {
		tensor, _ := f.Tensor(name)
		values, err := tensor.Float32(nil)
		require.NoError(t, err)
		others := make([]float32, len(values)) // values may be those of the file
		want[name] = make([]float32, len(values))
		for i, v := range values {
			others[i] = float32(i % 7)
			want[name][i] = float32((float64(v) + float64(others[i])) / 2)
		}
		list = append(list, weights.NewTensor(name, tensor.Shape, others))
	}
	other, err := weights.FromTensors("other", list, nil)
	require.NoError(t, err)
	write := func(name, data string) string {
		var b bytes.Buffer
		require.NoError(t, weights.Convert(&b, other, c, weights.Provenance{Source: "b", SHA256: data, System: weights.Native}))
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
		return path
	}
	var b bytes.Buffer
	require.NoError(t, mean(&b, []string{first, write("b.safetensors", p.SHA256)}))
	m, err := weights.Load("mean", bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	require.Equal(t, f.Names(), m.Names())
	for _, name := range f.Names() {
		tensor, _ := m.Tensor(name)
		got, err := tensor.Float32(nil)
		require.NoError(t, err)
		require.Equal(t, want[name], got, name)
	}

	require.ErrorContains(t, mean(&b, []string{first, write("c.safetensors", "other data")}), "are of different data")
	require.EqualError(t, mean(&b, []string{first}), "a mean is of two files at least")
}
