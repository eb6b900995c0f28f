package weights

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

// The file of five classes that the tests of the whole way use; its meta/CLASSES names them.
const tinyMMDet = "../testdata/mmdet_tiny/tiny.pth"

func tinyConfig(t *testing.T, o Options) (*config.Config, []Assumption, error) {
	f, err := Open(tinyMMDet)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Config(o)
}

func TestNamesAreTakenFromTheFile(t *testing.T) {
	c, assumed, err := tinyConfig(t, Options{})
	require.NoError(t, err)
	require.Equal(t, Categories([]string{"alpha", "beta", "gamma", "delta", "epsilon"}), c.Categories)
	require.Contains(t, assumed, Assumption{"categories", "alpha, beta, gamma, delta, epsilon", "names in the file: meta/CLASSES", "Categories"})
}

func TestNamesAreGiven(t *testing.T) {
	own := []config.Category{{ID: 9, Name: "ä"}, {ID: 4, Name: "ß"}, {ID: 1, Name: "c"}, {ID: 2, Name: "d"}, {ID: 3, Name: "e"}}
	c, assumed, err := tinyConfig(t, Options{Categories: own})
	require.NoError(t, err)
	require.Equal(t, own, c.Categories)
	for _, a := range assumed {
		require.NotEqual(t, "Categories", a.Option)
	}
	_, _, err = tinyConfig(t, Options{Categories: own[:3]})
	require.ErrorContains(t, err, "names: 3 given, the file has 5 classes")
}

// TestRowsOfADataSet: rows of TensorFlow's and torchvision's heads are the ids of the data set, those of mmdetection stand
// in the order of its classes.
func TestRowsOfADataSet(t *testing.T) {
	set := []config.Category{{ID: 3, Name: "c"}, {ID: 1, Name: "a"}}
	for _, c := range []struct {
		system System
		list   []config.Category
		rows   int
		want   []config.Category // nil: refused
	}{
		{MMDetection, set, 2, set},
		{MMDetection, set, 3, nil},
		{Torchvision, set, 3, []config.Category{{ID: 1, Name: "a"}, {ID: 2}, {ID: 3, Name: "c"}}},
		{TF1, set, 2, set}, // of which no row can be 3
		{TF2, set, 4, nil},
		{TF2, []config.Category{{ID: 2, Name: "b"}, {ID: 1, Name: "a"}}, 2, []config.Category{{ID: 1, Name: "a"}, {ID: 2, Name: "b"}}},
		{"", set, 3, []config.Category{{ID: 1, Name: "a"}, {ID: 2}, {ID: 3, Name: "c"}}},
		{"", []config.Category{{ID: 2, Name: "b"}, {ID: 1, Name: "a"}}, 2, []config.Category{{ID: 2, Name: "b"}, {ID: 1, Name: "a"}}},
	} {
		got, ok := rowsOf(c.list, c.rows, c.system)
		require.Equal(t, c.want != nil, ok, "%v", c)
		if ok {
			require.Equal(t, c.want, got, "%v", c)
		}
	}
}

func TestInputSizeIsGiven(t *testing.T) {
	c, assumed, err := tinyConfig(t, Options{Input: InputSize{Short: 320, Long: 500}})
	require.NoError(t, err)
	require.Equal(t, []int{320, 500}, []int{c.Input.MinSize, c.Input.MaxSize})
	for _, a := range assumed {
		require.NotEqual(t, "Input", a.Option)
	}
	for _, wrong := range []InputSize{{Height: 640, Width: 640}, {Short: 500, Long: 320}, {Short: 500}} {
		_, _, err = tinyConfig(t, Options{Input: wrong})
		require.ErrorContains(t, err, "want a shorter and a longer side")
	}
	fixed := config.Input{Fit: config.FitFixedSize, Height: 640, Width: 640}
	require.NoError(t, InputSize{Height: 512, Width: 1024}.apply(&fixed))
	require.Equal(t, config.Input{Fit: config.FitFixedSize, Height: 512, Width: 1024}, fixed)
	require.ErrorContains(t, InputSize{Short: 1, Long: 2}.apply(&fixed), "want a height and a width")
}

