package weights

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The network of a file of Detectron is that of the file of Detectron2 with the same numbers, as Detectron2's own loader has it.
func TestFileOfDetectronIsTheNetwork(t *testing.T) {
	want, err := Open("testdata/detectron2_tiny.pkl")
	require.NoError(t, err)
	defer want.Close()
	got, err := Open("testdata/caffe2_tiny.pkl")
	require.NoError(t, err)
	defer got.Close()
	require.Equal(t, Detectron2, got.Report().System)
	require.Equal(t, 202, got.Report().Found)
	require.Equal(t, 201, got.Report().Mapped)
	require.Equal(t, []string{"blobs/conv1_w_momentum"}, got.Report().Ignored)
	require.Equal(t, want.Names(), got.Names())
	for _, name := range want.Names() {
		a, _ := want.Tensor(name)
		b, _ := got.Tensor(name)
		require.Equal(t, a.Shape, b.Shape, name)
		x, err := a.Float32(nil)
		require.NoError(t, err)
		y, err := b.Float32(nil)
		require.NoError(t, err)
		for i := range x {
			switch {
			case strings.HasSuffix(name, "/norm/mean"):
				require.Zero(t, y[i], name)
			case strings.HasSuffix(name, "/norm/variance"):
				require.EqualValues(t, 1, y[i], name)
			default:
				require.Equal(t, x[i], y[i], name)
			}
		}
	}
	a, _, err := want.Config(Options{})
	require.NoError(t, err)
	b, assumed, err := got.Config(Options{})
	require.NoError(t, err)
	require.Equal(t, a, b)
	require.Equal(t, "semantics = detectron2 (names of Detectron in the file, whose own arithmetic differs)", assumed[0].String())
}

// caffe2Names are the names and shapes of the files of that kind, and the names in Detectron2's model that Detectron2 itself matched them with.
func caffe2Names(t *testing.T) map[string]map[string]string {
	files := map[string]map[string]string{}
	for line := range strings.Lines(unzip(t, "caffe2_names.tsv.gz")) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if files[cells[0]] == nil {
			files[cells[0]] = map[string]string{}
		}
		files[cells[0]][cells[1]] = cells[3]
	}
	return files
}

func TestNamesOfCaffe2AreDetectron2s(t *testing.T) {
	files := caffe2Names(t)
	require.Len(t, files, 4)
	for title, names := range files {
		for name, want := range names {
			module, leaf := caffe2Module(name)
			got := module + "." + leaf
			if want == "" { // of ImageNet's classes, or a bias that the model does not have
				require.Contains(t, []string{".", "backbone.bottom_up.stem.conv1.bias"}, got, "%s %s", title, name)
				continue
			}
			require.Equal(t, want, got, "%s %s", title, name)
		}
	}
}

// A training can begin with a backbone alone; nothing else can be done with it.
func TestBackbonesAlone(t *testing.T) {
	shapes := map[string][]int{}
	for line := range strings.Lines(unzip(t, "caffe2_names.tsv.gz")) {
		cells := strings.Split(line, "\t")
		var shape []int
		require.NoError(t, json.Unmarshal([]byte(cells[2]), &shape))
		shapes[cells[0]+" "+cells[1]] = shape
	}
	for _, title := range []string{"R-50", "R-50 with rm and riv", "torchvision"} {
		source := title
		if title == "torchvision" {
			source = "R-50"
		}
		var list []Tensor
		texts := map[string]string{}
		for name, to := range caffe2Names(t)[source] {
			shape := shapes[source+" "+name]
			if title == "torchvision" { // named as by tools/convert-torchvision-to-d2.py
				texts["__author__"] = title
				name = map[string]string{"fc1000_w": "model/stem.fc.weight", "fc1000_b": "model/stem.fc.bias"}[name]
				if to != "" {
					name = "model/" + strings.TrimPrefix(to, "backbone.bottom_up.")
				}
			}
			if name != "" {
				list = append(list, NewTensor(name, shape, make([]float32, product(shape))))
			}
		}
		f, err := newFile("R-50.pkl", &contents{format: "memory", tensors: list, texts: texts})
		require.NoError(t, err)
		require.Empty(t, f.problems)
		require.Len(t, f.tensors, 53*5)
		_, _, err = f.Config(Options{})
		require.EqualError(t, err, "weights: R-50.pkl: a backbone of Detectron2 alone, without the other parts of a detector")
		c, _, err := f.Config(Options{BackboneOnly: true})
		require.NoError(t, err)
		require.Equal(t, 50, c.Backbone.Depth)
		require.Equal(t, 2, c.Backbone.Stem)
		require.Equal(t, 256, c.Backbone.Endpoints)
		require.Equal(t, map[string]float64{"R-50": 1, "R-50 with rm and riv": 1, "torchvision": 58.395}[title], c.Input.Std[0])
		require.Equal(t, title == "torchvision", c.Backbone.StridedConv == "")
	}
}

// Networks of Detectron that are not supported, and names that are none.
func TestOtherNetworksOfDetectronAreNamed(t *testing.T) {
	marker := NewTensor("blobs/res2_0_branch2a_w", []int{1, 1, 1, 1}, make([]float32, 1))
	one := func(name string) Tensor { return NewTensor("blobs/"+name, []int{1}, make([]float32, 1)) }
	for name, what := range map[string]string{
		"conv_rpn_w":             "without a feature pyramid (C4)",
		"rpn_cls_logits_b":       "without a feature pyramid (C4)",
		"retnet_cls_pred_fpn3_w": "a RetinaNet of Detectron,",
		"kps_score_lowres_w":     "a keypoint network of Detectron,",
		"conv_fcn1_w":            "a keypoint network of Detectron,",
		"head_conv1_gn_s":        "group normalization",
	} {
		_, err := FromTensors("m.pkl", []Tensor{marker, one(name)}, nil)
		require.ErrorContains(t, err, what, name)
		require.ErrorContains(t, err, "want Mask R-CNN with ResNet-50-FPN or ResNet-101-FPN", name)
	}
	f, err := FromTensors("m.pkl", []Tensor{marker, one("something_w"), one("res_conv1_w"), one("res_conv1_bn_s"), one("conv1_bn_gamma")}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"blobs/something_w: unexpected, shape [1]", "blobs/res_conv1_w: unexpected, shape [1]",
		"blobs/conv1_bn_gamma: is backbone.bottom_up.stem.conv1.norm.weight, as is blobs/res_conv1_bn_s",
	}, f.problems)

	// Rows that are not those of any number of classes.
	for name, shape := range map[string][]int{"bbox_pred_w": {4, 1}, "cls_score_w": {0, 1}, "mask_fcn_logits_w": {0, 1, 1, 1}, "bbox_pred_b": {3}} {
		f, err := FromTensors("m.pkl", []Tensor{marker, NewTensor("blobs/"+name, shape, make([]float32, product(shape)))}, nil)
		require.NoError(t, err)
		_, _, err = f.Config(Options{})
		require.Error(t, err)
	}

	group := NewTensor("model/backbone.fpn_lateral2.norm.weight", []int{4}, make([]float32, 4))
	_, err = FromTensors("m.pkl", []Tensor{NewTensor("model/"+detectron2Marker, []int{1, 1, 1, 1}, make([]float32, 1)), group}, nil)
	require.ErrorContains(t, err, "a network of Detectron2 with group normalization, which is not supported")
}
