package weights

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spinemask/spinemask/weights/internal/safetensors"
)

// Large models are written as several safetensors files and an index of them (huggingface_hub, serialization/_torch.py): model.safetensors.index.json beside
// model-00001-of-00002.safetensors and so on.

const shardIndexSuffix = ".safetensors.index.json"

var (
	shardName = regexp.MustCompile(`^(.+)-\d{5}-of-(\d{5})\.safetensors$`)
	weightMap = []byte(`"weight_map"`)
)

// shardIndex returns the index of the safetensors files that path means, which is a folder with an index, or one of the files beside its index; "" if it means none.
func shardIndex(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil // whoever opens it says so
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return "", fmt.Errorf("weights: %w", err)
		}
		index := ""
		for _, e := range entries {
			switch name := e.Name(); {
			case filepath.Ext(name) == indexSuffix:
				return "", nil // of TensorFlow
			case len(name) <= len(shardIndexSuffix) || name[len(name)-len(shardIndexSuffix):] != shardIndexSuffix:
			case index != "":
				return "", fmt.Errorf("weights: %s: two indices of safetensors files, %s and %s; name one", path, index, name)
			default:
				index = name
			}
		}
		if index == "" {
			return "", nil
		}
		return filepath.Join(path, index), nil
	}
	m := shardName.FindStringSubmatch(filepath.Base(path))
	if m == nil || m[2] == "00001" {
		return "", nil
	}
	index := filepath.Join(filepath.Dir(path), m[1]+shardIndexSuffix)
	if !exists(index) {
		return "", kind{"one of several safetensors files of a model, without their index", fmt.Sprintf("put %s and the other files beside it", filepath.Base(index))}.error(path, nil)
	}
	return index, nil
}

// isShardIndex reports whether a file begins as an index of several files does.
func isShardIndex(b *blob) bool {
	head := make([]byte, min(foreignBytes, b.size))
	n, err := b.reader.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\ufeff")), " \t\r\n")
	return len(head) > 0 && head[0] == '{' && bytes.Contains(head, weightMap)
}

// readSharded reads the files of an index, which lie beside it. The contents own the blobs, that of the index, too.
func readSharded(path string, index *blob) (*contents, error) {
	if index.size > safetensors.MaxIndex {
		return nil, fmt.Errorf("weights: %s: an index of %d bytes, at most %d", path, index.size, safetensors.MaxIndex)
	}
	text := make([]byte, index.size)
	if _, err := index.reader.ReadAt(text, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("weights: %s: %w", path, err)
	}
	x, err := safetensors.ReadIndex(string(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", path, err)
	}
	if ext := filepath.Ext(x.Shards[0]); ext != ".safetensors" {
		return nil, kindTorchShards.error(path, nil)
	}
	c := &contents{metadata: map[string]string{}}
	fail := func(shard string, err error) (*contents, error) {
		return nil, errors.Join(cut(path, fmt.Errorf("weights: %s: %s: %w", path, shard, err)), c.close())
	}
	total := int64(0)
	for i, name := range x.Shards {
		b, err := openBlob(filepath.Join(filepath.Dir(path), name))
		if errors.Is(err, fs.ErrNotExist) {
			return fail(name, errMissingShard)
		}
		if err != nil {
			return fail(name, err)
		}
		c.blobs = append(c.blobs, b)
		if err := c.shard(x, i, b, &total); err != nil {
			return fail(name, err)
		}
	}
	if len(c.tensors) != len(x.Shard) {
		return fail(missingIn(x, c.tensors))
	}
	if x.Total >= 0 && x.Total != total {
		return fail("metadata", fmt.Errorf("total_size is %d, the tensors have %d bytes", x.Total, total))
	}
	c.format = fmt.Sprintf("safetensors in %d files", len(x.Shards))
	c.lists = labelsIn(c.metadata)
	c.blobs = append([]*blob{index}, c.blobs...)
	return c, nil
}

var (
	errMissingShard = errors.New("the file is not beside the index")
	errNotInShard   = errors.New("has no tensor of a name that the index says is in it")
)

// missingIn returns the first tensor of the index that is in none of the files, and the file that should have it.
func missingIn(x *safetensors.Index, tensors []Tensor) (shard string, err error) {
	found := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		found[t.Name] = true
	}
	for _, name := range sortedKeys(x.Shard) {
		if !found[name] {
			return x.Shards[x.Shard[name]], fmt.Errorf("%w: %.128q", errNotInShard, name)
		}
	}
	return "", nil
}

// shard adds the tensors of a file of the index.
func (c *contents) shard(x *safetensors.Index, i int, b *blob, total *int64) error {
	h, err := safetensors.Read(b.reader, b.size)
	if err != nil {
		return err
	}
	for _, e := range h.Entries {
		if in, ok := x.Shard[e.Name]; !ok || in != i {
			return fmt.Errorf("has the tensor %.128q, which the index does not say", e.Name)
		}
		*total += e.End - e.Begin
		c.tensors = append(c.tensors, Tensor{Name: e.Name, Shape: e.Shape, dtype: e.Type, stored: b.part(e.Begin, e.End-e.Begin)})
	}
	for key, value := range h.Metadata {
		if _, ok := c.metadata[key]; !ok {
			c.metadata[key] = value
		}
	}
	return nil
}
