package safetensors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadIndex(t *testing.T) {
	x, err := ReadIndex(`{
  "metadata": {"total_size": 24, "format": ["pt", {"a": null, "b": [true, -1.5e3]}]},
  "weight_map": {"b": "m-00002-of-00002.safetensors", "a.\u00e9": "m-00001-of-00002.safetensors", "c": "m-00002-of-00002.safetensors"},
  "more": []
}
`)
	require.NoError(t, err)
	require.Equal(t, &Index{
		Total:  24,
		Shards: []string{"m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"},
		Shard:  map[string]int{"a.é": 0, "b": 1, "c": 1},
	}, x)
	x, err = ReadIndex(`{"weight_map":{"a":"s"},"metadata":{"total_size":1.5e+10}}`)
	require.NoError(t, err)
	require.EqualValues(t, 15e9, x.Total)
	x, err = ReadIndex(`{"weight_map":{"a":"s"},"metadata":null}`)
	require.NoError(t, err)
	require.EqualValues(t, -1, x.Total)
}

func TestReadIndexRefusesByRule(t *testing.T) {
	mapOf := func(members string) string { return `{"weight_map":{` + members + `}}` }
	var shards, tensors strings.Builder
	for i := range MaxShards + 1 {
		fmt.Fprintf(&shards, `"%d":"s%d",`, i, i)
	}
	for i := range MaxTensors + 1 {
		fmt.Fprintf(&tensors, `"%d":"s",`, i)
	}
	for _, c := range []struct {
		rule error
		name string
		text string
	}{
		{ErrSyntax, "empty", ""},
		{ErrSyntax, "no object", "[]"},
		{ErrSyntax, "cut", mapOf(`"a":"s"`)[:20]},
		{ErrSyntax, "behind", mapOf(`"a":"s"`) + "x"},
		{ErrSyntax, "zero behind", mapOf(`"a":"s"`) + "\x00"},
		{ErrSyntax, "a number for a file", mapOf(`"a":1`)},
		{ErrSyntax, "a word", `{"x":yes,"weight_map":{"a":"s"}}`},
		{ErrSyntax, "infinity", `{"x":inf,"weight_map":{"a":"s"}}`},
		{ErrSyntax, "deep", `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"weight_map":{"a":"s"}}`},
		{ErrSyntax, "part of a byte", `{"metadata":{"total_size":1.5},"weight_map":{"a":"s"}}`},
		{ErrSyntax, "fewer than none", `{"metadata":{"total_size":-1},"weight_map":{"a":"s"}}`},
		{ErrSyntax, "a text for bytes", `{"metadata":{"total_size":"1"},"weight_map":{"a":"s"}}`},
		{ErrField, "no map", `{"metadata":{}}`},
		{ErrField, "empty map", mapOf("")},
		{ErrDuplicate, "tensor twice", mapOf(`"a":"s","a":"t"`)},
		{ErrDuplicate, "map twice", `{"weight_map":{"a":"s"},"weight_map":{"b":"s"}}`},
		{ErrDuplicate, "metadata twice", `{"metadata":{},"metadata":{},"weight_map":{"b":"s"}}`},
		{ErrName, "long name", mapOf(`"` + strings.Repeat("a", MaxName+1) + `":"s"`)},
		{ErrUTF8, "bad byte", mapOf("\"\xff\":\"s\"")},
		{ErrHeaderLarge, "large", strings.Repeat(" ", MaxIndex+1)},
		{ErrTensors, "many tensors", mapOf(strings.TrimSuffix(tensors.String(), ","))},
		{ErrShards, "many files", mapOf(strings.TrimSuffix(shards.String(), ","))},
		{ErrShard, "parent", mapOf(`"a":".."`)},
		{ErrShard, "path", mapOf(`"a":"../x.safetensors"`)},
		{ErrShard, "folder", mapOf(`"a":"b/x.safetensors"`)},
		{ErrShard, "absolute", mapOf(`"a":"/x.safetensors"`)},
		{ErrShard, "escaped slash", mapOf(`"a":"..\u002fx.safetensors"`)},
		{ErrShard, "path of Windows", mapOf(`"a":"b\\x.safetensors"`)},
		{ErrShard, "drive", mapOf(`"a":"C:x.safetensors"`)},
		{ErrShard, "no name", mapOf(`"a":""`)},
		{ErrShard, "zero byte", mapOf(`"a":"x\u0000"`)},
		{ErrShard, "long file", mapOf(`"a":"` + strings.Repeat("a", MaxName+1) + `"`)},
	} {
		_, err := ReadIndex(c.text)
		require.ErrorIs(t, err, c.rule, c.name)
		require.NotContains(t, err.Error(), "header byte", c.name)
	}
}

// FuzzIndex reads texts: nothing may panic, and what is accepted names files in the same folder.
func FuzzIndex(f *testing.F) {
	f.Add(`{"metadata":{"total_size":24},"weight_map":{"a":"m-00001-of-00001.safetensors"}}`)
	f.Add(`{"weight_map":{"a":"..","b":"\u002f"},"x":[{"y":-1e3},null,"\n"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ReadIndex(text)
		if err != nil {
			return
		}
		used := map[int]bool{}
		for name, i := range x.Shard {
			used[i] = true
			if len(name) > MaxName {
				t.Fatal(name)
			}
		}
		for _, s := range x.Shards {
			if s == "" || s == "." || s == ".." || strings.ContainsAny(s, `/\:`) {
				t.Fatalf("%q", s)
			}
		}
		if len(used) != len(x.Shards) || x.Total < -1 {
			t.Fatal("a file without tensors")
		}
	})
}
