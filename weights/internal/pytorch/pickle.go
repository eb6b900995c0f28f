package pytorch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// A pickle is a program for a stack machine. This machine has the instructions that make data, those of protocols 2 to 5
// that PyTorch's checkpoints use. It looks nothing up and calls nothing: a name is a value, and applying one of the few
// names in rebuild.go has a fixed meaning. Every other name is opaque: a value of which nothing is known but the name.
// Calling an opaque value, or setting its state, items or attributes, gives an opaque value again. So the options, logs
// and counters that training scripts keep beside the weights do no harm, and a tensor made by unknown means is known as such.

// One error per rule of the pickle.
var (
	ErrGlobal    = errors.New("nothing but objects of classes that are not read")
	ErrOpcode    = errors.New("opcode is not supported")
	ErrStack     = errors.New("malformed pickle")
	ErrTruncated = errors.New("file ends inside a pickle")
	ErrSteps     = errors.New("pickle has more instructions than allowed")
	ErrMade      = errors.New("pickle makes more than it has bytes for")
	ErrText      = errors.New("string is longer than the file or not UTF-8")
)

// maxSteps bounds the instructions of a pickle. A checkpoint of a detector takes 30,000 to 100,000. What each can make is bounded by the bytes of the pickle, see
// machine.spare.
const maxSteps = 2 << 20

// The values that a pickle makes: nil, bool, int64, float64, string, long, tuple, *list, *dict, global, *storage, *array,
// opaque, and those of numpy.go.
type (
	long   []byte // an integer beyond 64 bits, little-endian
	tuple  []any
	list   struct{ items []any }
	dict   struct{ keys, values []any } // in order of insertion
	global struct{ module, name string }
	opaque struct{ name string } // made by the global of that name, whose meaning is not known
)

func (g global) String() string { return g.module + "." + g.name }

// machine runs one pickle.
type machine struct {
	in      *input
	stack   []any
	marks   []int
	memo    map[uint64]any
	persist func(id any) (any, error) // the object behind a persistent id
	// spare is how many bytes of the pickle have not been copied by calls: each is, once. Values that are kept can be copied any number of times.
	spare int64
}

// unpickle runs the pickle at the input and returns its result.
func unpickle(in *input, persist func(id any) (any, error)) (any, error) {
	m := &machine{in: in, memo: map[uint64]any{}, persist: persist, spare: in.size - in.at}
	for range maxSteps {
		at := in.at
		op, err := in.bytes(1)
		if err != nil {
			return nil, fmt.Errorf("pytorch: %w", err)
		}
		if op[0] == opStop {
			v, err := m.pop()
			if err != nil {
				return nil, fmt.Errorf("pytorch: byte %d: %w", at, err)
			}
			return v, nil
		}
		if err := m.step(op[0]); err != nil {
			return nil, fmt.Errorf("pytorch: byte %d: opcode %q: %w", at, op[0], err)
		}
	}
	return nil, fmt.Errorf("pytorch: byte %d: %w: %d", in.at, ErrSteps, maxSteps)
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	n := len(m.stack)
	if n == 0 || len(m.marks) > 0 && m.marks[len(m.marks)-1] == n {
		return nil, fmt.Errorf("%w: nothing on the stack", ErrStack)
	}
	v := m.stack[n-1]
	m.stack = m.stack[:n-1]
	return v, nil
}

// top returns the value that the next pop would.
func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err == nil {
		m.push(v)
	}
	return v, err
}

// popMark returns what was pushed since the last mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("%w: no mark", ErrStack)
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	items := append([]any(nil), m.stack[at:]...)
	m.stack = m.stack[:at]
	return items, nil
}

