package testweights

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/spinemask/spinemask/weights"
)

// WritePyTorch writes the tensors of FromSpec as torch.save writes a state
// dictionary, in the zip format: data.pkl builds the tensors, each over a file of
// its own. rename gives the names in the file.
func WritePyTorch(w io.Writer, specPath, statsPath string, rename func(name string) string) error {
	tensors, err := fromSpec(specPath, statsPath)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	var p pickler
	p.WriteString("\x80\x02}(") // protocol 2, an empty dictionary, a mark
	for i, t := range tensors {
		p.tensor(rename(t.Name), fmt.Sprint(i), t)
	}
	p.WriteString("u.") // set all items, stop
	if err := store(archive, "data.pkl", []byte(p.String())); err != nil {
		return err
	}
	for i, t := range tensors {
		values, err := t.Float32(nil)
		if err != nil {
			return err
		}
		data, err := binary.Append(nil, binary.LittleEndian, values)
		if err != nil {
			return err
		}
		if err := store(archive, fmt.Sprint("data/", i), data); err != nil {
			return err
		}
	}
	if err := store(archive, "version", []byte("3\n")); err != nil {
		return err
	}
	return archive.Close()
}

// store adds a file without compression.
func store(archive *zip.Writer, name string, data []byte) error {
	w, err := archive.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// pickler writes the instructions of Python's pickle.
type pickler struct{ strings.Builder }

// tensor writes a name and
// torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()).
func (p *pickler) tensor(name, key string, t weights.Tensor) {
	p.text(name)
	p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.WriteString("ctorch\nFloatStorage\n")
	p.text(key)
	p.text("cpu")
	p.integer(t.Len())
	p.WriteString("tQ") // the tuple is the persistent id of the storage
	p.integer(0)
	stride, step := make([]int, len(t.Shape)), 1
	for i := len(stride) - 1; i >= 0; i-- {
		stride[i], step = step, step*t.Shape[i]
	}
	for _, list := range [][]int{t.Shape, stride} {
		p.WriteString("(")
		for _, n := range list {
			p.integer(n)
		}
		p.WriteString("t")
	}
	p.WriteString("\x89ccollections\nOrderedDict\n)RtR")
}

func (p *pickler) text(s string) {
	p.WriteString("X")
	p.length(len(s))
	p.WriteString(s)
}

func (p *pickler) integer(n int) {
	p.WriteString("J")
	p.length(n)
}

func (p *pickler) length(n int) { p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
