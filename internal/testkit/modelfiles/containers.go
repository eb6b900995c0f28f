package modelfiles

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// floats are values as little-endian float32.
func floats(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Safetensors is a file of safetensors.
func Safetensors(list []Tensor) []byte {
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var data []byte
	for _, t := range list {
		begin := len(data)
		data = append(data, floats(t.Values)...)
		header[t.Name] = map[string]any{"dtype": "F32", "shape": t.Shape, "data_offsets": []int{begin, len(data)}}
	}
	text, _ := json.Marshal(header)
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), data...)
}

// Sharded writes several files of safetensors and their index to a folder, and returns the path of the index.
func Sharded(folder string, list []Tensor, shards int) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	weightMap := map[string]string{}
	total := 0
	for i := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, shards)
		part := list[i*len(list)/shards : (i+1)*len(list)/shards]
		for _, t := range part {
			weightMap[t.Name] = name
			total += 4 * len(t.Values)
		}
		if err := os.WriteFile(filepath.Join(folder, name), Safetensors(part), 0o644); err != nil {
			return "", err
		}
	}
	text, _ := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}, "", "  ")
	index := filepath.Join(folder, "model.safetensors.index.json")
	return index, os.WriteFile(index, text, 0o644)
}

// Item is a key of a pickled dictionary and its value: a string, Items, a Tensor, or a []Tensor, which is a dictionary of arrays.
type Item struct {
	Key   string
	Value any
}

// Items is a pickled dictionary.
type Items []Item

// NumPy is a pickle of arrays of NumPy, as Detectron2's model zoo has it.
func NumPy(root Items) []byte {
	p := pickler{}
	p.WriteString("\x80\x03")
	p.value(root)
	p.WriteByte('.')
	return p.Bytes()
}

// Python2 is one that Python 2 wrote, whose strings are bytes.
func Python2(root Items) []byte {
	p := pickler{old: true}
	p.WriteString("\x80\x02")
	p.value(root)
	p.WriteByte('.')
	return p.Bytes()
}

// PyTorch is a file of torch.save, in the zip format.
func PyTorch(root Items) []byte {
	p := pickler{torch: true}
	p.WriteString("\x80\x02")
	p.value(root)
	p.WriteByte('.')
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	store := func(name string, data []byte) {
		w, _ := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		w.Write(data)
	}
	store("data.pkl", p.Bytes())
	for i, t := range p.stored {
		store(fmt.Sprint("data/", i), floats(t.Values))
	}
	store("version", []byte("3\n"))
	z.Close()
	return b.Bytes()
}

// pickler writes the instructions of Python's pickle.
type pickler struct {
	bytes.Buffer
	old, torch bool
	stored     []Tensor // of torch: beside the pickle
}

func (p *pickler) value(v any) {
	switch v := v.(type) {
	case string:
		p.text(v)
	case Items:
		p.WriteString("}(")
		for _, i := range v {
			p.text(i.Key)
			p.value(i.Value)
		}
		p.WriteByte('u')
	case []Tensor:
		p.value(Items{}.With(v))
	case Tensor:
		if p.torch {
			p.tensor(v)
		} else {
			p.array(v)
		}
	default:
		panic(fmt.Sprintf("modelfiles: a %T in a pickle", v))
	}
}

