package weights

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
)

// samples are small files of every format.
func samples(t *testing.T) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth"} {
		b, err := os.ReadFile("internal/pytorch/testdata/" + name)
		require.NoError(t, err)
		files[name] = b
	}
	var native bytes.Buffer
	require.NoError(t, write(&native, sample(t).tensors, map[string]string{"x": "y"}))
	files["safetensors"] = native.Bytes()
	index, err := os.ReadFile("internal/tfbundle/testdata/snappy.index")
	require.NoError(t, err)
	files["tar.gz"] = archiveWith(t, map[string][]byte{"a/m.index": index, "a/m.data-00000-of-00001": make([]byte, 3385616)})
	return files
}

func archiveWith(t *testing.T, files map[string][]byte) []byte {
	var headers []tar.Header
	var contents [][]byte
	for _, name := range sortedKeys(files) {
		headers = append(headers, tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644})
		contents = append(contents, files[name])
	}
	return archiveOfContents(t, headers, contents)
}

// readAll opens a file and reads all of its tensors.
func readAll(b []byte) error {
	f, err := Load("m", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, v := range f.tensors {
		if !v.dtype.Float() {
			continue
		}
		if _, err := v.Float32(nil); err != nil {
			return err
		}
	}
	return nil
}

// TestCutFilesAreRefused cuts files at every byte, the large one at many.
func TestCutFilesAreRefused(t *testing.T) {
	for name, b := range samples(t) {
		step := 1
		if name == "tar.gz" {
			step = 997
		}
		for n := 0; n < len(b); n += step {
			require.Error(t, readAll(b[:n]), "%s cut at byte %d", name, n)
		}
		require.Error(t, readAll(b[:len(b)-1]), name)
	}
}

// allocated is how many bytes have been allocated so far, but for a few thousand of small objects.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestDamagedFilesStayBounded turns over bits of every byte: whatever a file says then, reading it does not panic, and
// takes memory in the order of its size.
func TestDamagedFilesStayBounded(t *testing.T) {
	for name, b := range samples(t) {
		if name == "tar.gz" { // of which one bit is enough
			continue
		}
		for at := range b {
			damaged := bytes.Clone(b)
			damaged[at] ^= 1 << (at % 8)
			before := allocated()
			_ = readAll(damaged)
			require.Less(t, allocated()-before, uint64(8<<20), "%s byte %d", name, at)
		}
	}
}

// numpyArray is a pickle of {"w": array}, of count floats in an order whose elements are what the instructions data push. names are more keys of the same array.
func numpyArray(order string, count int, data string, names ...string) []byte {
	p := "\x80\x02}X\x01\x00\x00\x00wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R" +
		"(K\x01J" + string(binary.LittleEndian.AppendUint32(nil, uint32(count))) + "\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01" + order + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + data + "tbq\x01s"
	for _, name := range names {
		p += "U" + string(byte(len(name))) + name + "h\x01s"
	}
	return []byte(p + ".")
}

// binaryText is the instruction for a text.
func binaryText(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// A text that is longer than what is kept of texts, and too short for the array that it is: Python 2 and protocol 2 write elements as text.
func TestTextTooShortForItsArray(t *testing.T) {
	text := "c_codecs\nencode\n" + binaryText(strings.Repeat("a", 70000)) + "U\x06latin1\x86R"
	name := filepath.Join(t.TempDir(), "m.pkl") // mapped: what lies beyond its end is not there to be taken
	require.NoError(t, os.WriteFile(name, numpyArray("<", 17500, text), 0o644))
	f, err := Open(name)
	require.NoError(t, err)
	require.EqualValues(t, 17500, f.tensors[0].Len())
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(name, numpyArray("<", 60000, text), 0o644))
	_, err = Open(name)
	require.EqualError(t, err, "weights: "+name+": w: pytorch: byte 145: length of the data is not that of the storage: an array of 60000 elements has 70000 bytes")
}

// One array under many keys takes its memory once.
func TestSharedArraysAreDecodedOnce(t *testing.T) {
	var names []string
	for i := range 400 {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	file := numpyArray(">", 16384, "B\x00\x00\x01\x00"+strings.Repeat("\x3f\x80\x00\x00", 16384), names...)
	before := allocated()
	f, err := Load("m", bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.Less(t, allocated()-before, uint64(4<<20))
	require.Len(t, f.tensors, 401)
	require.EqualValues(t, 1, at(t, f, "n399", 16383))
}

// So does one scale of many norms, which are given the statistics that folded norms have.
func TestSharedScalesGetTheirStatisticsOnce(t *testing.T) {
	scale := make([]float32, 1<<16)
	list := []Tensor{NewTensor("res2_0_branch2a_w", []int{1, 1, 1, 1}, scale[:1])}
	for i := range 100 {
		list = append(list, NewTensor(fmt.Sprintf("res2_%d_branch2a_bn_s", i), []int{len(scale)}, scale))
	}
	before := allocated()
	f, err := FromTensors("m", list, nil)
	require.NoError(t, err)
	require.Less(t, allocated()-before, uint64(4<<20))
	require.EqualValues(t, 1, at(t, f, "backbone/stage2/unit99/conv0/norm/variance", 7))
	require.EqualValues(t, 0, at(t, f, "backbone/stage2/unit99/conv0/norm/mean", 7))
}

// TestDamagedFilesOfOtherPrograms cuts files and turns over bits: each is refused in one error that names it, or what it says is taken, with memory in the order of
// its size. (bench/torture/damage does the same with the command.)
func TestDamagedFilesOfOtherPrograms(t *testing.T) {
	network := modelfiles.Detectron2(50, 3)
	mmdet := func(version modelfiles.Item) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "meta", Value: modelfiles.Items{version}}, {Key: "state_dict", Value: modelfiles.MMDetection(network)}})
	}
	zoo := modelfiles.NumPy(modelfiles.Items{{Key: "model", Value: network}})
	single := func(name string, data []byte) func(string) (string, string, error) {
		return func(folder string) (damaged, given string, err error) {
			given = filepath.Join(folder, name)
			return given, given, os.WriteFile(given, data, 0o644)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for kind, write := range map[string]func(folder string) (damaged, given string, err error){
		"Detectron2, pkl": single("m.pkl", zoo),
		"Detectron2, pth": single("m.pth", modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: network}})),
		"Detectron":       single("m.pkl", modelfiles.Python2(modelfiles.Items{{Key: "blobs", Value: modelfiles.Caffe2(network)}})),
		"mmdetection 2":   single("m.pth", mmdet(modelfiles.Item{Key: "mmdet_version", Value: "2.28.2"})),
		"mmdetection 3":   single("m.pth", mmdet(modelfiles.Item{Key: "mmengine_version", Value: "0.10.7"})),
		"config.yaml": func(folder string) (damaged, given string, err error) {
			damaged = filepath.Join(folder, "config.yaml")
			text := "MODEL: {PIXEL_MEAN: [103.53, 116.28, 123.675], RESNETS: {STRIDE_IN_1X1: true}, RPN: {NMS_THRESH: 0.7}}\nTEST: {DETECTIONS_PER_IMAGE: 100}\n"
			if err := os.WriteFile(damaged, []byte(text), 0o644); err != nil {
				return "", "", err
			}
			_, given, err = single("m.pkl", zoo)(folder)
			return damaged, given, err
		},
		"index of several files": func(folder string) (damaged, given string, err error) {
			index, err := modelfiles.Sharded(folder, network, 2)
			return index, index, err
		},
		"one of several files": func(folder string) (damaged, given string, err error) {
			index, err := modelfiles.Sharded(folder, network, 2)
			return filepath.Join(folder, "model-00002-of-00002.safetensors"), index, err
		},
	} {
		folder := t.TempDir()
		damaged, given, err := write(folder)
		require.NoError(t, err)
		good, err := os.ReadFile(damaged)
		require.NoError(t, err)
		require.NoError(t, openAll(given), kind)
		for i := range 50 {
			b := bytes.Clone(good)
			if i%3 == 0 {
				b = b[:random.IntN(len(b))]
			} else {
				reach := min(len(b), []int{1000, 1 << 16}[i%2])
				for range 1 + random.IntN(8) {
					b[random.IntN(reach)] ^= 1 << random.IntN(8)
				}
			}
			require.NoError(t, os.WriteFile(damaged, b, 0o644))
			before := allocated()
			err := openAll(given)
			require.Less(t, allocated()-before, uint64(32<<20), "%s %d", kind, i)
			if i%3 == 0 && kind != "config.yaml" { // which may be cut between options
				require.Error(t, err, "%s %d", kind, i)
			}
			if err != nil {
				require.Contains(t, err.Error(), "weights: ", "%s %d", kind, i)
				named := strings.Contains(err.Error(), filepath.Base(given)) || strings.Contains(err.Error(), filepath.Base(damaged))
				require.True(t, named, "%s %d: %v", kind, i, err)
			}
		}
	}
}

// openAll opens a model, infers its config and reads its tensors.
func openAll(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, err := f.Config(Options{}); err != nil {
		return err
	}
	if len(f.problems) > 0 {
		return loadError(f.name, f.problems)
	}
	for _, v := range f.tensors {
		if !v.dtype.Float() {
			continue
		}
		if _, err := v.Float32(nil); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
