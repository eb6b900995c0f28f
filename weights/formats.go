package weights

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spinemask/spinemask/weights/internal/pytorch"
	"github.com/spinemask/spinemask/weights/internal/safetensors"
	"github.com/spinemask/spinemask/weights/internal/tfbundle"
)

// FormatError says that a file is of a kind that is not read, and what can be done about it.
type FormatError struct {
	File   string
	What   string // "an ONNX model, which is not read"; empty: Err says it
	Advice string // for the one who gave the file
	Err    error  // of the reader that was tried; nil: none was
}

func (e *FormatError) Error() string {
	if e.What == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("weights: %s: %s", e.File, e.What)
}

func (e *FormatError) Unwrap() error { return e.Err }

// kind is a kind of file that is not read.
type kind struct{ what, advice string }

func (k kind) error(file string, err error) error { return &FormatError{file, k.what, k.advice, err} }

// cut adds the advice for files that did not come whole to the errors that such files have.
func cut(file string, err error) error {
	for _, rule := range []error{
		safetensors.ErrShort, safetensors.ErrHeaderBeyond, safetensors.ErrBeyond, pytorch.ErrTruncated, pytorch.ErrChecksum,
		io.ErrUnexpectedEOF, gzip.ErrChecksum, zip.ErrFormat, tfbundle.ErrChecksum,
	} {
		if errors.Is(err, rule) {
			return &FormatError{file, "", "the file is cut or damaged; " + fetchAgain, err}
		}
	}
	return err
}

const (
	whatIsRead = "what is read: safetensors, PyTorch checkpoints (.pth, .pt), TensorFlow checkpoints (.index and .data, or a .tar.gz of them)"
	fetchAgain = "fetch the file again; spinemask pull checks what it fetched"
	stateDict  = "torch.save(model.state_dict(), FILE) writes what can be read"
	unpack     = "unpack it and give the checkpoint inside"
	// knownNetworks says what a file may hold.
	knownNetworks = "models of tensorflow/tpu, the Model Garden, torchvision, Detectron2 and mmdetection are known; docs/models.md lists them"
	original      = "give the checkpoint that it was made from; " + whatIsRead
)

var (
	kindEmpty       = kind{"an empty file", fetchAgain}
	kindHDF5        = kind{"a Keras file (HDF5), which is not read", "networks of Keras, such as matterport's Mask R-CNN, are not supported; " + whatIsRead}
	kindKeras       = kind{"a Keras file (.keras), which is not read", kindHDF5.advice}
	kindONNX        = kind{"an ONNX model, which is not read", original}
	kindTFLite      = kind{"a TensorFlow Lite model, which is not read", original}
	kindSavedModel  = kind{"a SavedModel of TensorFlow, which is not read", "its folder variables holds a checkpoint: give FOLDER/variables/variables; networks that TensorFlow exported may have other names there"}
	kindTFGraph     = kind{"a graph of TensorFlow (.pb), which is not read", original}
	kindTorchScript = kind{"a TorchScript program, not weights", `in Python: torch.save(torch.jit.load(FILE, map_location="cpu").state_dict(), "weights.pth")`}
	kindNPZ         = kind{"arrays of NumPy (.npz), which are not read", original}
	kindNPY         = kind{"an array of NumPy (.npy), which is not read", original}
	kindGGUF        = kind{"a GGUF file, which is not read", original}
	kindLFS         = kind{"a Git LFS pointer, not the file itself", "git lfs pull fetches the file"}
	kindShards      = kind{"the index of a checkpoint in several files, not weights", "it is read where the safetensors files that it names lie beside it"}
	kindTorchShards = kind{"a checkpoint in several files of PyTorch, which is not read", "join them in Python: torch.save({k: v for f in files for k, v in torch.load(f, map_location=\"cpu\").items()}, \"model.pth\")"}
	kindDCP         = kind{"a distributed checkpoint of PyTorch, which is not read", "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER weights.pth makes one file of it"}
	kindOrbax       = kind{"a checkpoint of JAX (Orbax), which is not read", whatIsRead}
	kindDetectron   = kind{"a file of Detectron (pickle) without arrays", whatIsRead}
	kindMMDetResNet = kind{"a model of mmdetection that is not supported", "those of Mask R-CNN with ResNet-50-FPN, ResNet-101-FPN or a port of SpineNet are"}
	kindConfig      = kind{"a config, not weights", "give it with --config to convert, with --model-config elsewhere, beside the weights"}
	kindUnpacked    = kind{"an unpacked PyTorch checkpoint", "pack it without compression: zip -0 -r weights.pth FOLDER"}
)

