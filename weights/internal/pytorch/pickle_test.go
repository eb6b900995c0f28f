package pytorch

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a pickle whose persistent ids are storages of ten floats.
func run(program string) (any, error) {
	in := newInput(strings.NewReader(program), 0, int64(len(program)))
	return unpickle(in, func(any) (any, error) {
		return &storage{key: "0", dtype: "F32", size: 4, count: 10}, nil
	})
}

// text is the instruction for a string.
func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

const rebuildV2 = "ctorch._utils\n_rebuild_tensor_v2\n"

func TestInstructions(t *testing.T) {
	for program, want := range map[string]any{
		"\x80\x02N.":                    nil,
		"\x88.":                         true,
		"\x89.":                         false,
		"K\xff.":                        int64(255),
		"M\x01\x02.":                    int64(0x201),
		"J\xfe\xff\xff\xff.":            int64(-2),
		"\x8a\x00.":                     int64(0),
		"\x8a\x01\xff.":                 int64(-1),
		"\x8a\x05\x00\x00\x00\x00\x01.": int64(1 << 32),
		"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.":     int64(1<<63 - 1),
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.": long{0, 0, 0, 0, 0, 0, 0, 0, 1},
		"G\x3f\xf8\x00\x00\x00\x00\x00\x00.":            1.5,
		text("bücher") + ".":                            "bücher",
		"U\x02ab.":                                      "ab",
		"\x8c\x02ab.":                                   "ab",
		"\x8d\x02\x00\x00\x00\x00\x00\x00\x00ab.":       "ab",
		").":                   tuple(nil),
		"K\x01\x85.":           tuple{int64(1)},
		"K\x01K\x02K\x03\x87.": tuple{int64(1), int64(2), int64(3)},
		"(K\x01K\x02t.":        tuple{int64(1), int64(2)},
		"](K\x01e.":            &list{[]any{int64(1)}},
		"]K\x01a.":             &list{[]any{int64(1)}},
		"(K\x01l.":             &list{[]any{int64(1)}},
		"(K\x01K\x02d.":        &dict{[]any{int64(1)}, []any{int64(2)}},
		"}K\x01K\x02s.":        &dict{[]any{int64(1)}, []any{int64(2)}},
		"}(K\x01K\x02u.":       &dict{[]any{int64(1)}, []any{int64(2)}},
		"K\x07q\x030h\x03.":    int64(7),
		"K\x07\x940h\x00.":     int64(7),
		"K\x07r\x03\x00\x01\x000j\x03\x00\x01\x00.": int64(7),
		"K\x072\x86.":        tuple{int64(7), int64(7)},
		"K\x07(K\x01K\x021.": int64(7),
		"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00N.":   nil,
		"ccollections\nOrderedDict\n)R.":                   &dict{},
		"\x8c\x0bcollections\x8c\x0bOrderedDict\x93)R}b.":  &dict{},
		"ccollections\nOrderedDict\n]]K\x01aK\x02aa\x85R.": &dict{[]any{int64(1)}, []any{int64(2)}},
		"ctorch\nSize\nK\x02K\x03\x86\x85R.":               tuple{int64(2), int64(3)},
		"ctorch\ndevice\nU\x03cpu\x85R.":                   opaque{"torch.device"},
		"cargparse\nNamespace\n)\x81}U\x02lrK\x01sb.":      opaque{"argparse.Namespace"},
		"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\x02f8\x89\x88\x87R(K\x03U\x01<NNNtbc_codecs\nencode\nU\x01xU\x06latin1\x86R\x86R.": opaque{"numpy._core.multiarray.scalar"},
		"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\x01K\x02s.":                                                                    &dict{[]any{int64(1)}, []any{int64(2)}},
	} {
		got, err := run(program)
		require.NoError(t, err, "%q", program)
		require.Equal(t, want, got, "%q", program)
	}
}

// TestCallsMakeNoMoreThanThePickleHas: what is kept can be given to any number of calls, each of which copies it.
func TestCallsMakeNoMoreThanThePickleHas(t *testing.T) {
	list := "](" + strings.Repeat("K\x01N\x86", 100) + "eq\x01"
	bytes := text(strings.Repeat("a", 400)) + "q\x01"
	for kept, call := range map[string]string{
		list:  "ccollections\nOrderedDict\nh\x01\x85R",
		bytes: "c_codecs\nencode\nh\x01U\x06latin1\x86R",
	} {
		_, err := run(kept + call + ".")
		require.NoError(t, err, call)
		_, err = run(kept + strings.Repeat(call, 20) + ".")
		require.ErrorIs(t, err, ErrMade, call)
	}
}

