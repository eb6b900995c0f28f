package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shardedFolder writes a network of Detectron2 as three safetensors files and their index, as huggingface_hub does.
func shardedFolder(t testing.TB) string {
	f, err := OpenRaw("testdata/detectron2_tiny.pkl")
	require.NoError(t, err)
	defer f.Close()
	folder := t.TempDir()
	weightMap := map[string]string{}
	total := int64(0)
	const shards = 3
	for i := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, shards)
		var part []Tensor
		for j, v := range f.tensors {
			if j*shards/len(f.tensors) != i {
				continue
			}
			v.Name = strings.TrimPrefix(v.Name, "model/")
			part = append(part, v)
			weightMap[v.Name] = name
			total += int64(v.Len() * v.dtype.Size())
		}
		var b bytes.Buffer
		require.NoError(t, write(&b, part, map[string]string{"format": "pt"}))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o644))
	}
	writeIndex(t, folder, map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap})
	return folder
}

func writeIndex(t testing.TB, folder string, index map[string]any) {
	text, err := json.MarshalIndent(index, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "model.safetensors.index.json"), text, 0o644))
}

func TestSeveralSafetensorsFilesAreOneModel(t *testing.T) {
	want, err := Open("testdata/detectron2_tiny.pkl")
	require.NoError(t, err)
	defer want.Close()
	folder := shardedFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), []byte(`{"id2label": {"0": "a", "1": "b"}}`), 0o644))
	hash := ""
	for _, path := range []string{"", "model.safetensors.index.json", "model-00002-of-00003.safetensors"} {
		f, err := Open(filepath.Join(folder, path))
		require.NoError(t, err, path)
		require.Equal(t, "safetensors in 3 files", f.Report().Format)
		require.Equal(t, want.Names(), f.Names())
		for _, name := range want.Names() {
			a, _ := want.Tensor(name)
			b, _ := f.Tensor(name)
			x, err := a.Float32(nil)
			require.NoError(t, err)
			y, err := b.Float32(nil)
			require.NoError(t, err)
			require.Equal(t, x, y, name)
		}
		require.Equal(t, []nameList{{"id2label of config.json", []string{"a", "b"}}}, f.lists)
		sum, err := f.SHA256()
		require.NoError(t, err)
		require.True(t, hash == "" || hash == sum)
		hash = sum
		require.NoError(t, f.Close())
	}
	raw, err := OpenRaw(folder)
	require.NoError(t, err)
	require.Contains(t, raw.Names(), "backbone.fpn_lateral2.weight")
	require.NoError(t, raw.Close())
}

func TestIncompleteSeveralFilesAreRefused(t *testing.T) {
	const index, first, last = "model.safetensors.index.json", "model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"
	change := func(t *testing.T, folder string, with func(top, weightMap map[string]any)) {
		text, err := os.ReadFile(filepath.Join(folder, index))
		require.NoError(t, err)
		top := map[string]any{}
		require.NoError(t, json.Unmarshal(text, &top))
		with(top, top["weight_map"].(map[string]any))
		writeIndex(t, folder, top)
	}
	for _, c := range []struct {
		what   string
		damage func(t *testing.T, folder string)
	}{
		{index + ": " + last + ": the file is not beside the index", func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, last)))
		}},
		{index + ": " + last + `: has no tensor of a name that the index says is in it: "zebra"`, func(t *testing.T, folder string) {
			change(t, folder, func(_, m map[string]any) { m["zebra"] = last })
		}},
		{index + ": " + first + `: has the tensor "backbone.bottom_up.res2.0.conv1.norm.bias", which the index does not say`, func(t *testing.T, folder string) {
			change(t, folder, func(_, m map[string]any) { delete(m, "backbone.bottom_up.res2.0.conv1.norm.bias") })
		}},
		{index + ": " + first + `: has the tensor "backbone.bottom_up.res2.0.conv1.norm.bias", which the index does not say`, func(t *testing.T, folder string) {
			change(t, folder, func(_, m map[string]any) { m["backbone.bottom_up.res2.0.conv1.norm.bias"] = last })
		}},
		{index + ": metadata: total_size is 7, the tensors have ", func(t *testing.T, folder string) {
			change(t, folder, func(top, _ map[string]any) { top["metadata"] = map[string]any{"total_size": 7} })
		}},
		{index + `: safetensors: index byte `, func(t *testing.T, folder string) {
			change(t, folder, func(_, m map[string]any) { m["zebra"] = "../" + last })
		}},
		{index + ": model-00002-of-00003.safetensors: safetensors: backbone.bottom_up.res4.5.conv3.weight: data reaches beyond the end of the file", func(t *testing.T, folder string) {
			name := filepath.Join(folder, "model-00002-of-00003.safetensors")
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, b[:len(b)-2], 0o644))
		}},
		{index + ": a checkpoint in several files of PyTorch, which is not read", func(t *testing.T, folder string) {
			writeIndex(t, folder, map[string]any{"weight_map": map[string]any{"a": "pytorch_model-00001-of-00001.bin"}})
		}},
	} {
		folder := shardedFolder(t)
		c.damage(t, folder)
		_, err := Open(filepath.Join(folder, first))
		require.ErrorContains(t, err, c.what)
		require.NotContains(t, err.Error(), "\n")
	}

	folder := shardedFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "other.safetensors.index.json"), []byte("{}"), 0o644))
	_, err := Open(folder)
	require.ErrorContains(t, err, "two indices of safetensors files, model.safetensors.index.json and other.safetensors.index.json")
	require.NoError(t, os.Remove(filepath.Join(folder, index)))
	_, err = Open(filepath.Join(folder, first))
	require.ErrorContains(t, err, "one of several safetensors files of a model, without their index")
}
