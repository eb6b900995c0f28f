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
	"ByteStorage": {"U8", 1}, "BoolStorage": {"BOOL", 1},
}

// storage is a run of elements in the file, which tensors are views of.
type storage struct {
	key    string
	dtype  string
	size   int64 // bytes of an element
	count  int64 // elements
	offset int64 // in the file; −1 until it is known
	crc    *uint32
}

// array is a tensor: a strided view of a storage.
type array struct {
	storage       *storage
	offset        int64 // of the first element
	shape, stride []int64
}

// inert are names of data that training scripts keep beside the weights: numbers of numpy, options of the command line
// (torchvision's references/detection/train.py), logs (mmengine), counters. What they make is not looked at.
var inert = map[global]bool{
	{"argparse", "Namespace"}:                            true,
	{"pathlib", "PosixPath"}:                             true,
	{"_codecs", "encode"}:                                true,
	{"numpy", "dtype"}:                                   true,
	{"numpy", "ndarray"}:                                 true,
	{"numpy.core.multiarray", "scalar"}:                  true,
	{"numpy.core.multiarray", "_reconstruct"}:            true,
	{"numpy._core.multiarray", "scalar"}:                 true,
	{"numpy._core.multiarray", "_reconstruct"}:           true,
	{"mmengine.logging.history_buffer", "HistoryBuffer"}: true,
	{"torch", "float32"}:                                 true,
	{"torch", "float16"}:                                 true,
	{"torch", "bfloat16"}:                                true,
	{"collections", "Counter"}:                           true,
	{"__builtin__", "set"}:                               true,
	{"__builtin__", "list"}:                              true,
	{"__builtin__", "dict"}:                              true,
	{"__builtin__", "int"}:                               true,
	{"__builtin__", "float"}:                             true,
}

// allowed reports whether a pickle may name g. The list is that of PyTorch's own weights_only loading, as far as
// checkpoints of detectors need it, and what is inert.
func allowed(g global) bool {
	if inert[g] {
		return true
	}
	switch g.module {
	case "collections":
		return g.name == "OrderedDict" || g.name == "defaultdict"
	case "torch":
		_, ok := storageTypes[g.name]
		return ok || g.name == "Size" || g.name == "device"
	case "torch._utils":
		return g.name == "_rebuild_tensor" || g.name == "_rebuild_tensor_v2" || g.name == "_rebuild_parameter"
	}
	return false
}

// apply is what calling an allowed name with arguments gives.
func apply(g global, args tuple) (any, error) {
	if inert[g] {
		return opaque{}, nil
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
	case "device":
		return opaque{}, nil
	case "_rebuild_parameter": // data, requires_grad, hooks
		if len(args) == 3 {
			if a, ok := args[0].(*array); ok {
				return a, nil
			}
		}
	case "_rebuild_tensor", "_rebuild_tensor_v2": // storage, offset, size, stride, what training needs
		if len(args) >= 4 {
			return rebuild(args)
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