// TestUnknownGlobalsAreOpaque: nothing is looked up or called; what is done to an opaque value gives an opaque value, and
// what is made of one is opaque.
func TestUnknownGlobalsAreOpaque(t *testing.T) {
	getattr := "c__builtin__\ngetattr\n"
	for program, want := range map[string]string{
		"cos\nsystem\n.":                                        "os.system",
		"cos\nsystem\nU\x04true\x85R.":                          "os.system",
		"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.":        "os.system",
		"(U\x04trueios\nsystem\n.":                              "os.system",
		"(cos\nsystem\nU\x04trueo.":                             "os.system",
		"cpathlib\nWindowsPath\n(U\x01aU\x01btR.":               "pathlib.WindowsPath",
		"cm\nC\n)\x81}U\x01xK\x01sb.":                           "m.C",
		"cm\nC\n)}U\x01xK\x01s\x92.":                            "m.C",
		"cm\nC\n)\x81K\x01K\x02s.":                              "m.C",
		"cm\nC\n)\x81(K\x01K\x02u.":                             "m.C",
		"cm\nC\n)\x81K\x01a.":                                   "m.C",
		"cm\nC\n)\x81(K\x01e.":                                  "m.C",
		getattr + "cm\nC\nU\x01x\x86R.":                         "__builtin__.getattr",
		getattr + "cm\nC\nU\x01x\x86RK\x01\x85R.":               "__builtin__.getattr",
		"ctorch\nload\n.":                                       "torch.load",
		"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.":      "torch._utils._rebuild_tensor_v2.__globals__",
		"ccollections\nOrderedDict.fromkeys\n.":                 "collections.OrderedDict.fromkeys",
		"c\n\n.":                                                ".",
		"ccollections\nOrderedDict\ncm\nC\n\x85R.":              "m.C",
		"ctorch\nSize\ncm\nC\nR.":                               "m.C",
		"\x8f(K\x01\x90.":                                       "set",
		"(K\x01\x91.":                                           "frozenset",
		rebuildV2 + "(cm\nC\nK\x00))\x89NtR.":                   "m.C",
		tensorOf("cm\nC\n", ")", ")"):                           "m.C",
		tensorOf("K\x00", "cm\nC\n\x85", "K\x01\x85"):           "m.C",
		tensorOf("K\x00", "K\x01\x85", "cm\nC\n\x85"):           "m.C",
		"ctorch._utils\n_rebuild_parameter\ncm\nC\n\x89}\x87R.": "m.C",
	} {
		got, err := run(program)
		require.NoError(t, err, "%q", program)
		require.Equal(t, opaque{want}, got, "%q", program)
	}
	// Bytes and long texts stay where they are.
	for program, want := range map[string]raw{
		"U\x02a\xff.": {2, 2, false}, // Python 2
		text(strings.Repeat("x", maxText+1)) + ".": {5, maxText + 1, true},
		"B\x02\x00\x00\x00ab.":                     {5, 2, false},
		"C\x02ab.":                                 {2, 2, false},
		"\x8e\x02\x00\x00\x00\x00\x00\x00\x00ab.":  {9, 2, false},
	} {
		got, err := run(program)
		require.NoError(t, err, "%q", program)
		require.Equal(t, want, got, "%q", program)
	}
	// What no value of a tensor depends on may be opaque.
	for _, program := range []string{
		"ctorch._utils\n_rebuild_parameter\n" + strings.TrimSuffix(tensorOf("K\x00", "K\x02\x85", "K\x01\x85"), ".") + "\x89cm\nC\n\x87R.",
		"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\ncm\nC\n(NQK\x00K\x02\x85K\x01\x85\x89Ntcm\nC\ntR.",
	} {
		v, err := run(program)
		require.NoError(t, err, "%q", program)
		require.Equal(t, []int64{2}, v.(*array).shape)
	}
}

// tensorOf is the program of a tensor with instructions for offset, size and stride.
func tensorOf(offset, size, stride string) string {
	return rebuildV2 + "(NQ" + offset + size + stride + "\x89" + "NtR."
}