// TestConfigIsGiven: it replaces what the file implies; other options change a copy of it.
func TestConfigIsGiven(t *testing.T) {
	mine, _, err := tinyConfig(t, Options{})
	require.NoError(t, err)
	mine.RPN.PostNMS = 77
	c, assumed, err := tinyConfig(t, Options{Config: mine, AnchorSize: 5})
	require.NoError(t, err)
	require.Empty(t, assumed)
	require.Equal(t, []any{77, 5.0, 3.0}, []any{c.RPN.PostNMS, c.Anchors.Size, mine.Anchors.Size})
	_, _, err = tinyConfig(t, Options{Config: mine, Semantics: TF1})
	require.ErrorContains(t, err, "a config, which has its own")
	_, _, err = tinyConfig(t, Options{Config: mine, Style: StyleCaffe})
	require.ErrorContains(t, err, `style "caffe" beside a config, which has its own`)
}

// Styles are those of mmdetection.
func TestStyleIsOfMMDetection(t *testing.T) {
	f, err := Open(tinyDetectron2(t))
	require.NoError(t, err)
	defer f.Close()
	_, _, err = f.Config(Options{Style: StyleCaffe})
	require.ErrorContains(t, err, `style "caffe": want a file of mmdetection, this has the semantics of detectron2`)
	_, _, err = f.Config(Options{Style: StyleCaffe, Semantics: MMDetection3})
	require.NoError(t, err)
}

// TestLabelsBesideAFile: Hugging Face's config.json names the classes of the weights beside it, if it has names for all.
func TestLabelsBesideAFile(t *testing.T) {
	for text, want := range map[string]string{
		`{"id2label":{"0":"a","1":"b","2":"c","3":"d","4":"e"},"label2id":{}}`:                 "a",
		`{"id2label":{"0":"a","1":"b"}}`:                                                       "alpha",
		`{"id2label":{"0":"LABEL_0","1":"LABEL_1","2":"LABEL_2","3":"LABEL_3","4":"LABEL_4"}}`: "alpha",
		`{"id2label":{"1":"a","2":"b","3":"c","4":"d","6":"e"}}`:                               "alpha",
		`no JSON`: "alpha",
	} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), []byte(text), 0o644))
		b, err := os.ReadFile(tinyMMDet)
		require.NoError(t, err)
		file := filepath.Join(folder, "model.pth")
		require.NoError(t, os.WriteFile(file, b, 0o644))
		f, err := Open(file)
		require.NoError(t, err)
		f.lists = append(f.lists[1:], f.lists[0]) // the list in the file would come first
		c, _, err := f.Config(Options{})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, want, c.Categories[0].Name, text)
	}
	require.Equal(t, []nameList{{"metadata/classes", []string{"a", "b"}}}, labelsIn(map[string]string{"classes": `["a","b"]`, "names": "a,b"}))
}

// TestNamesOfCOCOKeepItsIDs: files that mmdetection trained on COCO name its classes, 1.x with "_" for spaces
// (mmdet/datasets/coco.py); the ids are still those of the data set, not 1 to 80.
func TestNamesOfCOCOKeepItsIDs(t *testing.T) {
	c, err := config.MMDet("49")
	require.NoError(t, err)
	want := slices.Clone(c.Categories)
	for _, space := range []string{" ", "_"} {
		var names []string
		for _, k := range want {
			names = append(names, strings.ReplaceAll(k.Name, " ", space))
		}
		f := &File{lists: []nameList{{"meta/CLASSES", names}}}
		from, err := f.setCategories(c, Options{}, MMDetection)
		require.NoError(t, err)
		require.Equal(t, "meta/CLASSES", from)
		require.Equal(t, want, c.Categories)
	}
	require.Equal(t, config.Category{ID: 90, Name: "toothbrush"}, want[79])
	for _, odd := range [][]string{{"a", "a"}, {"a", "b\x1b[31m"}, {"a", strings.Repeat("b", 300)}, {"a"}} { // no names of two classes
		c.Categories = Categories([]string{"x", "y"})
		from, err := (&File{lists: []nameList{{"names", odd}}}).setCategories(c, Options{}, MMDetection)
		require.NoError(t, err)
		require.Empty(t, from)
		require.Equal(t, "x", c.Categories[0].Name)
	}
}
