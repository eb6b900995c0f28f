package pytorch

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// readZip reads the format of PyTorch 1.6: a zip archive of NAME/data.pkl and, uncompressed, NAME/data/KEY for each
// storage (torch/serialization.py, caffe2/serialize/inline_container.h).
func readZip(r io.ReaderAt, size int64) (any, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("pytorch: %w: %w", ErrArchive, err)
	}
	files := map[string]*zip.File{}
	prefix := ""
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) || f.Mode()&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("pytorch: %w: entry %.64q lies outside the archive", ErrArchive, f.Name)
		}
		if files[f.Name] != nil {
			return nil, fmt.Errorf("pytorch: %w: two entries are named %q", ErrArchive, f.Name)
		}
		files[f.Name] = f
		if p, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && strings.Count(p, "/") <= 1 {
			prefix = p
		}
	}
	pkl := files[prefix+"data.pkl"]
	if pkl == nil {
		return nil, fmt.Errorf("pytorch: %w: no data.pkl in the archive", ErrNotTorch)
	}
	if files[prefix+"constants.pkl"] != nil {
		return nil, fmt.Errorf("pytorch: %w: the archive is a TorchScript program, want a state dictionary", ErrNotTorch)
	}
	if order := files[prefix+"byteorder"]; order != nil {
		b, err := entry(r, size, order)
		if err != nil {
			return nil, err
		}
		text := make([]byte, min(b.Size, 16))
		if _, err := r.ReadAt(text, b.Offset); err != nil || string(text) != "little" {
			return nil, fmt.Errorf("pytorch: %w: byte order %q, want little", ErrArchive, text)
		}
	}
	program, err := entry(r, size, pkl)
	if err == nil {
		err = program.Verify(r)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, pkl.Name)
	}
	storages := map[string]*storage{}
	return unpickle(newInput(r, program.Offset, program.Offset+program.Size), func(id any) (any, error) {
		if o, ok := unknownStorage(id); ok {
			return o, nil
		}
		s, err := shareStorage(storages, id)
		if err != nil || s.offset >= 0 {
			return s, err
		}
		f := files[prefix+"data/"+s.key]
		if f == nil {
			return nil, fmt.Errorf("%w: no entry %q", ErrStorage, prefix+"data/"+s.key)
		}
		d, err := entry(r, size, f)
		if err != nil {
			return nil, err
		}
		if d.Size/s.size != s.count || d.Size%s.size != 0 {
			return nil, fmt.Errorf("%w: %s has %d bytes, %d elements of %s", ErrSize, f.Name, d.Size, s.count, s.dtype)
		}
		s.offset, s.crc = d.Offset, d.CRC
		return s, nil
	})
}

// entry is the place of an uncompressed entry.
func entry(r io.ReaderAt, size int64, f *zip.File) (Data, error) {
	if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
		return Data{}, fmt.Errorf("pytorch: %w: entry %q is compressed", ErrArchive, f.Name)
	}
	offset, err := f.DataOffset()
	if err != nil {
		return Data{}, fmt.Errorf("pytorch: %w: entry %q: %w", ErrArchive, f.Name, err)
	}
	if f.UncompressedSize64 > uint64(size-offset) {
		return Data{}, fmt.Errorf("pytorch: %w: entry %q: %d bytes at byte %d of %d", ErrArchive, f.Name, f.UncompressedSize64, offset, size)
	}
	return Data{Offset: offset, Size: int64(f.UncompressedSize64), CRC: &f.CRC32}, nil
}

// shareStorage returns the storage of a persistent id, the same one for the same key.
func shareStorage(storages map[string]*storage, id any) (*storage, error) {
	s, err := newStorage(id)
	if err != nil {
		return nil, err
	}
	first := storages[s.key]
	if first == nil {
		storages[s.key] = s
		return s, nil
	}
	if first.dtype != s.dtype || first.count != s.count {
		return nil, fmt.Errorf("%w: %q is %d of %s and %d of %s", ErrStorage, s.key, first.count, first.dtype, s.count, s.dtype)
	}
	return first, nil
}