// magics are kinds that are told by their first bytes.
var magics = []struct {
	offset int
	bytes  string
	kind
}{
	{0, "\x89HDF\r\n\x1a\n", kindHDF5},
	{4, "TFL3", kindTFLite},
	{0, "GGUF", kindGGUF},
	{0, "\x93NUMPY", kindNPY},
	{0, "version https://git-lfs.github.com/spec/", kindLFS},
	{0, "BZh", kind{"a file compressed by bzip2", unpack}},
	{0, "\xfd7zXZ\x00", kind{"a file compressed by xz", unpack}},
	{0, "\x28\xb5\x2f\xfd", kind{"a file compressed by zstd", unpack}},
	{0, "7z\xbc\xaf\x27\x1c", kind{"a 7-Zip archive", unpack}},
	{0, "Rar!\x1a\x07", kind{"a RAR archive", unpack}},
	{0, "PK\x05\x06", kind{"an empty zip archive", fetchAgain}},
	{0, "%PDF-", kind{"a PDF file, not weights", whatIsRead}},
	{0, "\x89PNG\r\n", kind{"a picture (PNG), not weights", "images are given without --model"}},
	{0, "\xff\xd8\xff", kind{"a picture (JPEG), not weights", "images are given without --model"}},
}

// endings are kinds that are told by the end of the name, where the content says nothing.
var endings = map[string]kind{
	".onnx": kindONNX, ".h5": kindHDF5, ".hdf5": kindHDF5, ".keras": kindKeras, ".tflite": kindTFLite, ".pb": kindTFGraph,
	".npz": kindNPZ, ".npy": kindNPY, ".gguf": kindGGUF, ".distcp": kindDCP,
	".engine":     {"an engine of TensorRT, which is not read", original},
	".plan":       {"an engine of TensorRT, which is not read", original},
	".mlmodel":    {"a Core ML model, which is not read", original},
	".caffemodel": {"a Caffe model, which is not read", whatIsRead},
	".pdparams":   {"weights of PaddlePaddle, which are not read", whatIsRead},
	".weights":    {"weights of darknet (YOLO), which are not read", whatIsRead},
	".msgpack":    {"weights of Flax, which are not read", whatIsRead},
}

// foreignBytes is how much of a file is looked at to tell what it is.
const foreignBytes = 64 << 10

// foreign says what a file is that no reader takes, by its first bytes and its name.
func foreign(name string, head []byte) error {
	for _, m := range magics {
		if len(head) >= m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.bytes)) {
			return m.error(name, nil)
		}
	}
	if k, ok := textKind(head); ok {
		return k.error(name, nil)
	}
	if path.Base(filepath.ToSlash(name)) == "saved_model.pb" {
		return kindSavedModel.error(name, nil)
	}
	if isONNX(head) {
		return kindONNX.error(name, nil)
	}
	if k, ok := endings[strings.ToLower(filepath.Ext(name))]; ok {
		return k.error(name, nil)
	}
	return &FormatError{name, fmt.Sprintf("%v: it starts with the bytes % x", errFormat, head[:min(10, len(head))]), whatIsRead, nil}
}

var (
	title    = regexp.MustCompile(`(?is)<title[^>]*>\s*([^<]{1,80}?)\s*</title>`)
	ourBlock = regexp.MustCompile(`"block_table"\s*:|"roi_align"\s*:`)
)

// textKind tells kinds of text.
func textKind(head []byte) (kind, bool) {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	lower := bytes.ToLower(text[:min(len(text), 256)])
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<!-- ", "<?xml", "<script", "<body"} {
		if !bytes.HasPrefix(lower, []byte(tag)) {
			continue
		}
		k := kind{"a web page, not the weights", "open the link in a browser and save the file behind the page, then give that"}
		if m := title.FindSubmatch(text); m != nil {
			k.what = fmt.Sprintf("a web page (%q), not the weights", m[1])
		}
		return k, true
	}
	if !isText(text) {
		return kind{}, false
	}
	switch {
	case len(text) == 0:
		return kind{"a file of nothing but spaces", fetchAgain}, true
	case text[0] == '{' && bytes.Contains(text, []byte(`"weight_map"`)):
		return kindShards, true
	case text[0] == '{' && ourBlock.Match(text):
		return kindConfig, true
	case text[0] == '{' || text[0] == '[':
		return kind{"a JSON file, not weights", whatIsRead}, true
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return kind{fmt.Sprintf("a text (%.40q), not weights", strings.TrimSpace(line)), whatIsRead}, true
}

// isText reports whether the bytes can be the beginning of a text: a character may be cut at their end.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && utf8.FullRune(b) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		b = b[n:]
	}
	return true
}

// isONNX reports whether the bytes begin with the first fields of onnx.ModelProto: its version (field 1), then texts,
// numbers and messages of the fields 2 to 25.
func isONNX(b []byte) bool {
	if len(b) < 4 || b[0] != 0x08 || b[1] == 0 || b[1] > 30 {
		return false
	}
	tag := b[2]
	switch field, wire := tag>>3, tag&7; field {
	case 2, 3, 4, 6: // name and version of the producer, domain, description
		n := int(b[3])
		return wire == 2 && n < 128 && utf8.Valid(b[min(4, len(b)):min(4+n, len(b))])
	case 5: // version of the model
		return wire == 0
	case 7, 8, 14: // graph, operator sets, metadata
		return wire == 2
	}
	return false
}
