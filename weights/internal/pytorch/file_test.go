package pytorch

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

func load(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

func read(b []byte) ([]Tensor, error) {
	c, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return c.Tensors, nil
}

// values gathers the elements of a tensor, row-major.
func values(t *testing.T, file []byte, v Tensor) []float64 {
	data := file[v.Data.Offset : v.Data.Offset+v.Data.Size]
	out := []float64{}
	var visit func(axis, at int)
	visit = func(axis, at int) {
		if axis < len(v.Shape) {
			for i := range v.Shape[axis] {
				visit(axis+1, at+i*v.Stride[axis])
			}
			return
		}
		b := data[at*v.ElementSize : (at+1)*v.ElementSize]
		if v.DType == "I64" {
			out = append(out, float64(int64(binary.LittleEndian.Uint64(b))))
			return
		}
		var f [1]float32
		dtype.Type(v.DType).Float32(f[:], b)
		out = append(out, float64(f[0]))
	}
	visit(0, v.Offset)
	return out
}

// TestReadsWhatPyTorchWrote compares every tensor with what PyTorch itself reads.
func TestReadsWhatPyTorchWrote(t *testing.T) {
	var want struct {
		Tensors []struct {
			Name, DType   string
			Shape, Stride []int
			Offset        int `json:"storage_offset"`
			Values        []any
		}
	}
	require.NoError(t, json.Unmarshal(load(t, "tiny.json"), &want))
	types := map[string]string{"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth", "tiny_bare_state_dict_zip.pth"} {
		file := load(t, name)
		got, err := read(file)
		require.NoError(t, err, name)
		i := 0
		for _, w := range want.Tensors {
			if strings.Contains(name, "bare") {
				var ok bool
				if w.Name, ok = strings.CutPrefix(w.Name, "model/"); !ok {
					continue
				}
			}
			g := got[i]
			i++
			require.Equal(t, []any{w.Name, types[w.DType], w.Shape, w.Stride, w.Offset}, []any{g.Name, g.DType, g.Shape, g.Stride, g.Offset}, name)
			v := values(t, file, g)
			require.Len(t, v, len(w.Values), w.Name)
			for k, x := range w.Values {
				f, ok := x.(float64)
				if !ok { // infinities are written as text
					f, err = strconv.ParseFloat(x.(string), 64)
					require.NoError(t, err)
				}
				require.Equal(t, f, v[k], "%s: %s[%d]", name, w.Name, k)
				require.Equal(t, math.Signbit(f), math.Signbit(v[k]))
			}
		}
		require.Equal(t, len(got), i)
	}
}

// TestHostileFilesRunNothing: what wants to call something is an opaque value beside the tensors, known by its name.
func TestHostileFilesRunNothing(t *testing.T) {
	for _, name := range []string{"hostile_zip.pth", "hostile_legacy.pth"} {
		b := load(t, name)
		c, err := Read(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err, name)
		require.Equal(t, []Opaque{{"x", "posix.system"}}, c.Opaque)
		require.Len(t, c.Tensors, 1)
	}
	_, err := read(archiveOf(t, part{name: "m/data.pkl", content: "\x80\x02}U\x01xcposix\nsystem\nU\x04true\x85Rs."}))
	require.ErrorIs(t, err, ErrGlobal)
	require.ErrorContains(t, err, `"posix.system"`)
}

// TestReadsCheckpointsOfARunner reads a checkpoint as mmengine 0.10.7's Runner writes it, with PyTorch 2.15.0: the
// histories in its message hub hold methods, which are pickled as calls of getattr.
func TestReadsCheckpointsOfARunner(t *testing.T) {
	b := load(t, "mmengine_runner.pth")
	c, err := Read(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	require.Len(t, c.Tensors, 2)
	require.Equal(t, []any{"state_dict/l.weight", []int{1, 2}}, []any{c.Tensors[0].Name, c.Tensors[0].Shape})
	require.Equal(t, []any{"state_dict/l.bias", []int{1}}, []any{c.Tensors[1].Name, c.Tensors[1].Shape})
	require.Contains(t, c.Opaque, Opaque{"message_hub/log_scalars/train/lr", "mmengine.logging.history_buffer.HistoryBuffer"})
}

// TestReadsWhatTrainingKeepsBesideWeights: numbers of NumPy, paths of Windows, configs of OmegaConf, options,
// sets, bytes, ranges and counters are opaque; arrays of NumPy and tensors of other types are there, quantized ones are opaque.
func TestReadsWhatTrainingKeepsBesideWeights(t *testing.T) {
	for _, name := range []string{"training_protocol2.pth", "training_protocol4.pth"} {
		b := load(t, name)
		c, err := Read(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err, name)
		var got []string
		for _, v := range c.Tensors {
			got = append(got, v.Name+" "+v.DType)
		}
		require.Equal(t, []string{"state_dict/model.l.weight F32", "state_dict/model.l.bias F64", "optimizer/state/0/exp_avg F32", "optimizer/state/0/history I64"}, got)
		for _, o := range []Opaque{
			{"state_dict/model.q", "torch._utils._rebuild_qtensor"},
			{"hyper_parameters", "argparse.Namespace"},
			{"cfg", "omegaconf.dictconfig.DictConfig"},
			{"optimizer/state/0/step", "numpy._core.multiarray.scalar"},
		} {
			require.Contains(t, c.Opaque, o, name)
		}
	}
}

func TestListsOfNamesAreFound(t *testing.T) {
	classes := "}" + text("dataset_meta") + "}" + text("classes") + text("cat") + text("dog") + "\x86ss"
	for program, want := range map[string]List{
		"}" + text("meta") + classes + "s.":                                                         {"meta/dataset_meta/classes", []string{"cat", "dog"}},
		"}" + text("id2label") + "}(K\x00" + text("a") + "K\x01" + text("b") + "us.":                {"id2label", []string{"a", "b"}},
		"}" + text("CLASSES") + "](" + text("a") + "es.":                                            {"CLASSES", []string{"a"}},
		"}" + text("names") + "](" + text("a") + "K\x01es.":                                         {},
		"}" + text("names") + "}K\x01" + text("a") + "ss.":                                          {},
		"}" + text("other") + "](" + text("a") + "es.":                                              {},
		"}" + text("names") + "]s.":                                                                 {},
		strings.Repeat("}"+text("x"), 5) + "}" + text("names") + "](" + text("a") + "es" + "sssss.": {},
	} {
		v, err := run(program)
		require.NoError(t, err, "%q", program)
		w := &walker{size: 1 << 20}
		require.NoError(t, w.walk("", v, 0))
		if want.Name == "" {
			require.Empty(t, w.Lists, "%q", program)
		} else {
			require.Equal(t, []List{want}, w.Lists, "%q", program)
		}
	}
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	_, err := read(load(t, "truncated_zip.pth"))
	require.ErrorIs(t, err, ErrArchive)
	_, err = read(load(t, "truncated_legacy.pth"))
	require.ErrorIs(t, err, ErrTruncated)
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth"} {
		file := load(t, name)
		for n := 0; n < len(file); n += 7 {
			_, err := read(file[:n])
			require.Error(t, err, "%s cut to %d bytes", name, n)
		}
	}
}

// seeds are whole files for the fuzz targets.
func seeds(f *testing.F) {
	for _, name := range []string{"tiny_zip.pth", "tiny_legacy.pth", "hostile_zip.pth", "hostile_legacy.pth", "mmengine_runner.pth", "training_protocol2.pth", "training_protocol4.pth", "kinds_protocol2.pkl", "kinds_protocol4_numpy2.pkl", "kinds_protocol5_numpy2.pkl", "caffe2_python2.pkl"} {
		f.Add(load(f, name))
	}
}

func FuzzRead(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, err := read(b)
		if err != nil {
			return
		}
		for _, v := range tensors {
			if v.Data.Decoded() {
				if _, err := v.Data.Load(bytes.NewReader(b), v.ElementSize); err != nil {
					return
				}
				continue
			}
			if v.Data.Offset < 0 || v.Data.Size < 0 || v.Data.Offset+v.Data.Size > int64(len(b)) {
				t.Fatalf("%s lies outside the file: %+v", v.Name, v.Data)
			}
			last, n := v.Offset, 1
			for i, d := range v.Shape {
				last += max(d-1, 0) * v.Stride[i]
				n *= d
			}
			if n > len(b) || n > 0 && int64((last+1)*v.ElementSize) > v.Data.Size {
				t.Fatalf("%s reaches beyond its storage: %+v", v.Name, v)
			}
		}
	})
}
