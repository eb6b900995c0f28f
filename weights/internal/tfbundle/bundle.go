// Package tfbundle reads the index of TensorFlow checkpoints, format V2 ("tensor bundle": PREFIX.index and
// PREFIX.data-00000-of-00001). The index is a table of tensor names to their type, shape and place in the data files;
// see tensorflow/core/util/tensor_bundle and core/protobuf/tensor_bundle.proto.
package tfbundle

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits of an index.
const (
	MaxTensors = 65536
	MaxRank    = 8
	MaxName    = 2048 // bytes; keys of object-based checkpoints are paths
	MaxShards  = 1024
)

// One error per rule of the bundle.
var (
	ErrHeader    = errors.New("no bundle header")
	ErrEndian    = errors.New("bundle is big-endian")
	ErrProto     = errors.New("malformed protocol buffer")
	ErrTensors   = errors.New("more tensors than allowed")
	ErrName      = errors.New("name is too long or not UTF-8")
	ErrRank      = errors.New("more dimensions than allowed")
	ErrOverflow  = errors.New("number of elements overflows")
	ErrShard     = errors.New("shard is not there")
	ErrSliced    = errors.New("tensor is stored in slices")
	ErrLength    = errors.New("length of the data is not that of the shape")
	ErrOverlap   = errors.New("data overlaps another tensor")
	ErrNoStrings = errors.New("not a scalar string")
)

// DType is TensorFlow's number of an element type (core/framework/types.proto).
type DType int

// The types that checkpoints of detection models have.
const (
	Float    DType = 1
	Double   DType = 2
	String   DType = 7
	Int64    DType = 9
	BFloat16 DType = 14
	Half     DType = 19
)

// size is the bytes of an element; 0 for strings and for types that no weight has.
func (d DType) size() int {
	switch d {
	case Float:
		return 4
	case Int64, Double:
		return 8
	case BFloat16, Half:
		return 2
	}
	return 0
}

// Entry is a tensor of the bundle: its place in the data file of a shard, and the masked CRC-32C of its bytes.
type Entry struct {
	Name         string
	DType        DType
	Shape        []int
	Shard        int
	Offset, Size int64
	CRC          uint32
}

// Index is the content of PREFIX.index.
type Index struct {
	Shards  int
	Entries []Entry // sorted by name
}

// ReadIndex reads and checks the index of size bytes behind r.
func ReadIndex(r io.ReaderAt, size int64) (*Index, error) {
	x := &Index{}
	header := false
	err := table(r, size, func(key, value []byte) error {
		if !header { // the first key is empty
			header = true
			if len(key) > 0 {
				return fmt.Errorf("tfbundle: %w", ErrHeader)
			}
			return x.header(value)
		}
		if len(x.Entries) == MaxTensors {
			return fmt.Errorf("tfbundle: %w: at most %d", ErrTensors, MaxTensors)
		}
		if len(key) > MaxName || !utf8.Valid(key) {
			return fmt.Errorf("tfbundle: %w: %.64q", ErrName, key)
		}
		e := Entry{Name: string(key)}
		if err := e.parse(value); err != nil {
			return fmt.Errorf("tfbundle: %s: %w", key, err)
		}
		if e.Shard >= x.Shards {
			return fmt.Errorf("tfbundle: %s: %w: %d of %d", key, ErrShard, e.Shard, x.Shards)
		}
		x.Entries = append(x.Entries, e)
		return nil
	})
	if err == nil && !header {
		err = fmt.Errorf("tfbundle: %w", ErrHeader)
	}
	if err == nil {
		err = x.disjoint()
	}
	if err != nil {
		return nil, err
	}
	return x, nil
}

// header reads BundleHeaderProto.
func (x *Index) header(b []byte) error {
	x.Shards = 1
	return fields(b, func(number protowire.Number, v uint64, _ []byte) error {
		switch number {
		case 1: // num_shards
			if v < 1 || v > MaxShards {
				return fmt.Errorf("tfbundle: header: %w: %d shards", ErrShard, v)
			}
			x.Shards = int(v)
		case 2: // endianness
			if v != 0 {
				return fmt.Errorf("tfbundle: header: %w", ErrEndian)
			}
		}
		return nil
	})
}

