package safetensors

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of an index.
const (
	MaxIndex  = 16 << 20 // bytes
	MaxShards = 1024
	maxNested = 16 // containers within each other, in what is passed over
)

// Index lists the tensors of several files, as model.safetensors.index.json does (huggingface_hub, serialization/_torch.py): {"metadata": {"total_size": bytes},
// "weight_map": {tensor: file}}.
type Index struct {
	Total  int64          // bytes of all tensors; −1: the index does not say
	Shards []string       // names of the files, sorted, all in the folder of the index
	Shard  map[string]int // tensor → its file
}

// ReadIndex reads and checks an index.
func ReadIndex(text string) (*Index, error) {
	c := &scanner{s: text, what: "index"}
	switch {
	case len(text) > MaxIndex:
		return nil, fmt.Errorf("safetensors: index: %w: %d bytes, at most %d", ErrHeaderLarge, len(text), MaxIndex)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("safetensors: index: %w", ErrUTF8)
	}
	x := &Index{Total: -1}
	files := map[string]string{}
	maps, metas := 0, 0
	err := c.object(func(key string) error {
		switch key {
		case "weight_map":
			if maps++; maps > 1 {
				return c.fail(ErrDuplicate, "weight_map")
			}
			return c.object(func(name string) error { return c.shard(files, name) })
		case "metadata":
			if metas++; metas > 1 {
				return c.fail(ErrDuplicate, "metadata")
			}
			if c.peek() != '{' {
				return c.skip(0)
			}
			return c.object(func(key string) error {
				if key == "total_size" {
					return c.total(&x.Total)
				}
				return c.skip(0)
			})
		}
		return c.skip(0)
	})
	if err != nil {
		return nil, err
	}
	if c.peek(); c.pos < len(c.s) {
		return nil, c.fail(ErrSyntax, "%s behind the index", c.found())
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("safetensors: index: %w: no weight_map with tensors", ErrField)
	}
	return x, x.gather(files)
}

// gather numbers the files.
func (x *Index) gather(files map[string]string) error {
	for _, file := range files {
		x.Shards = append(x.Shards, file)
	}
	slices.Sort(x.Shards)
	if x.Shards = slices.Compact(x.Shards); len(x.Shards) > MaxShards {
		return fmt.Errorf("safetensors: index: %w: %d, at most %d", ErrShards, len(x.Shards), MaxShards)
	}
	number := map[string]int{}
	for i, file := range x.Shards {
		number[file] = i
	}
	x.Shard = make(map[string]int, len(files))
	for name, file := range files {
		x.Shard[name] = number[file]
	}
	return nil
}

// shard reads the file of a tensor.
func (c *scanner) shard(files map[string]string, name string) error {
	switch {
	case len(name) > MaxName:
		return c.fail(ErrName, "%d bytes, at most %d", len(name), MaxName)
	case len(files) == MaxTensors:
		return c.fail(ErrTensors, "at most %d", MaxTensors)
	}
	if _, ok := files[name]; ok {
		return c.fail(ErrDuplicate, "%q", name)
	}
	file, err := c.str()
	if err != nil {
		return err
	}
	if file == "" || file == "." || file == ".." || len(file) > MaxName || strings.ContainsAny(file, "/\\:\x00") {
		return c.fail(ErrShard, "%.128q, of %.64q", file, name)
	}
	files[name] = file
	return nil
}

// total reads a number of bytes, which some programs write as 1.5e+10.
func (c *scanner) total(to *int64) error {
	start := c.pos
	c.peek()
	v, err := strconv.ParseFloat(c.literal(), 64)
	if err != nil || v < 0 || v != math.Trunc(v) || v > 1<<53 {
		c.pos = start
		return c.fail(ErrSyntax, "%s, want a number of bytes", c.found())
	}
	*to = int64(v)
	return nil
}

// literal reads what may be a number or a word.
func (c *scanner) literal() string {
	start := c.pos
	for c.pos < len(c.s) && (c.s[c.pos] >= '0' && c.s[c.pos] <= '9' || c.s[c.pos] >= 'a' && c.s[c.pos] <= 'z' || strings.IndexByte("+-.E", c.s[c.pos]) >= 0) {
		c.pos++
	}
	return c.s[start:c.pos]
}

// skip passes over any value.
func (c *scanner) skip(depth int) error {
	if depth == maxNested {
		return c.fail(ErrSyntax, "values within each other, at most %d", maxNested)
	}
	switch c.peek() {
	case '{':
		return c.object(func(string) error { return c.skip(depth + 1) })
	case '[':
		return c.list('[', ']', func() error { return c.skip(depth + 1) })
	case '"':
		_, err := c.str()
		return err
	}
	start := c.pos
	switch word := c.literal(); word {
	case "true", "false", "null":
		return nil
	default:
		if _, err := strconv.ParseFloat(word, 64); err == nil && (word[0] == '-' || '0' <= word[0] && word[0] <= '9') {
			return nil
		}
	}
	c.pos = start
	return c.fail(ErrSyntax, "%s, want a value", c.found())
}
