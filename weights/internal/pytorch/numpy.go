package pytorch

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// Arrays of NumPy are pickled as an empty one that gets a state (numpy/_core/src/multiarray/methods.c, array_reduce, array_setstate) or, since
// protocol 5, as a buffer (_frombuffer). Python 2 and protocol 2 write the elements as text.

// The values that an array of NumPy is made of.
type (
	// raw is bytes of the file. They are a text in UTF-8 if text says so: a code point for each byte (latin-1).
	raw struct {
		offset, size int64
		text         bool
	}
	npType struct {
		code string // "f4"
		big  bool   // big-endian
	}
	encoded string                 // bytes that a text of the pickle stands for
	npArray struct{ array *array } // nil until it has a state, and where its elements are not numbers
)

// npTypes are the elements that are read, by NumPy's code.
var npTypes = map[string]struct {
	dtype string
	size  int64
}{
	"f2": {"F16", 2}, "f4": {"F32", 4}, "f8": {"F64", 8},
	"i1": {"I8", 1}, "i2": {"I16", 2}, "i4": {"I32", 4}, "i8": {"I64", 8},
	"u1": {"U8", 1}, "u2": {"U16", 2}, "u4": {"U32", 4}, "u8": {"U64", 8}, "b1": {"BOOL", 1},
}

// class is Python's name for such a value.
func (r raw) class() string {
	if r.text {
		return "str"
	}
	return "bytes"
}

// numpyGlobal is the name that a function of NumPy has here, whatever the version's module; empty: it has no meaning.
func numpyGlobal(g global) string {
	switch g.module {
	case "numpy.core.multiarray", "numpy._core.multiarray":
		if g.name == "_reconstruct" {
			return g.name
		}
	case "numpy.core.numeric", "numpy._core.numeric":
		if g.name == "_frombuffer" {
			return g.name
		}
	case "numpy":
		if g.name == "dtype" || g.name == "ndarray" {
			return g.name
		}
	case "_codecs":
		if g.name == "encode" {
			return g.name
		}
	}
	return ""
}

// applyNumPy is apply for the names of numpyGlobal.
func applyNumPy(g global, args tuple) (any, error) {
	switch g.name {
	case "_reconstruct": // class, shape, type code; a state follows
		if len(args) == 3 {
			return &npArray{}, nil
		}
	case "dtype": // code, align, copy; a state follows
		if len(args) > 0 {
			code, _ := args[0].(string)
			return &npType{code: code}, nil
		}
	case "encode": // text, encoding
		if len(args) == 2 && args[1] == "latin1" {
			switch text := args[0].(type) {
			case raw:
				return text, nil
			case string:
				b, err := latin1(text)
				return encoded(b), err
			}
		}
		return opaque{"bytes"}, nil
	case "_frombuffer": // buffer, type, shape, order
		if len(args) == 4 {
			a := &npArray{}
			return a, a.set(args[2], args[1], args[3] == "F", args[0])
		}
	}
	return nil, fmt.Errorf("%w: %s of %d values", ErrStack, g, len(args))
}

// build gives a type or an array its state.
func (t *npType) build(state any) {
	if s, ok := state.(tuple); ok && len(s) > 1 {
		t.big = s[1] == ">"
	}
}

func (a *npArray) build(state any) error {
	s, ok := state.(tuple)
	if !ok || len(s) < 4 || len(s) > 5 {
		return fmt.Errorf("%w: a state of an array: %T", ErrTensor, state)
	}
	s = s[len(s)-4:] // before it stands a version
	return a.set(s[0], s[1], s[2] == true || s[2] == int64(1), s[3])
}

// latin1 is the bytes that a text stands for.
func latin1(text string) ([]byte, error) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%w: a text that is no bytes", ErrText)
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// set checks that the elements are as many as the shape wants. Elements that are no numbers leave the array opaque.
func (a *npArray) set(shape, kind any, fortran bool, data any) error {
	t, ok := kind.(*npType)
	if !ok {
		return nil
	}
	element, ok := npTypes[t.code]
	if !ok {
		return nil
	}
	s := &storage{dtype: element.dtype, size: element.size, big: t.big}
	bytes := int64(-1) // of the elements; not known of a text in the file
	switch d := data.(type) {
	case raw:
		s.offset, s.stored, s.text = d.offset, d.size, d.text
		if !d.text {
			bytes = d.size
		}
	case encoded:
		s.memory, bytes = string(d), int64(len(d))
	case opaque: // protocol 2 has no bytes: none at all are a call
		if d.name != "__builtin__.bytes" && d.name != "builtins.bytes" {
			return nil
		}
		bytes = 0
	case string: // of Python 2
		s.memory, bytes = d, int64(len(d))
	default:
		return nil
	}
	dims, ok := shape.(tuple)
	if !ok || len(dims) > MaxRank {
		return fmt.Errorf("%w: the shape of an array: %T", ErrTensor, shape)
	}
	out := &array{storage: s, shape: make([]int64, len(dims)), stride: make([]int64, len(dims))}
	count := int64(1)
	for i := range dims {
		n, ok := dims[i].(int64)
		const most = 1 << 40
		if !ok || n < 0 || n > most || count*max(n, 1) > most {
			return fmt.Errorf("%w: dimension %d of an array is a %T or too large", ErrTensor, i, dims[i])
		}
		out.shape[i] = n
		count *= max(n, 1)
	}
	stride := int64(1)
	for k := range dims {
		i := len(dims) - 1 - k
		if fortran {
			i = k
		}
		out.stride[i] = stride
		stride *= max(out.shape[i], 1)
	}
	for _, n := range out.shape {
		count = min(count, count*n) // an empty array has none
	}
	s.count = count
	if bytes >= 0 && bytes != count*element.size {
		return fmt.Errorf("%w: an array of %d %s has %d bytes", ErrSize, count, element.dtype, bytes)
	}
	a.array = out
	return nil
}

// Decoded reports whether the elements do not lie in the file as they are, so that Load must read them.
func (d Data) Decoded() bool { return d.memory != "" || d.text || d.big }

// Load returns the elements, of size bytes each, in little-endian order.
func (d Data) Load(r io.ReaderAt, size int) ([]byte, error) {
	stored := []byte(d.memory)
	if d.memory == "" {
		stored = make([]byte, d.Size)
		if n, err := r.ReadAt(stored, d.Offset); err != nil && (err != io.EOF || n < len(stored)) {
			return nil, fmt.Errorf("pytorch: byte %d: %w", d.Offset, err)
		}
	}
	if d.text {
		if !utf8.Valid(stored) {
			return nil, fmt.Errorf("pytorch: byte %d: %w", d.Offset, ErrText)
		}
		var err error
		if stored, err = latin1(string(stored)); err != nil {
			return nil, fmt.Errorf("pytorch: byte %d: %w", d.Offset, err)
		}
		if int64(len(stored)) != d.count*int64(size) {
			return nil, fmt.Errorf("pytorch: byte %d: %w: an array of %d elements has %d bytes", d.Offset, ErrSize, d.count, len(stored))
		}
	}
	if d.big {
		swapped := make([]byte, len(stored))
		for i := range stored {
			swapped[i] = stored[i/size*size+size-1-i%size]
		}
		stored = swapped
	}
	return stored, nil
}