func (p *pickler) length(n int) { p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func (p *pickler) integer(n int) {
	p.WriteByte('J')
	p.length(n)
}

func (p *pickler) text(s string) {
	p.WriteByte(map[bool]byte{true: 'T', false: 'X'}[p.old])
	p.length(len(s))
	p.WriteString(s)
}

func (p *pickler) tuple(numbers []int) {
	p.WriteByte('(')
	for _, n := range numbers {
		p.integer(n)
	}
	p.WriteByte('t')
}

// array writes numpy.core.multiarray._reconstruct(ndarray, (0,), b"b"), and its state: version, shape, type, Fortran order, elements.
func (p *pickler) array(t Tensor) {
	p.WriteString("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85")
	raw := func(b []byte) {
		p.WriteByte(map[bool]byte{true: 'T', false: 'B'}[p.old])
		p.length(len(b))
		p.Write(b)
	}
	raw([]byte("b"))
	p.WriteString("\x87R(K\x01")
	p.tuple(t.Shape)
	p.WriteString("cnumpy\ndtype\n")
	p.text("f4")
	p.WriteString("K\x00K\x01\x87R(K\x03")
	p.text("<")
	p.WriteString("NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89")
	raw(floats(t.Values))
	p.WriteString("tb")
}

// tensor writes torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()).
func (p *pickler) tensor(t Tensor) {
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.WriteString("ctorch\nFloatStorage\n")
	p.text(fmt.Sprint(len(p.stored)))
	p.text("cpu")
	p.integer(len(t.Values))
	p.WriteString("tQ")
	p.integer(0)
	p.tuple(t.Shape)
	stride, step := make([]int, len(t.Shape)), 1
	for i := len(stride) - 1; i >= 0; i-- {
		stride[i], step = step, step*t.Shape[i]
	}
	p.tuple(stride)
	p.WriteString("\x89ccollections\nOrderedDict\n)RtR")
	p.stored = append(p.stored, t)
}

// Bundle is a checkpoint of TensorFlow: the index, a table of LevelDB's format of one block, and the data
// (tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/lib/io/format.cc). Where tensors have full names, a graph of one object says them
// (trackable_object_graph.proto).
func Bundle(list []Tensor) (index, data []byte) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	number := func(b []byte, field protowire.Number, v int) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
	}
	message := func(b []byte, field protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
	}
	var block, object []byte
	put := func(key string, value []byte) {
		for _, n := range []int{0, len(key), len(value)} { // nothing shared with the key before
			block = binary.AppendUvarint(block, uint64(n))
		}
		block = append(append(block, key...), value...)
	}
	put("", message(number(nil, 1, 1), 3, number(nil, 1, 1))) // one data file, version 1
	for _, t := range list {
		if t.FullName != "" {
			object = message(object, 2, message(message(message(nil, 1, []byte("VARIABLE_VALUE")), 2, []byte(t.FullName)), 3, []byte(t.Name)))
		}
	}
	if object != nil { // a string: its length, the checksum of that, the bytes
		graph := message(nil, 1, object)
		sum := binary.LittleEndian.AppendUint32(nil, masked(binary.LittleEndian.AppendUint32(nil, uint32(len(graph)))))
		crc := masked(slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(graph))), sum, graph))
		data = slices.Concat(binary.AppendUvarint(nil, uint64(len(graph))), sum, graph)
		entry := number(number(nil, 1, 7), 5, len(data))
		put("_CHECKPOINTABLE_OBJECT_GRAPH", protowire.AppendFixed32(protowire.AppendTag(entry, 6, protowire.Fixed32Type), crc))
	}
	for _, t := range list {
		b := floats(t.Values)
		var shape []byte
		for _, d := range t.Shape {
			shape = message(shape, 2, number(nil, 1, d))
		}
		entry := message(number(nil, 1, 1), 2, shape) // of float
		entry = number(number(entry, 4, len(data)), 5, len(b))
		entry = protowire.AppendFixed32(protowire.AppendTag(entry, 6, protowire.Fixed32Type), masked(b))
		put(t.Name, entry)
		data = append(data, b...)
	}
	end := func(block []byte) []byte { return append(block, 0, 0, 0, 0, 1, 0, 0, 0) } // one restart, at 0
	handle := func(raw []byte) []byte {
		h := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(index))), uint64(len(raw)))
		body := append(raw, 0) // not compressed
		index = binary.LittleEndian.AppendUint32(append(index, body...), masked(body))
		return h
	}
	first := handle(end(block))
	footer := handle(end(nil)) // of nothing beside
	last := binary.AppendUvarint(nil, 0)
	last = binary.AppendUvarint(binary.AppendUvarint(last, 1), uint64(len(first)))
	footer = append(footer, handle(end(append(append(last, "~"...), first...)))...)
	footer = append(footer, make([]byte, 40-len(footer))...)
	return binary.LittleEndian.AppendUint64(append(index, footer...), 0xdb4775248b80fb57), data
}

// masked is LevelDB's checksum: CRC-32C, rotated, so that checksums of checksums differ.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (c>>15 | c<<17) + 0xa282ead8
}

// Archive is a .tar.gz of a checkpoint of TensorFlow, with the prefix m/model.
func Archive(list []Tensor) []byte {
	index, data := Bundle(list)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, f := range []struct {
		name string
		data []byte
	}{{"m/model.index", index}, {"m/model.data-00000-of-00001", data}} {
		t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o644})
		t.Write(f.data)
	}
	t.Close()
	z.Close()
	return b.Bytes()
}

// With adds arrays to a dictionary, each under its name.
func (i Items) With(list []Tensor) Items {
	for _, t := range list {
		i = append(i, Item{t.Name, t})
	}
	return i
}