// popN returns the last n values.
func (m *machine) popN(n int) ([]any, error) {
	items := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

// The opcodes, named as in Python's pickletools.
const (
	opMark, opStop, opPop, opPopMark, opDup                         = '(', '.', '0', '1', '2'
	opNone, opTrue, opFalse                                         = 'N', 0x88, 0x89
	opInt1, opInt2, opInt4, opLong1, opFloat                        = 'K', 'M', 'J', 0x8a, 'G'
	opText, opShortText, opText8, opShortString                     = 'X', 0x8c, 0x8d, 'U'
	opString                                                        = 'T'
	opBytes, opShortBytes, opBytes8, opByteArray8                   = 'B', 'C', 0x8e, 0x96
	opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3             = ')', 't', 0x85, 0x86, 0x87
	opEmptyList, opAppend, opAppends, opList                        = ']', 'a', 'e', 'l'
	opEmptyDict, opSetItem, opSetItems, opDict                      = '}', 's', 'u', 'd'
	opEmptySet, opAddItems, opFrozenSet                             = 0x8f, 0x90, 0x91
	opPut, opLongPut, opGet, opLongGet, opMemoize                   = 'q', 'r', 'h', 'j', 0x94
	opGlobal, opStackGlobal, opReduce, opNewObject, opBuild, opPers = 'c', 0x93, 'R', 0x81, 'b', 'Q'
	opInstance, opObject, opNewObjectEx                             = 'i', 'o', 0x92
	opProto, opFrame                                                = 0x80, 0x95
)

// step runs one instruction.
func (m *machine) step(op byte) error {
	switch op {
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opPop:
		_, err := m.pop()
		return err
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		v, err := m.top()
		m.push(v)
		return err
	case opProto:
		v, err := m.in.uint(1)
		if err == nil && (v < 2 || v > 5) {
			err = fmt.Errorf("%w: protocol %d", ErrOpcode, v)
		}
		return err
	case opFrame:
		_, err := m.in.uint(8)
		return err
	case opPut, opLongPut, opGet, opLongGet, opMemoize:
		return m.remember(op)
	case opEmptyList, opAppend, opAppends, opList, opEmptyDict, opSetItem, opSetItems, opDict, opEmptySet, opAddItems, opFrozenSet:
		return m.container(op)
	case opGlobal, opStackGlobal, opReduce, opNewObject, opNewObjectEx, opInstance, opObject, opBuild, opPers:
		return m.object(op)
	}
	v, err := m.value(op)
	m.push(v)
	return err
}

// value reads a number, a string or a tuple.
func (m *machine) value(op byte) (any, error) {
	switch op {
	case opNone:
		return nil, nil
	case opTrue:
		return true, nil
	case opFalse:
		return false, nil
	case opInt1:
		v, err := m.in.uint(1)
		return int64(v), err
	case opInt2:
		v, err := m.in.uint(2)
		return int64(v), err
	case opInt4:
		v, err := m.in.uint(4)
		return int64(int32(v)), err
	case opLong1:
		return m.long()
	case opFloat: // big-endian
		b, err := m.in.bytes(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case opText:
		return m.text(4)
	case opShortText:
		return m.text(1)
	case opText8:
		return m.text(8)
	case opString:
		return m.string(4)
	case opShortString:
		return m.string(1)
	case opBytes:
		return m.skipBytes(4)
	case opShortBytes:
		return m.skipBytes(1)
	case opBytes8, opByteArray8:
		return m.skipBytes(8)
	case opEmptyTuple:
		return tuple(nil), nil
	case opTuple:
		items, err := m.popMark()
		return tuple(items), err
	case opTuple1, opTuple2, opTuple3:
		items, err := m.popN(int(op-opTuple1) + 1)
		return tuple(items), err
	}
	return nil, ErrOpcode
}

// maxText bounds the texts that are kept. Longer ones are no names: arrays of NumPy are pickled as texts, too.
const maxText = 1 << 16 // bytes

// text reads a text whose length takes n bytes.
func (m *machine) text(n int) (any, error) {
	b, long, err := m.short(n)
	if err != nil || b == nil {
		long.text = true
		return long, err
	}
	if !utf8.Valid(b) {
		return nil, ErrText
	}
	return string(b), nil
}

// string reads a string of Python 2, which is text or bytes.
func (m *machine) string(n int) (any, error) {
	b, long, err := m.short(n)
	if err != nil || b == nil || !utf8.Valid(b) {
		return long, err
	}
	return string(b), nil
}

// short reads bytes whose length takes n bytes, and says where they stand; it passes over more than are kept, and gives nil.
func (m *machine) short(n int) ([]byte, raw, error) {
	length, err := m.in.uint(n)
	if err != nil {
		return nil, raw{}, err
	}
	at := raw{offset: m.in.at, size: int64(length)}
	if length > maxText {
		return nil, at, m.in.skip(length)
	}
	b, err := m.in.bytes(length)
	return b, at, err
}

// skipBytes passes over bytes whose length takes n bytes: they stay in the file.
func (m *machine) skipBytes(n int) (any, error) {
	length, err := m.in.uint(n)
	if err != nil {
		return nil, err
	}
	at := raw{offset: m.in.at, size: int64(length)}
	return at, m.in.skip(length)
}

// long reads an integer of any size in two's complement.
func (m *machine) long() (any, error) {
	n, err := m.in.uint(1)
	if err != nil {
		return nil, err
	}
	b, err := m.in.bytes(n)
	if err != nil || n > 8 {
		return long(b), err
	}
	var v int64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	if shift := 64 - 8*len(b); len(b) > 0 {
		v = v << shift >> shift // extends the sign
	}
	return v, nil
}

// remember keeps values under numbers, or brings them back.
func (m *machine) remember(op byte) error {
	if op == opMemoize {
		v, err := m.top()
		m.memo[uint64(len(m.memo))] = v
		return err
	}
	n := 1
	if op == opLongPut || op == opLongGet {
		n = 4
	}
	key, err := m.in.uint(n)
	if err != nil {
		return err
	}
	if op == opPut || op == opLongPut {
		v, err := m.top()
		m.memo[key] = v
		return err
	}
	v, ok := m.memo[key]
	if !ok {
		return fmt.Errorf("%w: nothing is kept as %d", ErrStack, key)
	}
	m.push(v)
	return nil
}

// container makes lists and dictionaries and fills them.
func (m *machine) container(op byte) error {
	var items []any
	var err error
	switch op {
	case opEmptyList:
		m.push(&list{})
		return nil
	case opEmptyDict:
		m.push(&dict{})
		return nil
	case opEmptySet:
		m.push(opaque{"set"})
		return nil
	case opAppend:
		items, err = m.popN(1)
	case opSetItem:
		items, err = m.popN(2)
	default:
		items, err = m.popMark()
	}
	if err != nil {
		return err
	}
	switch op {
	case opList:
		m.push(&list{items})
		return nil
	case opFrozenSet:
		m.push(opaque{"frozenset"})
		return nil
	case opDict:
		m.push(&dict{})
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch c := v.(type) {
	case opaque:
		return nil
	case *list:
		if op == opAppend || op == opAppends {
			c.items = append(c.items, items...)
			return nil
		}
	case *dict:
		if op != opAppend && op != opAppends && op != opAddItems && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				c.keys, c.values = append(c.keys, items[i]), append(c.values, items[i+1])
			}
			return nil
		}
	}
	return fmt.Errorf("%w: %d values into %T", ErrStack, len(items), v)
}

// object handles names, their application, and objects outside the pickle.
func (m *machine) object(op byte) error {
	switch op {
	case opGlobal, opInstance:
		module, err := m.in.line()
		if err != nil {
			return err
		}
		name, err := m.in.line()
		if err != nil {
			return err
		}
		if op == opGlobal {
			m.push(known(global{module, name}))
			return nil
		}
		args, err := m.popMark()
		if err != nil {
			return err
		}
		return m.call(known(global{module, name}), tuple(args))
	case opObject:
		items, err := m.popMark()
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return fmt.Errorf("%w: an object without a class", ErrStack)
		}
		return m.call(items[0], tuple(items[1:]))
	case opPers:
		id, err := m.pop()
		if err != nil {
			return err
		}
		v, err := m.persist(id)
		m.push(v)
		return err
	case opNewObjectEx: // class, arguments, arguments by name
		items, err := m.popN(3)
		if err != nil {
			return err
		}
		return m.call(items[0], items[1])
	}
	pair, err := m.popN(2)
	if err != nil {
		return err
	}
	switch op {
	case opStackGlobal:
		module, ok := pair[0].(string)
		name, ok2 := pair[1].(string)
		if !ok || !ok2 {
			return fmt.Errorf("%w: a name of %T and %T", ErrStack, pair[0], pair[1])
		}
		m.push(known(global{module, name}))
		return nil
	case opBuild: // sets attributes, such as _metadata of a state dictionary; only data have any here
		switch v := pair[0].(type) {
		case *dict, *array, opaque:
			m.push(pair[0])
			return nil
		case *npType:
			v.build(pair[1])
			m.push(v)
			return nil
		case *npArray:
			m.push(v)
			return v.build(pair[1])
		}
		return fmt.Errorf("%w: a state for %T", ErrStack, pair[0])
	default: // opReduce, opNewObject
		return m.call(pair[0], pair[1])
	}
}

// call pushes what applying f to arguments gives.
func (m *machine) call(f, args any) error {
	if o, ok := f.(opaque); ok {
		m.push(o)
		return nil
	}
	g, ok := f.(global)
	list, ok2 := args.(tuple)
	if o, unknown := args.(opaque); ok && unknown {
		m.push(o)
		return nil
	}
	if !ok || !ok2 {
		return fmt.Errorf("%w: %T applied to %T", ErrStack, f, args)
	}
	v, err := apply(g, list)
	m.push(v)
	const itemBytes = 4 // that a pair of values takes in a pickle, at least
	switch v := v.(type) {
	case *dict:
		m.spare -= int64(itemBytes * len(v.keys))
	case encoded:
		m.spare -= int64(len(v))
	}
	if err == nil && m.spare < 0 {
		err = ErrMade
	}
	return err
}
