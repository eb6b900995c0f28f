package weights

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/weights/internal/pytorch"
)

func zipOf(t *testing.T, names ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		_, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.String()
}

// pickled is a pickle of a dictionary of empty dictionaries, as Python's pickle writes it (protocol 4).
func pickled(outer string, inner ...string) string {
	text := func(s string) string { return "\x8c" + string(rune(len(s))) + s + "\x94" }
	s := "\x80\x04}\x94(" + text(outer) + "}\x94("
	for _, k := range inner {
		s += text(k) + "C\x02xy\x94" + "\x85\x94"
	}
	return s + "uu."
}

// TestForeignFilesAreNamed: what people give in place of weights is said to be what it is, and what can be done.
func TestForeignFilesAreNamed(t *testing.T) {
	torch, err := os.ReadFile("internal/pytorch/testdata/tiny_zip.pth")
	require.NoError(t, err)
	var tarred bytes.Buffer
	w := tar.NewWriter(&tarred)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "run/model.pth", Typeflag: tar.TypeReg, Size: 3, Mode: 0o644}))
	_, err = w.Write([]byte("abc"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, c := range []struct{ name, content, what, advice string }{
		{"m.pth", "", "an empty file", "fetch"},
		{"m.pth", "\n\n", "nothing but spaces", "fetch"},
		{"m.h5", "\x89HDF\r\n\x1a\n\x00\x00", "a Keras file (HDF5)", "Keras"},
		{"m.pth", "\x89HDF\r\n\x1a\n\x00\x00", "a Keras file (HDF5)", "Keras"},
		{"m.keras", zipOf(t, "metadata.json", "config.json", "model.weights.h5"), "a Keras file (.keras)", "Keras"},
		{"m.onnx", "\x08\x07\x12\x07pytorch\x1a\x051.9.0", "an ONNX model", "made from"},
		{"m", "\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x00", "an ONNX model", "made from"},
		{"m", "\x08\x09\x3a\x80\x01", "an ONNX model", "made from"},
		{"m.onnx", "\x00\x01\x02\x03", "an ONNX model", "made from"},
		{"m.pt", zipOf(t, "m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"), "a TorchScript program", "state_dict()"},
		{"m.tflite", "\x1c\x00\x00\x00TFL3\x00", "a TensorFlow Lite model", "made from"},
		{"saved_model.pb", "\x08\x01\x12\x02", "a SavedModel of TensorFlow", "variables"},
		{"frozen.pb", "\x0a\x12\x00\x03", "a graph of TensorFlow", "made from"},
		{"m.zip", zipOf(t, "m/saved_model.pb"), "a SavedModel of TensorFlow", "variables"},
		{"m.pth", "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>", `a web page ("Google Drive - Virus scan warning"), not the weights`, "browser"},
		{"m.pth", "\n  <html lang=en>", "a web page, not the weights", "browser"},
		{"m.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "a Git LFS pointer", "git lfs pull"},
		{"model.safetensors.index.json", `{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}`, "checkpoint in several files", "beside it"},
		{"c.json", `{"format": 2, "roi_align": {}}`, "a config, not weights", "--model-config"},
		{"c.json", `{"images": []}`, "a JSON file", "what is read"},
		{"c.json", strings.Repeat(" ", 8) + `{"images": []}`, "a JSON file", "what is read"},
		{"c.py", "_base_ = 'mask_rcnn.py'\n", `a text ("_base_ = 'mask_rcnn.py'")`, "what is read"},
		{"m.gguf", "GGUF\x03\x00\x00\x00", "a GGUF file", "made from"},
		{"m.npy", "\x93NUMPY\x01\x00", "an array of NumPy", "made from"},
		{"m.npz", zipOf(t, "a.npy", "b.npy"), "arrays of NumPy", "made from"},
		{"m.zip", zipOf(t, "run/model.pth"), `a zip archive with "run/model.pth" inside`, "unpack"},
		{"m.zip", zipOf(t, "a.txt"), `a zip archive without weights ("a.txt", …)`, "what is read"},
		{"m.zip", zipOf(t), "an empty zip archive", "fetch"},
		{"m.zip", zipOf(t, ".metadata", "__0_0.distcp"), "a distributed checkpoint of PyTorch", "dcp_to_torch"},
		{"m.pth", string(torch[:len(torch)/2]), "cut or damaged", "fetch"},
		{"m.tar", tarred.String(), `an archive without a TensorFlow checkpoint ("run/model.pth", …)`, "unpack"},
		{"m.tgz", zipped(strings.Repeat("no archive", 100)), "compressed by gzip", "unpack"},
		{"m.xz", "\xfd7zXZ\x00\x00", "compressed by xz", "unpack"},
		{"m.pkl", pickled("blobs", "conv1_w"), "a file of Detectron (pickle) without arrays", "what is read"},
		{"m.pkl", pickled("hyper", "x"), `a Python pickle, not of PyTorch ("hyper", …)`, "state_dict()"},
		{"run/.metadata", pickled("state_dict_metadata"), "a distributed checkpoint of PyTorch", "dcp_to_torch"},
		{"__0_0.distcp", zipOf(t, "a/data.pkl"), "a distributed checkpoint of PyTorch", "dcp_to_torch"},
		{"whole.pt", "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02cmine\nNet\n)\x81}X\x01\x00\x00\x00aK\x01sb.\x80\x02].", `classes that are not read: "mine.Net"`, "state_dict()"},
		{"m.engine", "\x00\x01\x02\x03", "an engine of TensorRT", "made from"},
		{"m", "\x00\x01\x02\x03", "it starts with the bytes 00 01 02 03", "what is read"},
		{"m.png", "\x89PNG\r\n\x1a\n", "a picture (PNG)", "without --model"},
	} {
		_, err := Load(c.name, strings.NewReader(c.content), int64(len(c.content)))
		var f *FormatError
		require.ErrorAs(t, err, &f, "%s %.20q", c.name, c.content)
		require.ErrorContains(t, err, "weights: "+c.name+": ")
		require.ErrorContains(t, err, c.what)
		require.NotContains(t, err.Error(), "\n")
		require.Contains(t, f.Advice, c.advice, c.what)
	}
}

// TestCutFilesAreSaidToBeCut: the error is the rule that the file breaks, the advice is to fetch it again.
func TestCutFilesAreSaidToBeCut(t *testing.T) {
	files := samples(t)
	archive, err := os.ReadFile("../testdata/tf1_tiny/spinenet-tiny.tar.gz") // the sample's weights are zeros: a cut of them is a bomb
	require.NoError(t, err)
	files["tar.gz"] = archive
	for name, b := range files {
		for _, n := range []int{len(b) / 3, len(b) / 2, len(b) - 9} {
			_, err := Load(name, bytes.NewReader(b[:n]), int64(n))
			var f *FormatError
			require.ErrorAs(t, err, &f, "%s cut to %d", name, n)
			require.ErrorContains(t, err, name)
			require.Contains(t, f.Advice, "fetch the file again")
		}
	}
}

func TestForeignFoldersAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"saved_model.pb": "a SavedModel", "__0_0.distcp": "a distributed checkpoint", "data.pkl": "an unpacked PyTorch checkpoint",
		"pytorch_model.bin.index.json": "several files of PyTorch", "manifest.ocdbt": "Orbax", "model.safetensors": "a folder", "epoch_1.pth": "a folder",
	} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o644))
		_, err := Open(folder)
		var f *FormatError
		require.ErrorAs(t, err, &f, name)
		require.ErrorContains(t, err, want)
		if want == "a folder" {
			require.Contains(t, f.Advice, name)
		}
	}
	_, err := Open(t.TempDir())
	require.ErrorContains(t, err, "0 checkpoints (*.index) in the folder")
}

