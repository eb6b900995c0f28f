package weights

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/weights/internal/tfbundle"
)

// An archive may unpack to maxRatio times its size and at most maxUnpacked bytes. Weights hardly compress, slots of zeros
// beside them do; the largest published checkpoint has 1.4 GB.
const (
	maxRatio    = 64
	maxUnpacked = 8 << 30
)

// limit is a reader that fails behind the first left bytes.
type limit struct {
	r    io.Reader
	left int64
}

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errUnpacked
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

var errUnpacked = errors.New("archive unpacks to more than allowed")

// readArchive reads a TensorFlow checkpoint from the .tar.gz that it is published in, or from a .tar. The files of the checkpoint go to
// temporary files without a name of the archive's choosing; nothing else is unpacked.
func readArchive(name string, archive *blob) (*contents, error) {
	packed := bufio.NewReader(io.NewSectionReader(archive.reader, 0, archive.size))
	var z io.Reader = packed
	if head, _ := packed.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		var err error
		if z, err = gzip.NewReader(packed); err != nil {
			return nil, fmt.Errorf("weights: %s: %w", name, err)
		}
	}
	files := map[string]*blob{}
	latest := map[string]bool{} // prefixes that files "checkpoint" name
	other := ""                 // the first file that is none of a checkpoint
	fail := func(err error) (*contents, error) {
		errs := []error{fmt.Errorf("weights: %s: %w", name, err)}
		for _, b := range files {
			errs = append(errs, b.close())
		}
		return nil, errors.Join(errs...)
	}
	limited := &limit{z, min(maxUnpacked, 1<<20+maxRatio*archive.size)}
	for t := tar.NewReader(limited); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, tar.ErrHeader) && len(files) == 0 && other == "" {
			return nil, kind{"a file compressed by gzip, which is not an archive of a checkpoint", unpack}.error(name, nil)
		}
		if err == nil {
			err = safeEntry(h)
		}
		if err != nil {
			return fail(err)
		}
		if ofFinder(h.Name) {
			continue
		}
		if path.Base(h.Name) == "checkpoint" && h.Typeflag == tar.TypeReg {
			const most = 1 << 20 // bytes of it that are looked at
			state, err := io.ReadAll(io.LimitReader(t, most))
			if err != nil {
				return fail(fmt.Errorf("%s: %w", h.Name, err))
			}
			if name, ok := named(state); ok {
				latest[path.Dir(h.Name)+"/"+name] = true
			}
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, indexSuffix) && !dataFile.MatchString(h.Name) {
			if h.Typeflag == tar.TypeReg && other == "" {
				other = h.Name
			}
			continue
		}
		if files[h.Name] != nil {
			return fail(fmt.Errorf("two entries are named %q", h.Name))
		}
		b, err := spool(t)
		if err != nil {
			return fail(fmt.Errorf("%s: %w", h.Name, err))
		}
		files[h.Name] = b
	}
	// What follows is empty; at its end stands the checksum of all.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return fail(err)
	}
	if len(files) == 0 && other != "" {
		return nil, kind{fmt.Sprintf("an archive without a TensorFlow checkpoint (%.64q, …)", other), unpack}.error(name, nil)
	}
	c, err := archived(files, latest)
	if err != nil {
		return fail(err)
	}
	c.blobs = []*blob{archive} // the hash is of the archive
	c.unpacked = slices.Collect(maps.Values(files))
	return c, nil
}

// safeEntry refuses entries that would leave the folder they are unpacked in: no honest checkpoint has them.
func safeEntry(h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeSymlink, tar.TypeLink:
		return fmt.Errorf("entry %q is a link to %q", h.Name, h.Linkname)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
	if name != "" && !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("entry %q lies outside the archive", h.Name)
	}
	return nil
}

// spool copies r to a temporary file that goes away with the blob.
func spool(r io.Reader) (*blob, error) {
	f, err := os.CreateTemp("", "spinemask-")
	if err != nil {
		return nil, err
	}
	remove := func() error {
		if err := os.Remove(f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if _, err := io.Copy(f, r); err != nil {
		return nil, errors.Join(err, f.Close(), remove())
	}
	b, err := newBlob(f)
	if err != nil {
		return nil, errors.Join(err, f.Close(), remove())
	}
	// Where the system allows it the name goes at once, so that not even a crash leaves the file behind.
	if remove() != nil {
		b.shut = func() error { return errors.Join(f.Close(), remove()) }
	}
	return b, nil
}

// archived makes the contents of the only checkpoint among the files of an archive, or of the only one that training named its latest.
func archived(files map[string]*blob, latest map[string]bool) (*contents, error) {
	var prefixes, named []string
	for name := range files {
		if prefix, ok := strings.CutSuffix(name, indexSuffix); ok {
			prefixes = append(prefixes, prefix)
			if latest[path.Dir(prefix)+"/"+path.Base(prefix)] {
				named = append(named, prefix)
			}
		}
	}
	if len(named) == 1 {
		prefixes = named
	}
	if len(prefixes) != 1 {
		return nil, fmt.Errorf("%d checkpoints (*.index) in the archive, want one", len(prefixes))
	}
	prefix := prefixes[0]
	index := files[prefix+indexSuffix]
	x, err := tfbundle.ReadIndex(index.reader, index.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", prefix+indexSuffix, err)
	}
	shards := make([]*blob, x.Shards)
	for i := range shards {
		name := fmt.Sprintf("%s.data-%05d-of-%05d", prefix, i, x.Shards)
		if shards[i] = files[name]; shards[i] == nil {
			return nil, fmt.Errorf("%s is not in the archive", path.Base(name))
		}
	}
	c := &contents{}
	return c, c.bundle(x, shards)
}
