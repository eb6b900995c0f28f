package pytorch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// legacyMagic is 0x1950a86a20f9469cfc6c, the number that the old format starts with (torch/serialization.py).
var legacyMagic = long{0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19}

// PickleError says what a pickle holds that torch.save did not write.
type PickleError struct {
	Keys []string // of a dictionary, and "KEY/" with those of the dictionaries in it; the first of them

	value any // that it makes
}

func (e *PickleError) Error() string { return fmt.Sprintf("pytorch: %v: a pickle", ErrNotTorch) }

func (e *PickleError) Unwrap() error { return ErrNotTorch }

func newPickleError(v any) *PickleError {
	const most = 1024
	e := &PickleError{value: v}
	var add func(prefix string, v any)
	add = func(prefix string, v any) {
		d, ok := v.(*dict)
		if !ok {
			return
		}
		for i, k := range d.keys {
			key, ok := k.(string)
			if !ok || len(e.Keys) == most || len(key) > MaxName {
				continue
			}
			e.Keys = append(e.Keys, prefix+key)
			if prefix == "" {
				add(key+"/", d.values[i])
			}
		}
	}
	add("", v)
	return e
}

// readLegacy reads the format before PyTorch 1.6: pickles of the magic number, the version 1001, a description of the
// machine, the object and the list of storage keys; then for each key the number of elements (8 bytes) and the elements.
func readLegacy(r io.ReaderAt, size int64) (any, error) {
	in := newInput(r, 0, size)
	storages := map[string]*storage{}
	none := func(any) (any, error) { return nil, fmt.Errorf("%w: before the object", ErrStorage) }
	magic, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	if n, ok := magic.(long); !ok || !bytes.Equal(n, legacyMagic) {
		return nil, newPickleError(magic)
	}
	version, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	if version != int64(1001) {
		return nil, fmt.Errorf("pytorch: %w: version %T, want 1001", ErrNotTorch, version)
	}
	machine, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	if d, ok := machine.(*dict); ok {
		for i, k := range d.keys {
			if k == "little_endian" && d.values[i] != true {
				return nil, fmt.Errorf("pytorch: %w: big-endian", ErrStorage)
			}
		}
	}
	root, err := unpickle(in, func(id any) (any, error) {
		if o, ok := unknownStorage(id); ok { // of an unknown size: what lies behind it cannot be found
			return nil, fmt.Errorf("%w: %.64q", ErrType, o.name)
		}
		return shareStorage(storages, id)
	})
	if err != nil {
		return nil, err
	}
	keys, err := unpickle(in, none)
	if err != nil {
		return nil, err
	}
	order, ok := keys.(*list)
	if !ok {
		return nil, fmt.Errorf("pytorch: byte %d: %w: storage keys are a %T", in.at, ErrStorage, keys)
	}
	return root, place(r, in.at, size, order.items, storages)
}

// place finds each storage behind the pickles.
func place(r io.ReaderAt, at, size int64, keys []any, storages map[string]*storage) error {
	for _, k := range keys {
		key, ok := k.(string)
		s := storages[key]
		if !ok || s == nil || s.offset >= 0 {
			return fmt.Errorf("pytorch: byte %d: %w: key %.64q is unknown or there twice", at, ErrStorage, key)
		}
		var count [8]byte
		if at > size-8 {
			return fmt.Errorf("pytorch: byte %d: %w: storage %q", at, ErrTruncated, key)
		}
		if _, err := r.ReadAt(count[:], at); err != nil {
			return fmt.Errorf("pytorch: byte %d: %w", at, err)
		}
		at += 8
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.count) {
			return fmt.Errorf("pytorch: byte %d: %w: storage %q has %d elements, want %d", at-8, ErrSize, key, n, s.count)
		}
		if s.count > (size-at)/s.size {
			return fmt.Errorf("pytorch: byte %d: %w: storage %q of %d %s", at, ErrTruncated, key, s.count, s.dtype)
		}
		s.offset = at
		at += s.count * s.size
	}
	for key, s := range storages {
		if s.offset < 0 {
			return fmt.Errorf("pytorch: %w: no data for %q", ErrStorage, key)
		}
	}
	return nil
}
