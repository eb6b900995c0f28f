package tfbundle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/golang/snappy"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

func read(b []byte) (*Index, error) { return ReadIndex(bytes.NewReader(b), int64(len(b))) }

// TestIndexOfTheOriginal reads what TensorFlow wrote.
func TestIndexOfTheOriginal(t *testing.T) {
	var indexes [2]*Index
	for i, name := range []string{"plain", "snappy"} {
		b, err := os.ReadFile("testdata/" + name + ".index")
		require.NoError(t, err)
		indexes[i], err = read(b)
		require.NoError(t, err)
	}
	require.Equal(t, indexes[0], indexes[1])
	x := indexes[0]
	require.Equal(t, 1, x.Shards)
	require.Equal(t, 1+742+452, len(x.Entries), "global_step, variables, a Momentum slot of each that is trained")
	byName := map[string]Entry{}
	var end int64
	for _, e := range x.Entries {
		byName[e.Name] = e
		end = max(end, e.Offset+e.Size)
	}
	require.Equal(t, int64(3385616), end, "the entries fill the data file")
	require.Equal(t, []int{7, 7, 3, 64}, byName["spinenet/conv2d/kernel"].Shape)
	require.Equal(t, Int64, byName["global_step"].DType)
	require.Empty(t, byName["global_step"].Shape)
}

// pair is a key and value of a table.
type pair struct{ key, value string }

// blockOf encodes pairs; every second key shares its prefix.
func blockOf(pairs ...pair) []byte {
	var b []byte
	last := ""
	for i, p := range pairs {
		shared := 0
		if i%2 == 1 {
			for shared < min(len(last), len(p.key)) && last[shared] == p.key[shared] {
				shared++
			}
		}
		for _, n := range []int{shared, len(p.key) - shared, len(p.value)} {
			b = binary.AppendUvarint(b, uint64(n))
		}
		b = append(append(b, p.key[shared:]...), p.value...)
		last = p.key
	}
	return append(b, 0, 0, 0, 0, 1, 0, 0, 0) // one restart, at 0
}

// tableOf writes raw blocks behind each other, with an index of them.
func tableOf(compress bool, blocks ...[]byte) []byte {
	var file []byte
	put := func(raw []byte) string {
		kind := byte(0)
		if compress {
			raw, kind = snappy.Encode(nil, raw), 1
		}
		h := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(file))), uint64(len(raw)))
		body := append(bytes.Clone(raw), kind)
		file = append(file, body...)
		file = binary.LittleEndian.AppendUint32(file, Checksum(body))
		return string(h)
	}
	var index []pair
	for i, b := range blocks {
		index = append(index, pair{fmt.Sprintf("%04d", i), put(b)})
	}
	meta := put(blockOf())
	footer := []byte(meta + put(blockOf(index...)))
	footer = append(footer, make([]byte, 40-len(footer))...)
	return binary.LittleEndian.AppendUint64(append(file, footer...), magic)
}

// message encodes fields: number, then a value: int as varint, uint32 as fixed, string as bytes.
func message(parts ...any) string {
	var b []byte
	for i := 0; i < len(parts); i += 2 {
		number := protowire.Number(parts[i].(int))
		switch v := parts[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
		case uint32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), v)
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), v)
		}
	}
	return string(b)
}

func shapeOf(dims ...int) string {
	var parts []any
	for _, d := range dims {
		parts = append(parts, 2, message(1, d))
	}
	return message(parts...)
}

var header = pair{"", message(1, 1, 3, message(1, 1))}

func bundleOf(entries ...pair) []byte {
	return tableOf(false, blockOf(append([]pair{header}, entries...)...))
}

func entry(parts ...any) pair { return pair{"a", message(parts...)} }

func TestReadsAMiniature(t *testing.T) {
	a := pair{"layer/bias", message(1, 1, 2, shapeOf(2), 4, 8, 5, 8, 6, uint32(7))}
	b := pair{"layer/kernel", message(1, 19, 2, shapeOf(1, 2), 5, 4)}
	want := &Index{Shards: 1, Entries: []Entry{
		{"layer/bias", Float, []int{2}, 0, 8, 8, 7},
		{"layer/kernel", Half, []int{1, 2}, 0, 0, 4, 0},
	}}
	for _, file := range [][]byte{
		bundleOf(a, b),
		tableOf(true, blockOf(header, a, b)),
		tableOf(true, blockOf(header, a), blockOf(b)),
	} {
		x, err := read(file)
		require.NoError(t, err)
		require.Equal(t, want, x)
	}
}

