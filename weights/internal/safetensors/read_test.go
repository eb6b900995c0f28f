package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// file puts the length before header and n bytes of data behind it.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func read(b []byte) (*Header, error) { return Read(bytes.NewReader(b), int64(len(b))) }

// one is a header member for a tensor of F32 scalars at the offsets.
func one(name string, begin, end int) string {
	return fmt.Sprintf(`"%s":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}`, name, max(0, (end-begin)/4), begin, end)
}

func TestReadRefusesByRule(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, c := range []struct {
		rule error
		name string
		file []byte
	}{
		{ErrShort, "empty file", nil},
		{ErrShort, "seven bytes", make([]byte, 7)},
		{ErrHeaderLarge, "length of 2^63", binary.LittleEndian.AppendUint64(nil, 1<<63)},
		{ErrHeaderLarge, "one byte above the limit", file("{}"+strings.Repeat(" ", MaxHeader-1), 0)},
		{ErrHeaderBeyond, "cut header", file(`{"a":1}`, 0)[:12]},
		{ErrHeaderStart, "no header", file("", 0)},
		{ErrHeaderStart, "space first", file(" {}", 0)},
		{ErrHeaderStart, "array", file("[]", 0)},
		{ErrUTF8, "bad byte in a name", file("{\"\xff\":"+one("x", 0, 0)[4:]+"}", 0)},
		{ErrSyntax, "not closed", file("{", 0)},
		{ErrSyntax, "trailing comma", file("{"+one("a", 0, 4)+",}", 4)},
		{ErrSyntax, "name without quotes", file(`{a:1}`, 0)},
		{ErrSyntax, "number for a tensor", file(`{"a":1}`, 0)},
		{ErrSyntax, "null for a tensor", file(`{"a":null}`, 0)},
		{ErrSyntax, "text behind the header", file("{}x", 0)},
		{ErrSyntax, "newline behind the header", file("{}\n", 0)},
		{ErrSyntax, "zero byte behind the header", file("{}\x00", 0)},
		{ErrSyntax, "control character in a name", file("{\"a\n\":"+one("x", 0, 0)[4:]+"}", 0)},
		{ErrSyntax, "unknown escape", file(`{"\x":1}`, 0)},
		{ErrSyntax, "half a surrogate pair", file(`{"\ud800":1}`, 0)},
		{ErrSyntax, "cut escape", file(`{"\u12`, 0)},
		{ErrSyntax, "negative dimension", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4)},
		{ErrSyntax, "fraction", file(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, 4)},
		{ErrSyntax, "leading zero", file(`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, 4)},
		{ErrSyntax, "exponent", file(`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, 4)},
		{ErrSyntax, "one offset", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4)},
		{ErrSyntax, "three offsets", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4)},
		{ErrField, "unknown field", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4)},
		{ErrField, "no dtype", file(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4)},
		{ErrField, "no shape", file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4)},
		{ErrField, "no offsets", file(`{"a":{"dtype":"F32","shape":[1]}}`, 4)},
		{ErrDuplicate, "tensor", file("{"+one("a", 0, 4)+","+one("a", 4, 8)+"}", 8)},
		{ErrDuplicate, "tensor, once escaped", file("{"+one("a", 0, 4)+","+one(`\u0061`, 4, 8)+"}", 8)},
		{ErrDuplicate, "field", file(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)},
		{ErrDuplicate, "__metadata__", file(`{"__metadata__":{},"__metadata__":{}}`, 0)},
		{ErrDuplicate, "metadata key", file(`{"__metadata__":{"a":"1","a":"2"}}`, 0)},
		{ErrMetadata, "number", file(`{"__metadata__":{"a":1}}`, 0)},
		{ErrMetadata, "array", file(`{"__metadata__":[]}`, 0)},
		{ErrTensors, "65,537 tensors", file(many(MaxTensors+1), 0)},
		{ErrName, "513 bytes", file("{"+one(strings.Repeat("n", MaxName+1), 0, 4)+"}", 4)},
		{ErrRank, "nine dimensions", file(`{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`, 4)},
		{ErrType, "F4", file(`{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,8]}}`, 8)},
		{ErrType, "empty", file(`{"a":{"dtype":"","shape":[1],"data_offsets":[0,4]}}`, 4)},
		{ErrOverflow, "dimension above an int", file(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`, 4)},
		{ErrOverflow, "product above 2^64", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}`, 0)},
		{ErrOverflow, "product hidden by a zero", file(`{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`, 0)},
		{ErrOverflow, "bytes above an int", file(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, 0)},
		{ErrOffsets, "backwards", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4)},
		{ErrLength, "too short", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4)},
		{ErrLength, "too long", file(`{"a":{"dtype":"F16","shape":[],"data_offsets":[0,4]}}`, 4)},
		{ErrHole, "between tensors", file("{"+one("a", 0, 4)+","+one("b", 8, 12)+"}", 12)},
		{ErrHole, "before the first", file("{"+one("a", 4, 8)+"}", 8)},
		{ErrOverlap, "shared bytes", file("{"+one("a", 0, 8)+","+one("b", 4, 12)+"}", 12)},
		{ErrOverlap, "the same bytes", file("{"+one("a", 0, 4)+","+one("b", 0, 4)+"}", 4)},
		{ErrBeyond, "cut data", file("{"+one("a", 0, 8)+"}", 7)},
		{ErrTrailing, "one byte more", file("{"+one("a", 0, 8)+"}", 9)},
		{ErrTrailing, "data without tensors", file("{}", 1)},
	} {
		t.Run(c.rule.Error()+"/"+c.name, func(t *testing.T) {
			_, err := read(c.file)
			require.ErrorIs(t, err, c.rule)
		})
	}
}

func TestReadAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want *Header
	}{
		"nothing": {file("{}", 0), &Header{Entries: []Entry{}, Metadata: map[string]string{}}},
		"spaces, escapes, any order": {
			file(` { "b\u00fc\ud83d\ude00" : { "data_offsets":[ 4 , 6 ] , "shape" : [ ] , "dtype":"F16" },"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"__metadata__":{"k":"\"v\"\n"}}  `[1:], 6),
			nil},
		"names and ranks at the limit": {file(fmt.Sprintf(`{"%s":{"dtype":"BF16","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,2]}}`, strings.Repeat("n", MaxName)), 2), nil},
		"empty tensors share a place":  {file("{"+one("a", 0, 0)+","+one("b", 0, 4)+","+one("c", 4, 4)+"}", 4), nil},
	} {
		h, err := read(c.file)
		require.NoError(t, err, name)
		if c.want != nil {
			require.Equal(t, c.want, h, name)
		}
		if name == "spaces, escapes, any order" {
			n := int64(len(c.file))
			require.Equal(t, []Entry{{"a", dtype.F32, []int{1, 1}, n - 6, n - 2}, {"bü😀", dtype.F16, []int{}, n - 2, n}}, h.Entries)
			require.Equal(t, map[string]string{"k": "\"v\"\n"}, h.Metadata)
		}
	}
}

// TestRefusingIsCheap measures what headers cost that are refused as late as possible.
func TestRefusingIsCheap(t *testing.T) {
	var small, escaped, ranks strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&small, `,"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
		fmt.Fprintf(&ranks, `,"%d":{"dtype":"F32","shape":[0,0,0,0,0,0,0,0],"data_offsets":[0,0]}`, i)
	}
	for i := range 20000 {
		fmt.Fprintf(&escaped, `,"\u0061%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
	}
	for name, members := range map[string]string{"small": small.String(), "escaped": escaped.String(), "ranks": ranks.String()} {
		b := file("{"+members[1:]+"}", 1) // the trailing byte is found last
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(b)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, ErrTrailing)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(4*(len(b)-9)+4096), name)
	}
}

func TestWriteReadsBack(t *testing.T) {
	data := func(b ...byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	items := []Item{
		{Entry{Name: "half", Type: dtype.F16, Shape: []int{3}}, data(1, 2, 3, 4, 5, 6)},
		{Entry{Name: "z/<&>\"", Type: dtype.F32, Shape: []int{1, 2}}, data(1, 2, 3, 4, 5, 6, 7, 8)},
		{Entry{Name: "a", Type: dtype.F32}, data(9, 9, 9, 9)},
		{Entry{Name: "step", Type: dtype.I64}, data(1, 0, 0, 0, 0, 0, 0, 0)},
	}
	var a, b bytes.Buffer
	meta := map[string]string{"config": `{"x":"<ü>"}`, "a": ""}
	require.NoError(t, Write(&a, items, meta))
	items[0], items[2] = items[2], items[0]
	require.NoError(t, Write(&b, items, meta))
	require.Equal(t, a.Bytes(), b.Bytes(), "the order of the items must not matter")
	h, err := read(a.Bytes())
	require.NoError(t, err)
	require.Equal(t, meta, h.Metadata)
	for _, e := range h.Entries {
		require.Zero(t, e.Begin%int64(e.Type.Size()), e.Name)
	}
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6}, a.Bytes()[h.Entries[1].Begin:h.Entries[1].End])

	items[0].Write = data(1)
	require.ErrorIs(t, Write(io.Discard, items, nil), ErrLength)
	items[0].Name = items[1].Name
	require.ErrorIs(t, Write(io.Discard, items, nil), ErrDuplicate)
	require.ErrorIs(t, Write(io.Discard, nil, map[string]string{"a": "\xff"}), ErrUTF8)
}

func FuzzRead(f *testing.F) {
	f.Add(file("{}", 0))
	f.Add(file("{"+one("a", 0, 4)+","+one("b", 4, 12)+`,"__metadata__":{"k":"\u00fc"}}   `, 12))
	f.Add(file(`{"a":{"dtype":"F16","shape":[2,0,3],"data_offsets":[0,0]},"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`, 8))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := read(b)
		if err != nil {
			return
		}
		items := make([]Item, len(h.Entries))
		total := int64(0)
		for i, e := range h.Entries {
			total += e.End - e.Begin
			part := b[e.Begin:e.End]
			items[i] = Item{e, func(w io.Writer) error { _, err := w.Write(part); return err }}
		}
		if want := int64(len(b)) - 8 - int64(binary.LittleEndian.Uint64(b)); total != want {
			t.Fatalf("tensors hold %d bytes of %d", total, want)
		}
		var out bytes.Buffer
		if err := Write(&out, items, h.Metadata); err != nil {
			t.Fatal(err)
		}
		again, err := read(out.Bytes())
		if err != nil || len(again.Entries) != len(h.Entries) {
			t.Fatal("written file differs", err)
		}
	})
}
