package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A File is a set of named tensors. It is safe for concurrent use, until it is closed.
type File struct {
	name       string
	format     string
	system     System            // whose names the file has
	systemBy   string            // how that is known
	tensors    []Tensor          // sorted by native name
	from       map[string]string // native name → name in the file; nil where they are the same
	found      int               // tensors in the file
	made       int               // tensors that are not in the file
	ignored    []string          // names of what is not a weight of the model
	problems   []string          // of the translation
	sets       []string          // ways to its state dictionaries, see translation
	norms      []string          // batch norms without statistics, and what they lack
	opaque     []Tensor          // values that are not read
	lists      []nameList
	texts      map[string]string  // that say where the file comes from
	detectron2 *detectron2Options // beside the file, nil where there are none
	metadata   map[string]string
	blobs      []*blob // the bytes that SHA256 is of
	unpacked   []*blob // of an archive
	sum        func() (string, error)
	released   atomic.Int64 // bytes since the system last took back what was read
}

// contents is what a reader finds in a file: tensors under the names they have there.
type contents struct {
	format   string
	tensors  []Tensor
	lists    []nameList        // that may be the names of classes
	texts    map[string]string // that say where the file comes from, by their names in it
	metadata map[string]string
	blobs    []*blob // of the file itself
	unpacked []*blob // of an archive: where the tensors lie
}

func (c *contents) close() error { return closeAll(slices.Concat(c.blobs, c.unpacked)) }

func closeAll(blobs []*blob) error {
	var errs []error
	for _, b := range blobs {
		errs = append(errs, b.close())
	}
	return errors.Join(errs...)
}

// newFile recognises whose names the tensors have and translates them. Names that cannot be translated are kept as
// problems, so that Check and Config report them together with all others.
func newFile(name string, c *contents) (*File, error) {
	tensors, opaque := readable(c.tensors)
	system := recognise(tensors)
	tr := &translation{tensors: tensors}
	if translate := translators[system]; translate != nil {
		tr = translate(slices.Concat(tensors, opaque))
	}
	if n := len(tr.retina); n > 0 {
		return nil, fmt.Errorf("weights: %s: a RetinaNet (%d tensors such as %s), which is not read of this system: want Mask R-CNN", name, n, tr.retina[0])
	}
	if tr.refused != "" {
		return nil, fmt.Errorf("weights: %s: %s", name, tr.refused)
	}
	systemBy := "names in the file"
	if system == MMDetection1 || system == MMDetection3 {
		system, systemBy = mmdetVersion(system, tr, c)
	}
	if system == Detectron2 && isCaffe2(tensors) {
		systemBy = "names of Detectron in the file, whose own arithmetic differs"
	}
	translated := *c
	translated.tensors = tr.tensors
	f, err := rawFile(name, &translated)
	if err != nil {
		return nil, err
	}
	f.system, f.systemBy, f.from, f.ignored, f.problems, f.norms, f.sets = system, systemBy, tr.from, tr.ignored, tr.problems, tr.norms, tr.sets
	f.texts = c.texts
	f.found, f.made, f.opaque, f.lists = len(tensors), tr.made, opaque, c.lists
	return f, nil
}

// readable parts tensors from values of which only the class is known.
func readable(list []Tensor) (tensors, opaque []Tensor) {
	for _, t := range list {
		if t.opaque == "" {
			tensors = append(tensors, t)
		} else {
			opaque = append(opaque, t)
		}
	}
	return tensors, opaque
}

// rawFile leaves names as they are.
func rawFile(name string, c *contents) (*File, error) {
	tensors, _ := readable(c.tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	for i, t := range tensors {
		if i > 0 && t.Name == tensors[i-1].Name {
			return nil, fmt.Errorf("weights: %s: two tensors are named %q", name, t.Name)
		}
	}
	f := &File{name: name, format: c.format, tensors: tensors, metadata: c.metadata, blobs: c.blobs, unpacked: c.unpacked}
	f.sum = sync.OnceValues(f.hash)
	return f, nil
}

// FromTensors makes a file of tensors in memory, under the names of any system.
func FromTensors(name string, tensors []Tensor, metadata map[string]string) (*File, error) {
	return newFile(name, &contents{format: "memory", tensors: tensors, metadata: metadata})
}

// Tensor returns the tensor with the name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := slices.BinarySearchFunc(f.tensors, name, func(t Tensor, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string {
	names := make([]string, len(f.tensors))
	for i, t := range f.tensors {
		names[i] = t.Name
	}
	return names
}

// Report says what was found in a file.
type Report struct {
	Format  string // "safetensors", "TensorFlow checkpoint", "PyTorch checkpoint"
	System  System // whose names it has
	Found   int    // tensors in the file
	Mapped  int    // of them, weights of the model
	Ignored []string
}

// Report returns what was found in the file: Ignored are the names of what only training needs, such as the slots of an
// optimizer.
func (f *File) Report() Report {
	return Report{f.format, f.system, f.found, len(f.tensors) - f.made, f.ignored}
}

// Metadata returns the strings of the file's metadata; for a native file "config" and "provenance" (JSON).
func (f *File) Metadata() map[string]string { return f.metadata }

// Files returns the paths of what Open read: of a checkpoint of several files, of the index and then the data files. None is open after Close, and none is listed.
func (f *File) Files() []string {
	var paths []string
	for _, b := range f.blobs {
		if b.path != "" {
			paths = append(paths, b.path)
		}
	}
	return paths
}

// SHA256 returns the hash of the file's bytes, hexadecimal; of a checkpoint of several files, of the index and then the
// data files. The first call reads them all.
func (f *File) SHA256() (string, error) { return f.sum() }

func (f *File) hash() (string, error) {
	if len(f.blobs) == 0 {
		return "", fmt.Errorf("weights: %s: no file to hash: closed, or made in memory", f.name)
	}
	h := sha256.New()
	for _, b := range f.blobs {
		if _, err := io.Copy(h, io.NewSectionReader(b.hashed, 0, b.size)); err != nil {
			return "", fmt.Errorf("weights: %s: %w", f.name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Release says that the values of a tensor are not needed soon. What was read of a mapped file counts as memory of the
// process until enough is released: then the system takes all of it, and it is read again where it is asked for. (Taking
// it stops every processor that runs the process, so it must be rare.)
func (f *File) Release(name string) {
	t, ok := f.Tensor(name)
	if !ok || f.released.Add(t.stored.size) < releaseBytes {
		return
	}
	f.released.Store(0)
	for _, b := range slices.Concat(f.blobs, f.unpacked) {
		release(b.memory)
	}
}

const releaseBytes = 128 << 20

// Unload gives the memory of all tensors back to the system; only SHA256 and Close may be used after it. Slices that
// Float32(nil) returned must not be used any more.
func (f *File) Unload() error {
	errs := []error{closeAll(f.unpacked)}
	f.tensors, f.unpacked = nil, nil
	for _, b := range f.blobs {
		errs = append(errs, b.unload())
	}
	return errors.Join(errs...)
}

// Close gives the file back to the system. Slices that Float32(nil) returned must not be used any more.
func (f *File) Close() error {
	err := errors.Join(f.Unload(), closeAll(f.blobs))
	f.blobs = nil
	return err
}