func TestRefusesByRule(t *testing.T) {
	good := bundleOf(entry(1, 1, 5, 4))
	_, err := read(good)
	require.NoError(t, err)
	flip := func(at int, bit byte) []byte {
		b := bytes.Clone(good)
		if at < 0 {
			at += len(b)
		}
		b[at] ^= bit
		return b
	}
	withFooter := func(handles ...uint64) []byte {
		b := bytes.Clone(good[:len(good)-footerSize])
		var f []byte
		for _, h := range handles {
			f = binary.AppendUvarint(f, h)
		}
		f = append(f, make([]byte, 40-len(f))...)
		return binary.LittleEndian.AppendUint64(append(b, f...), magic)
	}
	// bomb claims a large decoded length for a small Snappy block.
	bomb := func(n uint64) []byte {
		raw := append(binary.AppendUvarint(nil, n), 0, 'x')
		body := append(raw, 1)
		file := binary.LittleEndian.AppendUint32(bytes.Clone(body), Checksum(body))
		footer := []byte{0, 0, 0, byte(len(raw))}
		footer = append(footer, make([]byte, 36)...)
		return binary.LittleEndian.AppendUint64(append(file, footer...), magic)
	}
	kind := func(k byte) []byte {
		body := append(blockOf(), k)
		file := binary.LittleEndian.AppendUint32(bytes.Clone(body), Checksum(body))
		footer := append([]byte{0, 0, 0, byte(len(body) - 1)}, make([]byte, 36)...)
		return binary.LittleEndian.AppendUint64(append(file, footer...), magic)
	}
	for _, c := range []struct {
		rule error
		name string
		file []byte
	}{
		{ErrFooter, "empty", nil},
		{ErrFooter, "short", good[:47]},
		{ErrFooter, "cut at the end", good[:len(good)-1]},
		{ErrFooter, "other magic", flip(-1, 1)},
		{ErrFooter, "endless varint", append(bytes.Repeat([]byte{0xff}, 40), good[len(good)-8:]...)},
		{ErrHandle, "index beyond the end", withFooter(0, 0, 1<<40, 8)},
		{ErrHandle, "offset and size overflow", withFooter(0, 0, 8, 1<<63)},
		{ErrHandle, "index over the footer's end", withFooter(0, 0, 0, uint64(len(good)-4))},
		{ErrLarge, "Snappy length", bomb(1 << 30)},
		{ErrLarge, "Snappy ratio", bomb(1000)},
		{ErrBlock, "Snappy body", bomb(20)},
		{ErrChecksum, "flipped bit", flip(1, 4)},
		{ErrCompress, "zstd", kind(2)},
		{ErrBlock, "no restarts", tableOf(false, []byte{1, 2})},
		{ErrBlock, "more restarts than bytes", tableOf(false, []byte{0, 0, 0, 0, 255, 255, 255, 255})},
		{ErrBlock, "value beyond the block", tableOf(false, append([]byte{0, 1, 9, 'a'}, 0, 0, 0, 0))},
		{ErrBlock, "shared beyond the last key", tableOf(false, append([]byte{5, 0, 0}, 0, 0, 0, 0))},
		{ErrBlock, "length of 2^63", tableOf(false, append(binary.AppendUvarint([]byte{0, 0}, 1<<63), 0, 0, 0, 0))},
		{ErrOrder, "descending", bundleOf(pair{"b", message()}, pair{"a", message()})},
		{ErrOrder, "twice", bundleOf(pair{"a", message()}, pair{"a", message()})},
		{ErrHeader, "no entries", tableOf(false, blockOf())},
		{ErrHeader, "no header", tableOf(false, blockOf(pair{"a", message(1, 1, 5, 4)}))},
		{ErrEndian, "big-endian", tableOf(false, blockOf(pair{"", message(1, 1, 2, 1)}))},
		{ErrShard, "no shards", tableOf(false, blockOf(pair{"", message(1, 0)}))},
		{ErrShard, "millions of shards", tableOf(false, blockOf(pair{"", message(1, 1<<30)}))},
		{ErrShard, "shard that is not there", bundleOf(entry(1, 1, 3, 1, 5, 4))},
		{ErrProto, "cut message", bundleOf(pair{"a", message(2, "xyz")[:3]})},
		{ErrProto, "group", bundleOf(pair{"a", "\x0b\x0c"})},
		{ErrProto, "negative size", bundleOf(entry(1, 1, 5, -4))},
		{ErrProto, "negative shard", bundleOf(entry(1, 1, 3, -1, 5, 4))},
		{ErrName, "too long", bundleOf(pair{strings.Repeat("n", MaxName+1), message(1, 1, 5, 4)})},
		{ErrName, "not UTF-8", bundleOf(pair{"\xff", message(1, 1, 5, 4)})},
		{ErrRank, "nine", bundleOf(entry(1, 1, 2, shapeOf(1, 1, 1, 1, 1, 1, 1, 1, 1), 5, 4))},
		{ErrOverflow, "product", bundleOf(entry(1, 1, 2, shapeOf(1<<40, 1<<40), 5, 4))},
		{ErrOverflow, "hidden by a zero", bundleOf(entry(1, 1, 2, shapeOf(0, 1<<40, 1<<40)))},
		{ErrOverflow, "negative dimension", bundleOf(entry(1, 1, 2, shapeOf(-1), 5, 4))},
		{ErrOverflow, "end", bundleOf(entry(1, 1, 2, shapeOf(), 4, 1<<63-1, 5, 4))},
		{ErrLength, "too short", bundleOf(entry(1, 1, 2, shapeOf(2), 5, 4))},
		{ErrSliced, "partitioned variable", bundleOf(entry(1, 1, 7, message(1, message(1, 2))))},
		{ErrOverlap, "shared bytes", bundleOf(pair{"a", message(1, 1, 2, shapeOf(2), 5, 8)}, pair{"b", message(1, 1, 4, 4, 5, 4)})},
	} {
		t.Run(c.rule.Error()+"/"+c.name, func(t *testing.T) {
			_, err := read(c.file)
			require.ErrorIs(t, err, c.rule)
		})
	}
}