// parse reads BundleEntryProto.
func (e *Entry) parse(b []byte) error {
	e.Shape = []int{}
	err := fields(b, func(number protowire.Number, v uint64, bytes []byte) error {
		if v > math.MaxInt64 || number <= 3 && v > math.MaxInt32 {
			return fmt.Errorf("%w: field %d is %d", ErrProto, number, v)
		}
		switch number {
		case 1:
			e.DType = DType(v)
		case 2:
			return e.shape(bytes)
		case 3:
			e.Shard = int(v)
		case 4:
			e.Offset = int64(v)
		case 5:
			e.Size = int64(v)
		case 6:
			e.CRC = uint32(v)
		case 7:
			return ErrSliced
		}
		return nil
	})
	if err != nil {
		return err
	}
	n := uint64(1)
	for _, d := range e.Shape {
		hi, lo := bits.Mul64(n, uint64(max(d, 1)))
		if hi != 0 || lo > math.MaxInt/8 {
			return fmt.Errorf("%w: shape %v", ErrOverflow, e.Shape)
		}
		n = lo
	}
	if slices.Contains(e.Shape, 0) {
		n = 0
	}
	if size := e.DType.size(); size > 0 && uint64(e.Size) != n*uint64(size) {
		return fmt.Errorf("%w: %d bytes, shape %v has %d", ErrLength, e.Size, e.Shape, n*uint64(size))
	}
	if e.Offset > math.MaxInt64-e.Size {
		return fmt.Errorf("%w: %d bytes at %d", ErrOverflow, e.Size, e.Offset)
	}
	return nil
}

// shape reads TensorShapeProto.
func (e *Entry) shape(b []byte) error {
	return fields(b, func(number protowire.Number, _ uint64, dim []byte) error {
		if number != 2 {
			return nil
		}
		if len(e.Shape) == MaxRank {
			return fmt.Errorf("%w: at most %d", ErrRank, MaxRank)
		}
		size := 0
		err := fields(dim, func(number protowire.Number, v uint64, _ []byte) error {
			if number == 1 {
				if v > math.MaxInt {
					return fmt.Errorf("%w: a dimension of %d", ErrOverflow, v)
				}
				size = int(v)
			}
			return nil
		})
		e.Shape = append(e.Shape, size)
		return err
	})
}

// fields calls visit for each field of a message: v is the value of a number, bytes that of a string or message.
func fields(b []byte, visit func(number protowire.Number, v uint64, bytes []byte) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return ErrProto
		}
		b = b[n:]
		var v uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var w uint32
			w, n = protowire.ConsumeFixed32(b)
			v = uint64(w)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		default:
			return ErrProto
		}
		if n < 0 {
			return ErrProto
		}
		b = b[n:]
		if err := visit(number, v, bytes); err != nil {
			return err
		}
	}
	return nil
}

// disjoint checks that no byte of the data belongs to two tensors, so that all together are no larger than the data.
func (x *Index) disjoint() error {
	order := slices.Clone(x.Entries)
	slices.SortFunc(order, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size))
	})
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		if a.Shard == b.Shard && a.Offset+a.Size > b.Offset && b.Size > 0 {
			return fmt.Errorf("tfbundle: %s: %w: %s", b.Name, ErrOverlap, a.Name)
		}
	}
	return nil
}

// Text returns the content of a scalar string tensor from its data: length, checksum of the length, bytes
// (tensor_bundle.cc, WriteStringTensor).
func (e Entry) Text(data []byte) ([]byte, error) {
	if e.DType != String || len(e.Shape) != 0 {
		return nil, fmt.Errorf("tfbundle: %s: %w", e.Name, ErrNoStrings)
	}
	length, n := binary.Uvarint(data)
	if n <= 0 || uint64(len(data)-n) < 4 || uint64(len(data)-n-4) != length || length > math.MaxUint32 {
		return nil, fmt.Errorf("tfbundle: %s: %w: %d bytes", e.Name, ErrLength, len(data))
	}
	crc := Update(0, binary.LittleEndian.AppendUint32(nil, uint32(length)))
	sum, text := data[n:n+4], data[n+4:]
	if got := Masked(crc); got != binary.LittleEndian.Uint32(sum) {
		return nil, fmt.Errorf("tfbundle: %s: length: %w", e.Name, ErrChecksum)
	}
	if got := Masked(Update(Update(crc, sum), text)); got != e.CRC {
		return nil, fmt.Errorf("tfbundle: %s: %w: %#x, stored %#x", e.Name, ErrChecksum, got, e.CRC)
	}
	return text, nil
}