func TestTensorIsAView(t *testing.T) {
	v, err := run(tensorOf("K\x01", "K\x03K\x02\x86", "K\x01K\x06\x86"))
	require.NoError(t, err)
	a := v.(*array)
	require.Equal(t, []any{int64(1), []int64{3, 2}, []int64{1, 6}}, []any{a.offset, a.shape, a.stride})
}

func TestPicklesAreRefusedByRule(t *testing.T) {
	big := "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"
	for _, c := range []struct {
		rule    error
		program string
	}{
		{ErrTruncated, ""}, {ErrTruncated, "N"}, {ErrTruncated, "M\x01"}, {ErrTruncated, "X\xff\xff\xff\xffab"},
		{ErrTruncated, "\x8d\xff\xff\xff\xff\xff\xff\xff\xffab"}, {ErrTruncated, "cabc"}, {ErrTruncated, "\x8a\xff"}, {ErrTruncated, "B\xff\xff\xff\xffab"}, {ErrTruncated, "\x8e\xff\xff\xff\xff\xff\xff\xff\xffab"},
		{ErrStack, "."}, {ErrStack, "0."}, {ErrStack, "2."}, {ErrStack, "1."}, {ErrStack, "t."}, {ErrStack, "(0."}, {ErrStack, "N(\x85."},
		{ErrStack, "h\x00."}, {ErrStack, "j\x00\x00\x00\x00."}, {ErrStack, "q\x00."}, {ErrStack, "\x94."},
		{ErrStack, "NK\x01a."}, {ErrStack, "}K\x01a."}, {ErrStack, "]K\x01K\x02s."}, {ErrStack, "}(K\x01u."}, {ErrStack, "(K\x01d."},
		{ErrStack, "N)R."}, {ErrStack, "ctorch\nSize\nNR."}, {ErrStack, "ctorch\nSize\n)R."}, {ErrStack, "ctorch\nFloatStorage\n)R."},
		{ErrStack, "NNb."}, {ErrStack, "(o."}, {ErrStack, "o."}, {ErrStack, "im\nC\n."}, {ErrStack, "cm\nC\n\x81."}, {ErrStack, "NNN\x92."}, {ErrStack, "}(K\x01\x90."}, {ErrStack, "NN\x93."}, {ErrStack, "ccollections\nOrderedDict\nK\x01\x85R."}, {ErrStack, "ccollections\nOrderedDict\n]K\x01a\x85R."},
		{ErrStack, "ctorch._utils\n_rebuild_parameter\nNNN\x87R."},
		{ErrOpcode, "\x80\x01."}, {ErrOpcode, "\x80\x06."}, {ErrOpcode, "P0\n."}, {ErrOpcode, "\x82\x01."}, {ErrOpcode, "\xff"},
		{ErrText, text("\xff") + "."}, {ErrText, "c\xff\n."}, {ErrText, "c" + strings.Repeat("x", 5000)},
		{ErrTensor, rebuildV2 + "(NK\x00))tR."}, {ErrTensor, tensorOf("N", ")", ")")}, {ErrTensor, tensorOf("K\x00", "K\x01\x85", ")")},
		{ErrTensor, tensorOf("J\xff\xff\xff\xff", ")", ")")}, {ErrTensor, tensorOf("K\x00", "J\xff\xff\xff\xff\x85", "K\x01\x85")},
		{ErrTensor, tensorOf("K\x00", "K\x01\x85", "J\xff\xff\xff\xff\x85")}, {ErrTensor, tensorOf("K\x00", "N\x85", "N\x85")},
		{ErrRank, tensorOf("K\x00", "("+strings.Repeat("K\x01", 9)+"t", "("+strings.Repeat("K\x01", 9)+"t")},
		{ErrBounds, tensorOf("K\x00", "K\x0b\x85", "K\x01\x85")}, {ErrBounds, tensorOf("K\x0a", ")", ")")}, {ErrBounds, tensorOf("K\x00", "K\x02\x85", "K\x0a\x85")},
		{ErrBounds, tensorOf("K\x00", big+"\x85", big+"\x85")}, {ErrBounds, tensorOf(big, big+"\x85", "K\x02\x85")},
	} {
		_, err := run(c.program)
		require.ErrorIs(t, err, c.rule, "%.80q", c.program)
	}
	_, err := run(strings.Repeat("N0", maxSteps/2) + "N.")
	require.ErrorIs(t, err, ErrSteps)
}