func TestTooManyTensors(t *testing.T) {
	pairs := []pair{header}
	for i := range MaxTensors + 1 {
		pairs = append(pairs, pair{fmt.Sprintf("%08d", i), ""})
	}
	_, err := read(tableOf(false, blockOf(pairs...)))
	require.ErrorIs(t, err, ErrTensors)
}

func TestText(t *testing.T) {
	text := "a graph"
	crc := crc32.Update(0, castagnoli, []byte{byte(len(text)), 0, 0, 0})
	sum := binary.LittleEndian.AppendUint32(nil, Masked(crc))
	data := append(append([]byte{byte(len(text))}, sum...), text...)
	e := Entry{Name: "g", DType: String, CRC: Masked(Update(Update(crc, sum), []byte(text)))}
	got, err := e.Text(data)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		_, err := e.Text(bad)
		require.Error(t, err, "byte %d", i)
		_, err = e.Text(data[:i])
		require.ErrorIs(t, err, ErrLength)
	}
	e.Shape = []int{1}
	_, err = e.Text(data)
	require.ErrorIs(t, err, ErrNoStrings)
}

func FuzzReadIndex(f *testing.F) {
	a := pair{"a", message(1, 1, 2, shapeOf(2, 3), 4, 8, 5, 24, 6, uint32(7))}
	f.Add(bundleOf(a))
	f.Add(tableOf(true, blockOf(header), blockOf(a, pair{"ab", message(1, 7, 5, 9)})))
	f.Add(bundleOf(entry(1, 1, 2, shapeOf(1<<40, 1<<40), 5, 4)))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Most mutations break a checksum, which would hide what lies behind it: they are repaired first.
		repair(b)
		x, err := read(b)
		if err != nil {
			return
		}
		for _, e := range x.Entries {
			if e.Shard >= x.Shards || e.Offset < 0 || e.Size < 0 || e.Offset+e.Size < e.Offset || len(e.Shape) > MaxRank {
				t.Fatalf("accepted %+v", e)
			}
		}
	})
}

// repair sets the checksums of the index block and of the blocks it points to.
func repair(b []byte) {
	if len(b) < footerSize {
		return
	}
	fix := func(h handle) []byte {
		if h.offset > uint64(len(b)) || h.size > uint64(len(b)) || h.offset+h.size+trailer > uint64(len(b)) {
			return nil
		}
		end := h.offset + h.size + 1
		binary.LittleEndian.PutUint32(b[end:], Checksum(b[h.offset:end]))
		return b[h.offset : end-1]
	}
	_, rest, _ := readHandle(b[len(b)-footerSize : len(b)-8])
	index, _, ok := readHandle(rest)
	if !ok {
		return
	}
	if raw := fix(index); raw != nil {
		_ = entries(raw, index, func(_, value []byte) error {
			if h, _, ok := readHandle(value); ok {
				fix(h)
			}
			return nil
		})
		fix(index)
	}
}
