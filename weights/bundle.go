package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/spinemask/spinemask/weights/internal/tfbundle"
)

const indexSuffix = ".index"

var (
	dataFile   = regexp.MustCompile(`\.data-\d{5}-of-\d{5}$`)
	checkpoint = regexp.MustCompile(`(?m)^model_checkpoint_path:\s*"([^"\n]*)"`)
)

// bundlePrefix returns the prefix of the TensorFlow checkpoint that path means: a folder, a prefix, or a file of the
// checkpoint; "" if it means none.
func bundlePrefix(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return bundleIn(path)
	case err != nil && exists(path+indexSuffix):
		return path, nil
	case err != nil:
		if data, _ := filepath.Glob(literal(path) + ".data-?????-of-?????"); len(data) > 0 {
			return "", fmt.Errorf("weights: %s: a TensorFlow checkpoint without its %s", path, filepath.Base(path)+indexSuffix)
		}
		return "", nil
	}
	prefix, ok := strings.CutSuffix(path, indexSuffix)
	if !ok {
		prefix = dataFile.ReplaceAllString(path, "")
	}
	if prefix != path && exists(prefix+indexSuffix) {
		return prefix, nil
	}
	if dataFile.MatchString(path) {
		return "", fmt.Errorf("weights: %s: data of a TensorFlow checkpoint, and %s is not beside it", path, filepath.Base(prefix)+indexSuffix)
	}
	return "", nil
}

// literal is the pattern of a path alone.
func literal(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// named is the checkpoint that a state file names, without its folder: training wrote its own path there, and the files lie beside the state file now.
func named(state []byte) (string, bool) {
	m := checkpoint.FindSubmatch(state)
	if m == nil {
		return "", false
	}
	return filepath.Base(filepath.FromSlash(string(m[1]))), true
}

// ofFinder reports whether macOS made a file, to keep what its file system knows of the file "._" stands before.
func ofFinder(name string) bool {
	return strings.HasPrefix(filepath.Base(filepath.FromSlash(name)), "._")
}

// bundleIn finds the checkpoint of a folder: the one that its file "checkpoint" names, else the only one.
func bundleIn(dir string) (string, error) {
	if state, err := os.ReadFile(filepath.Join(dir, "checkpoint")); err == nil {
		if name, ok := named(state); ok && exists(filepath.Join(dir, name+indexSuffix)) {
			return filepath.Join(dir, name), nil
		}
	}
	found, err := filepath.Glob(filepath.Join(literal(dir), "*"+indexSuffix))
	if err != nil {
		return "", fmt.Errorf("weights: %s: %w", dir, err)
	}
	found = slices.DeleteFunc(found, ofFinder)
	if k, ok := folderKind(dir); ok && len(found) == 0 {
		return "", k.error(dir, nil)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("weights: %s: %d checkpoints (*.index) in the folder, want one; name its prefix", dir, len(found))
	}
	return strings.TrimSuffix(found[0], indexSuffix), nil
}

// readBundle opens PREFIX.index and its data files.
func readBundle(prefix string) (*contents, error) {
	index, err := openBlob(prefix + indexSuffix)
	if err != nil {
		return nil, err
	}
	c := &contents{blobs: []*blob{index}}
	x, err := tfbundle.ReadIndex(index.reader, index.size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("weights: %s: %w", prefix+indexSuffix, err), c.close())
	}
	for i := range x.Shards {
		b, err := openBlob(fmt.Sprintf("%s.data-%05d-of-%05d", prefix, i, x.Shards))
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.blobs = append(c.blobs, b)
	}
	if err := c.bundle(x, c.blobs[1:]); err != nil {
		return nil, errors.Join(fmt.Errorf("weights: %s: %w", prefix, err), c.close())
	}
	return c, nil
}

// tfObjectGraph is the tensor of an object-based checkpoint that describes the objects.
const tfObjectGraph = "_CHECKPOINTABLE_OBJECT_GRAPH"

// bundle adds the tensors of an index whose shards are given.
func (c *contents) bundle(x *tfbundle.Index, shards []*blob) error {
	c.format = "TensorFlow checkpoint"
	for _, e := range x.Entries {
		if size := shards[e.Shard].size; e.Offset+e.Size > size {
			return fmt.Errorf("%s: bytes %d to %d of shard %d, which has %d", e.Name, e.Offset, e.Offset+e.Size, e.Shard, size)
		}
	}
	names, err := fullNames(x, shards)
	if err != nil {
		return err
	}
	for _, e := range x.Entries {
		t := Tensor{Name: e.Name, Shape: e.Shape, alias: names[e.Name], dtype: tfType(e.DType), stored: shards[e.Shard].part(e.Offset, e.Size)}
		if e.DType != tfbundle.String { // whose checksum is of another form of the data
			t.stored.check = crc32c(t.stored, e.CRC)
		}
		c.tensors = append(c.tensors, t)
	}
	return nil
}

// fullNames reads the names of variables beside the keys of an object-based checkpoint; a name-based one has none.
func fullNames(x *tfbundle.Index, shards []*blob) (map[string]string, error) {
	for _, e := range x.Entries {
		if e.Name != tfObjectGraph {
			continue
		}
		text := make([]byte, e.Size)
		if _, err := shards[e.Shard].reader.ReadAt(text, e.Offset); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		graph, err := e.Text(text)
		if err != nil {
			return nil, err
		}
		return tfbundle.FullNames(graph)
	}
	return nil, nil
}

// crc32c returns a check of stored bytes against their masked CRC-32C.
func crc32c(s storage, want uint32) func() error {
	return sync.OnceValue(func() error {
		crc := uint32(0)
		err := Tensor{stored: s}.chunks(func(_ int64, b []byte) error {
			crc = tfbundle.Update(crc, b)
			return nil
		})
		if got := tfbundle.Masked(crc); err == nil && got != want {
			err = fmt.Errorf("%w: %#x, stored %#x (%d bytes at byte %d)", tfbundle.ErrChecksum, got, want, s.size, s.offset)
		}
		return err
	})
}

func tfType(d tfbundle.DType) dtype.Type {
	switch d {
	case tfbundle.Float:
		return dtype.F32
	case tfbundle.Double:
		return dtype.F64
	case tfbundle.Half:
		return dtype.F16
	case tfbundle.BFloat16:
		return dtype.BF16
	case tfbundle.Int64:
		return dtype.I64
	}
	return dtype.Type(fmt.Sprintf("TensorFlow type %d", d))
}
