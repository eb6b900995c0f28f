package weights

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spinemask/spinemask/weights/internal/pytorch"
	"github.com/spinemask/spinemask/weights/internal/safetensors"
)

// Open opens the weights at path, which may be
//
//   - a safetensors file, or several: their index (model.safetensors.index.json), its folder, or one of the files beside it,
//   - a TensorFlow checkpoint: its folder, its prefix or one of its files, or the .tar.gz or .tar of them,
//   - a PyTorch checkpoint, in the zip format or the old one; nothing in it is executed.
//
// What it is is told by content, not by name, and so is whose names the tensors have. The error for a file of a kind that
// is not read is a [*FormatError]. The caller closes the file; tensors
// must not be used after that.
func Open(path string) (*File, error) {
	path, c, err := read(path)
	if err != nil {
		return nil, err
	}
	c.lists = append(c.lists, labelsBeside(path)...)
	f, err := c.file(path, newFile)
	if err != nil || f.system != Detectron2 {
		return f, err
	}
	options, lists, err := detectron2Beside(path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.detectron2 = options
	f.lists = append(f.lists, lists...)
	return f, nil
}

// OpenRaw opens what Open does, but tensors keep the names that they have: for arrays that are not a model.
func OpenRaw(path string) (*File, error) {
	path, c, err := read(path)
	if err != nil {
		return nil, err
	}
	return c.file(path, rawFile)
}

// Load opens a single file of weights in the size bytes behind r, which must stay readable until the file is closed. The
// name stands in errors.
func Load(name string, r io.ReaderAt, size int64) (*File, error) {
	c, err := readBlob(name, &blob{reader: r, size: size, hashed: r, shut: func() error { return nil }})
	if err != nil {
		return nil, err
	}
	return c.file(name, newFile)
}

// file makes a file of the contents, or closes them.
func (c *contents) file(name string, make func(string, *contents) (*File, error)) (*File, error) {
	f, err := make(name, c)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return f, nil
}

// read opens what lies at path. It returns the path of the index where that is of several safetensors files.
func read(path string) (string, *contents, error) {
	index, err := shardIndex(path)
	if err != nil {
		return "", nil, err
	}
	if index != "" {
		path = index
	} else if prefix, err := bundlePrefix(path); prefix != "" || err != nil {
		if err != nil {
			return "", nil, err
		}
		c, err := readBundle(prefix)
		return path, c, err
	}
	b, err := openBlob(path)
	if err != nil {
		return "", nil, err
	}
	reader := readBlob
	if isShardIndex(b) {
		reader = readSharded
	}
	c, err := reader(path, b)
	if err != nil {
		return "", nil, errors.Join(err, b.close())
	}
	return path, c, nil
}

// readBlob reads a file of any format.
func readBlob(name string, b *blob) (*contents, error) {
	c, err := readFormat(name, b)
	if err != nil {
		return nil, cut(name, err)
	}
	return c, nil
}

// readFormat tells the format of a file by its first bytes and reads it.
func readFormat(name string, b *blob) (*contents, error) {
	if b.size == 0 {
		return nil, kindEmpty.error(name, nil)
	}
	if base := filepath.Base(name); base == ".metadata" || filepath.Ext(base) == ".distcp" { // pickles and archives of torch.save, too
		return nil, kindDCP.error(name, nil)
	}
	head := make([]byte, min(foreignBytes, b.size))
	if n, err := b.reader.ReadAt(head, 0); err != nil && (err != io.EOF || n < len(head)) {
		return nil, fmt.Errorf("weights: %s: %w", name, err)
	}
	n := len(head)
	switch {
	case n >= 2 && head[0] == 0x1f && head[1] == 0x8b, n > 262 && string(head[257:262]) == "ustar":
		return readArchive(name, b)
	case n >= 9 && head[8] == '{' && !isText(head[:8]):
		return readSafetensors(name, b)
	case n >= 4 && string(head[:4]) == "PK\x03\x04":
		c, err := readPyTorch(name, b)
		if errors.Is(err, pytorch.ErrNotTorch) || errors.Is(err, zip.ErrFormat) {
			if k, ok := zipKind(b); ok {
				return nil, k.error(name, nil)
			}
		}
		return c, err
	case n >= 2 && head[0] == 0x80 && head[1] <= 5:
		c, err := readPyTorch(name, b)
		if k, ok := pickleKind(err); ok {
			return nil, k.error(name, nil)
		}
		return c, err
	}
	return nil, foreign(name, head)
}

var errFormat = errors.New("neither safetensors nor a TensorFlow or PyTorch checkpoint")

func readSafetensors(name string, b *blob) (*contents, error) {
	h, err := safetensors.Read(b.reader, b.size)
	if err != nil {
		return nil, fmt.Errorf("weights: %s: %w", name, err)
	}
	c := &contents{format: "safetensors", metadata: h.Metadata, lists: labelsIn(h.Metadata), blobs: []*blob{b}}
	for _, e := range h.Entries {
		c.tensors = append(c.tensors, Tensor{Name: e.Name, Shape: e.Shape, dtype: e.Type, stored: b.part(e.Begin, e.End-e.Begin)})
	}
	return c, nil
}

// exists reports whether a regular file lies at path.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