// TestNetworksThatAreNotSupportedAreNamed gives a name of a tensor of each, as its program writes it.
func TestNetworksThatAreNotSupportedAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"state_dict/module.roi_head.bbox_head.fc_cls.weight":        "a model of mmdetection that is not supported",
		"image_encoder.blocks.0.attn.qkv.weight":                    "a Segment Anything model",
		"model/transformer.decoder.layers.0.self_attn.in_proj_bias": "a transformer detector",
	} {
		f, err := FromTensors("m", []Tensor{NewTensor(name, []int{1}, make([]float32, 1))}, nil)
		require.NoError(t, err)
		_, _, err = f.Config(Options{})
		require.ErrorContains(t, err, want, name)
	}
}

// TestValuesThatAreNoTensorsAreNamed: only those that stand for a weight of the model are problems.
func TestValuesThatAreNoTensorsAreNamed(t *testing.T) {
	c := &contents{format: "memory", tensors: []Tensor{
		NewTensor("state_dict/"+mmdetMarker, []int{1, 1, 1, 1}, make([]float32, 1)),
		{Name: "state_dict/bbox_head.fc_cls.weight", opaque: "torch._utils._rebuild_qtensor"},
		{Name: "state_dict/bbox_head._extra_state", opaque: "mine.State"},
		{Name: "state_dict/loss.counts", Shape: []int{1}, dtype: "I64", stored: storage{memory: make([]byte, 8), size: 8}},
		{Name: "message_hub/log", opaque: "mmengine.HistoryBuffer"},
	}}
	f, err := newFile("m", c)
	require.NoError(t, err)
	require.Equal(t, []string{`state_dict/bbox_head.fc_cls.weight: made by "torch._utils._rebuild_qtensor", which is not read; want a tensor of floats`}, f.problems)
	require.Equal(t, []string{"state_dict/loss.counts"}, f.Report().Ignored)
	require.Equal(t, 2, f.Report().Found)
}

