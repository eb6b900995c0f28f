package pytorch

import (
	"errors"
	"fmt"
	"math/bits"
)

// One error per rule of a tensor.
// (Messages never print a value of a pickle: shared tuples can make its text exponentially long.)
var (
	ErrTensor  = errors.New("malformed tensor")
	ErrBounds  = errors.New("tensor reaches beyond its storage")
	ErrRank    = errors.New("more dimensions than allowed")
	ErrStorage = errors.New("malformed storage")
	ErrType    = errors.New("element type is not supported")
)

// MaxRank is the most dimensions of a tensor.
const MaxRank = 8

// storageTypes are the classes of storages: what they hold and the bytes of an element.
var storageTypes = map[string]struct {
	dtype string
	size  int64
}{
	"FloatStorage": {"F32", 4}, "HalfStorage": {"F16", 2}, "BFloat16Storage": {"BF16", 2}, "DoubleStorage": {"F64", 8},
	"LongStorage": {"I64", 8}, "IntStorage": {"I32", 4}, "ShortStorage": {"I16", 2}, "CharStorage": {"I8", 1},
	"ByteStorage": {"U8", 1}, "BoolStorage": {"BOOL", 1}, "ComplexFloatStorage": {"C64", 8}, "ComplexDoubleStorage": {"C128", 16},
	"QInt8Storage": {"QI8", 1}, "QUInt8Storage": {"QU8", 1}, "QInt32Storage": {"QI32", 4},
}

// storage is a run of elements in the file, which tensors are views of.
type storage struct {
	key    string
	dtype  string
	size   int64 // bytes of an element
	count  int64 // elements
	offset int64 // in the file; −1 until it is known
	crc    *uint32

	// Of an array of NumPy:
	stored int64  // bytes in the file
	memory string // the elements, where they are not in the file
	text   bool   // what is in the file is a text, see raw
	big    bool   // big-endian
}

// array is a tensor: a strided view of a storage.
type array struct {
	storage       *storage
	offset        int64 // of the first element
	shape, stride []int64
}

// known is the global if it has a meaning here, else an opaque value. Those with a meaning are on the list of PyTorch's own
// weights_only loading, as far as tensors of detectors need them.
func known(g global) any {
	if name := numpyGlobal(g); name != "" {
		return global{"numpy", name}
	}
	switch g.module {
	case "collections":
		if g.name == "OrderedDict" || g.name == "defaultdict" {
			return g
		}
	case "torch":
		if _, ok := storageTypes[g.name]; ok || g.name == "Size" {
			return g
		}
	case "torch._utils":
		switch g.name {
		case "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state":
			return g
		}
	case "torch._tensor":
		if g.name == "_rebuild_from_type_v2" {
			return g
		}
	}
	return opaque{g.String()}
}

// needed counts the first arguments that a result depends on; behind them are hooks and what training needs.
var needed = map[string]int{
	"OrderedDict": 1, "Size": 1, "_rebuild_parameter": 1, "_rebuild_parameter_with_state": 1,
	"_rebuild_tensor": 4, "_rebuild_tensor_v2": 4, "_rebuild_from_type_v2": 1,
}

// apply is what calling a known name with arguments gives. What is made of an opaque value is opaque.
func apply(g global, args tuple) (any, error) {
	for _, a := range args[:min(len(args), needed[g.name])] {
		if o, ok := a.(opaque); ok {
			return o, nil
		}
	}
	if g.module == "numpy" {
		return applyNumPy(g, args)
	}
	switch g.name {
	case "defaultdict": // its items follow
		return &dict{}, nil
	case "OrderedDict":
		return orderedDict(args)
	case "Size":
		if len(args) == 1 {
			return args[0], nil
		}
	case "_rebuild_parameter", "_rebuild_parameter_with_state": // data, requires_grad, hooks, state
		if len(args) >= 3 {
			if a, ok := args[0].(*array); ok {
				return a, nil
			}
		}
	case "_rebuild_tensor", "_rebuild_tensor_v2": // storage, offset, size, stride, what training needs
		if len(args) >= 4 {
			return rebuild(args)
		}
	case "_rebuild_from_type_v2": // function, class, arguments, state: a tensor with attributes
		if len(args) == 4 {
			f, ok := args[0].(global)
			inner, ok2 := args[2].(tuple)
			if ok && ok2 && f.module == "torch._utils" {
				return apply(f, inner)
			}
		}
	}
	return nil, fmt.Errorf("%w: %s of %d values", ErrStack, g, len(args))
}