// TestPicklesStayBounded makes what grows exponentially in careless readers: tuples of themselves, lists in themselves.
func TestPicklesStayBounded(t *testing.T) {
	w := &walker{size: 100}
	v, err := run("K\x01" + strings.Repeat("2\x86", 1000) + ".")
	require.NoError(t, err)
	require.ErrorIs(t, w.walk("", v, 0), ErrNesting)
	v, err = run("K\x01" + strings.Repeat("2\x86", 30) + ".")
	require.NoError(t, err)
	require.ErrorIs(t, (&walker{size: 100}).walk("", v, 0), ErrNesting)
	v, err = run("]q\x00h\x00a.")
	require.NoError(t, err)
	require.ErrorIs(t, (&walker{size: 100}).walk("", v, 0), ErrNesting)
	// The same where an error message might print it.
	_, err = run("K\x01" + strings.Repeat("2\x86", 60) + "q\x000" + rebuildV2 + "(NQh\x00h\x00h\x00tR.")
	require.ErrorIs(t, err, ErrTensor)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = run("(" + strings.Repeat("}", maxSteps-3) + "t.")
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(200*maxSteps))
}

func TestExpandedTensorsStayBounded(t *testing.T) {
	v, err := run(tensorOf("K\x00", "J\x00\x00\x00\x7fJ\x00\x00\x00\x7f\x86", "K\x00K\x00\x86"))
	require.NoError(t, err)
	require.ErrorIs(t, (&walker{size: 1 << 40}).walk("x", v, 0), ErrElements)
}

func TestStorageIDs(t *testing.T) {
	float := global{"torch", "FloatStorage"}
	s, err := newStorage(tuple{"storage", float, "7", "cuda:0", int64(3)})
	require.NoError(t, err)
	require.Equal(t, &storage{key: "7", dtype: "F32", size: 4, count: 3, offset: -1}, s)
	for _, id := range []any{
		nil, "storage", tuple{"storage"}, tuple{"module", float, "7", "cpu", int64(3)}, tuple{tuple{}, float, "7", "cpu", int64(3)},
		tuple{"storage", "float", "7", "cpu", int64(3)}, tuple{"storage", float, int64(7), "cpu", int64(3)},
		tuple{"storage", float, "7", "cpu", int64(-3)}, tuple{"storage", float, "7", "cpu", "3"}, tuple{"storage", float, "7", "cpu", int64(3), tuple{}},
	} {
		_, err := newStorage(id)
		require.ErrorIs(t, err, ErrStorage)
	}
	_, err = newStorage(tuple{"storage", global{"torch", "Size"}, "7", "cpu", int64(3)})
	require.ErrorIs(t, err, ErrType)
	same := map[string]*storage{"7": s}
	got, err := shareStorage(same, tuple{"storage", float, "7", "cpu", int64(3)})
	require.NoError(t, err)
	require.Same(t, s, got)
	_, err = shareStorage(same, tuple{"storage", float, "7", "cpu", int64(4)})
	require.ErrorIs(t, err, ErrStorage)
}

func FuzzPickle(f *testing.F) {
	f.Add([]byte("\x80\x02ccollections\nOrderedDict\n)R(" + text("w") + strings.TrimSuffix(tensorOf("K\x00", "K\x02\x85", "K\x01\x85"), ".") + "u}b."))
	f.Add([]byte("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00]q\x00h\x00a\x94."))
	f.Add([]byte("}(" + text("classes") + "(" + text("a") + text("b") + "lU\x01fc__builtin__\ngetattr\ncm\nC\nU\x01x\x86RU\x01icm\nC\n)\x81}U\x01xB\x01\x00\x00\x00asbu."))
	f.Add([]byte("(K\x01M\x02\x03J\x01\x02\x03\x04\x8a\x01\xffG\x00\x00\x00\x00\x00\x00\x00\x00\x88\x89Nl(K\x01K\x02d\x85\x86\x87."))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := run(string(bytes.Clone(b)))
		if err == nil {
			_ = (&walker{size: int64(len(b))}).walk("", v, 0)
		}
	})
}