// TestNormsWithoutStatistics names the layers.
func TestNormsWithoutStatistics(t *testing.T) {
	norm := func(leaves ...string) []Tensor {
		list := []Tensor{NewTensor(mmdetMarker, []int{1, 1, 1, 1}, make([]float32, 1))}
		for _, leaf := range leaves {
			list = append(list, NewTensor("backbone.init_block1.0.bn1."+leaf, []int{1}, make([]float32, 1)))
		}
		return list
	}
	for want, leaves := range map[string][]string{
		"backbone.init_block1.0.bn1 has no running mean and variance": {"weight", "bias"},
		"backbone.init_block1.0.bn1 has no running variance":          {"weight", "bias", "running_mean"},
		"backbone.init_block1.0.bn1 has no running mean":              {"weight", "running_var"},
	} {
		f, err := FromTensors("m", norm(leaves...), nil)
		require.NoError(t, err)
		_, _, err = f.Config(Options{})
		require.EqualError(t, err, "weights: m: "+want)
	}
	two := append(norm("weight"), NewTensor("backbone.conv1.bn.weight", []int{1}, make([]float32, 1)))
	f, err := FromTensors("m", two, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	require.EqualError(t, err, "weights: m: backbone.conv1.bn has no running mean and variance (2 batch norms lack statistics)")
	var fe *FormatError
	require.ErrorAs(t, err, &fe)
	require.Contains(t, fe.Advice, "group normalization")
	f, err = FromTensors("m", norm("weight", "bias", "running_mean", "running_var"), nil)
	require.NoError(t, err)
	require.Empty(t, f.norms)
	mixed := append(norm("weight", "bias", "running_mean", "running_var"), NewTensor("backbone.conv1.bn.weight", []int{1}, make([]float32, 1)))
	f, err = FromTensors("m", mixed, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	require.ErrorAs(t, err, &fe)
	require.Equal(t, "a network needs the statistics of its training: save all of model.state_dict(), buffers included", fe.Advice)
}

// TestFloat64IsRoundedAndSaid: a double precision weight is converted as PyTorch's float() does, and listed.
func TestFloat64IsRoundedAndSaid(t *testing.T) {
	data, err := binary.Append(nil, binary.LittleEndian, []float64{0.1, -1e-3})
	require.NoError(t, err)
	f, err := FromTensors("m", []Tensor{{Name: "a", Shape: []int{2}, dtype: "F64", stored: storage{memory: data, size: 16}}}, nil)
	require.NoError(t, err)
	require.NoError(t, Check(f, []Want{{"a", []int{2}}}))
	require.Equal(t, 1, f.rounded())
	var out bytes.Buffer
	require.NoError(t, write(&out, f.tensors, nil))
	again, err := Load("m", bytes.NewReader(out.Bytes()), int64(out.Len()))
	require.NoError(t, err)
	a, _ := again.Tensor("a")
	require.Equal(t, "F32", a.DType())
	values, err := a.Float32(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{0.1, -1e-3}, values)
}

func TestPickleErrorsKeepTheirRule(t *testing.T) {
	s := pickled("model", "x")
	_, err := pytorch.Read(strings.NewReader(s), int64(len(s)))
	require.ErrorIs(t, err, pytorch.ErrNotTorch)
}