// orderedDict makes an empty dictionary, or one of a list of pairs.
func orderedDict(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("%w: an OrderedDict of %T", ErrStack, args[0])
	}
	for _, p := range pairs.items {
		var kv []any
		switch p := p.(type) {
		case *list:
			kv = p.items
		case tuple:
			kv = p
		}
		if len(kv) != 2 {
			return nil, fmt.Errorf("%w: an OrderedDict of %T", ErrStack, p)
		}
		d.keys, d.values = append(d.keys, kv[0]), append(d.values, kv[1])
	}
	return d, nil
}

// rebuild makes a tensor and checks that it lies within its storage.
func rebuild(args tuple) (any, error) {
	a := &array{}
	var ok bool
	if a.storage, ok = args[0].(*storage); !ok {
		return nil, fmt.Errorf("%w: a storage of %T", ErrTensor, args[0])
	}
	a.offset, ok = args[1].(int64)
	shape, ok2 := args[2].(tuple)
	stride, ok3 := args[3].(tuple)
	if !ok || !ok2 || !ok3 || a.offset < 0 || len(shape) != len(stride) {
		return nil, fmt.Errorf("%w: offset %T, size %T, stride %T", ErrTensor, args[1], args[2], args[3])
	}
	if len(shape) > MaxRank {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrRank, len(shape), MaxRank)
	}
	last := uint64(a.offset) // the place of the last element
	empty := false
	for i := range shape {
		for _, v := range []any{shape[i], stride[i]} {
			if o, ok := v.(opaque); ok {
				return o, nil
			}
		}
		d, ok := shape[i].(int64)
		s, ok2 := stride[i].(int64)
		if !ok || !ok2 || d < 0 || s < 0 {
			return nil, fmt.Errorf("%w: dimension %d has size %T, stride %T or is negative", ErrTensor, i, shape[i], stride[i])
		}
		a.shape, a.stride = append(a.shape, d), append(a.stride, s)
		if d == 0 {
			empty = true
			continue
		}
		hi, span := bits.Mul64(uint64(d-1), uint64(s))
		sum, carry := bits.Add64(last, span, 0)
		if hi != 0 || carry != 0 {
			return nil, fmt.Errorf("%w: size %v, stride %v", ErrBounds, a.shape, a.stride)
		}
		last = sum
	}
	if !empty && last >= uint64(a.storage.count) {
		return nil, fmt.Errorf("%w: offset %d, size %v, stride %v in a storage of %d", ErrBounds, a.offset, a.shape, a.stride, a.storage.count)
	}
	return a, nil
}

// unknownStorage is the type of a persistent id's storage if its elements are not known.
func unknownStorage(id any) (opaque, bool) {
	if t, _ := id.(tuple); len(t) > 1 {
		o, ok := t[1].(opaque)
		return o, ok
	}
	return opaque{}, false
}

// newStorage reads a persistent id: ("storage", type, key, location, elements, view).
func newStorage(id any) (*storage, error) {
	t, _ := id.(tuple)
	if len(t) < 5 || t[0] != "storage" {
		return nil, fmt.Errorf("%w: a persistent id of %T", ErrStorage, id)
	}
	class, ok := t[1].(global)
	key, ok2 := t[2].(string)
	count, ok3 := t[4].(int64)
	if !ok || !ok2 || !ok3 || count < 0 {
		return nil, fmt.Errorf("%w: type %T, key %T, elements %T", ErrStorage, t[1], t[2], t[4])
	}
	if len(t) > 5 && t[5] != nil {
		return nil, fmt.Errorf("%w: %s is a view of another", ErrStorage, key)
	}
	kind, ok := storageTypes[class.name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrType, class)
	}
	return &storage{key: key, dtype: kind.dtype, size: kind.size, count: count, offset: -1}, nil
}
