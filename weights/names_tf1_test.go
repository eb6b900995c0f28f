package weights

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/weights/internal/dtype"
	"github.com/stretchr/testify/require"
)

// zeros is a file of zeros of any length.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// shaped is a float32 tensor of zeros that takes no memory.
func shaped(name string, shape ...int) Tensor {
	t := Tensor{Name: name, Shape: shape, dtype: dtype.F32}
	t.stored = storage{reader: zeros{}, size: 4 * int64(t.Len())}
	return t
}

// wants lists what the network of a config needs.
func wants(t *testing.T, c *config.Config) []Want {
	n, err := network.Build(c)
	require.NoError(t, err)
	var list []Want
	for _, w := range n.Tensors() {
		list = append(list, Want{w.Name, w.Shape})
	}
	return list
}

// unzip returns the text of a file of testdata.
func unzip(t *testing.T, name string) string {
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(text)
}

// tf1Names are the variables of a Mask R-CNN of tensorflow/tpu: names and shapes that the original code makes
// (testdata/README.md).
func tf1Names(t *testing.T, variant string) []Tensor {
	return namesIn(t, "tf1_mrcnn_"+variant+".tsv.gz")
}

// namesIn reads names and shapes.
func namesIn(t *testing.T, file string) []Tensor {
	var list []Tensor
	for line := range strings.Lines(unzip(t, file)) {
		name, text, ok := strings.Cut(line, "\t")
		require.True(t, ok)
		var shape []int
		require.NoError(t, json.Unmarshal([]byte(text), &shape))
		list = append(list, shaped(name, shape...))
	}
	return list
}

// TestTF1NamesOfEverySize translates the names of each published size and compares every shape with the network that
// they imply, which must be the published one.
func TestTF1NamesOfEverySize(t *testing.T) {
	for _, variant := range []string{"49S", "49", "96", "143", "190"} {
		t.Run(variant, func(t *testing.T) {
			vars := tf1Names(t, variant)
			step := Tensor{Name: "global_step", dtype: dtype.I64, stored: storage{reader: zeros{}, size: 8}}
			f, err := FromTensors(variant, append(vars, step, shaped("rpn_head/rpn/kernel/Momentum", 3, 3, 256, 256)), nil)
			require.NoError(t, err)
			require.Equal(t, []string{"global_step", "rpn_head/rpn/kernel/Momentum"}, f.ignored)
			require.Len(t, f.Names(), len(vars))
			c, assumed, err := f.Config(Options{})
			require.NoError(t, err)
			want, err := config.TF1(variant)
			require.NoError(t, err)
			require.Equal(t, want, c)
			require.Len(t, assumed, 6)
			require.NoError(t, Check(f, wants(t, c)))
		})
	}
}

// TestTF1OtherNetworks changes what other users of the code change: more RPN convolutions (in both spellings), class
// counts.
func TestTF1OtherNetworks(t *testing.T) {
	vars := tf1Names(t, "49")
	var custom []Tensor
	for _, v := range vars {
		switch v.Name {
		case "fast_rcnn_head/class-predict/kernel":
			v.Shape = []int{1024, 4}
		case "fast_rcnn_head/class-predict/bias":
			v.Shape = []int{4}
		case "fast_rcnn_head/box-predict/kernel":
			v.Shape = []int{1024, 16}
		case "fast_rcnn_head/box-predict/bias":
			v.Shape = []int{16}
		case "mask_head/mask_fcn_logits/kernel":
			v.Shape = []int{1, 1, 256, 4}
		case "mask_head/mask_fcn_logits/bias":
			v.Shape = []int{4}
		}
		custom = append(custom, shaped(v.Name, v.Shape...))
	}
	for _, spelling := range []string{"rpn-1", "rpn_1"} {
		more := append(custom[:len(custom):len(custom)], shaped("rpn_head/"+spelling+"/kernel", 3, 3, 256, 256), shaped("rpn_head/"+spelling+"/bias", 256))
		for _, level := range []string{"3", "4", "5", "6", "7"} {
			for leaf := range tfLeaves {
				if leaf != "kernel" && leaf != "bias" {
					more = append(more, shaped("rpn_head/rpn-l"+level+"-bn-1/"+leaf, 256))
				}
			}
		}
		f, err := FromTensors("custom", more, nil)
		require.NoError(t, err)
		c, assumed, err := f.Config(Options{Activation: config.ActivationSwish, AnchorSize: 4, NormEpsilon: new(1e-4)})
		require.NoError(t, err)
		require.Equal(t, 2, c.RPN.Convs)
		require.Equal(t, 4, c.Classes())
		require.Equal(t, config.ActivationSwish, c.Activation)
		require.Equal(t, 4.0, c.Anchors.Size)
		require.Equal(t, 1e-4, c.NormEpsilon)
		require.Len(t, assumed, 3, "what was given is not assumed: %v", assumed)
		require.NoError(t, Check(f, wants(t, c)))
	}
}

// TestTF1StemPlaces has a width of 16, whose bottlenecks make the 64 channels that the stem has: no projection is made then.
func TestTF1StemPlaces(t *testing.T) {
	unit := []Tensor{shaped("", 1, 1, 64, 16), shaped("", 3, 3, 16, 16), shaped("", 1, 1, 16, 64)}
	n := tf1Count{stemKernels: []Tensor{shaped("", 7, 7, 3, 64)}, levels: []int{3, 4}}
	for range 4 {
		n.stemKernels = append(n.stemKernels, unit...)
	}
	n.stemKernels = append(n.stemKernels, shaped("", 1, 1, 64, 32), shaped("", 1, 1, 64, 32))
	places := n.stem()
	require.Len(t, places, len(n.stemKernels))
	require.Equal(t, "backbone/stem/group0/unit0/conv0", places[1])
	require.Equal(t, "backbone/stem/group1/unit1/conv2", places[12])
	require.Equal(t, []string{"backbone/endpoint3", "backbone/endpoint4"}, places[13:])
}

func TestTF1Problems(t *testing.T) {
	vars := tf1Names(t, "49S")
	broken := vars[:len(vars):len(vars)]
	broken = append(broken, shaped("fast_rcnn_head/attribute-predict/kernel", 512, 294), shaped("rpn_head/rpn_0/kernel", 3, 3, 128, 128),
		shaped("spinenet/conv2d_60000/kernel", 1, 1, 1, 1))
	f, err := FromTensors("m", broken, nil)
	require.NoError(t, err)
	c, _, err := f.Config(Options{})
	require.NoError(t, err)
	var le *LoadError
	require.ErrorAs(t, Check(f, wants(t, c)), &le)
	require.Equal(t, []string{
		"fast_rcnn_head/attribute-predict/kernel: unexpected, shape [512 294]",
		"rpn_head/rpn_0/kernel: is rpn/conv0/kernel, as is rpn_head/rpn/kernel",
		"spinenet/conv2d_60000/kernel: unexpected, shape [1 1 1 1]",
	}, le.Problems)

	var less []Tensor
	for _, v := range vars {
		if !strings.HasPrefix(v.Name, "mask_head/conv5-mask") && v.Name != "fast_rcnn_head/class-predict/kernel" {
			less = append(less, v)
		}
	}
	require.ErrorAs(t, Convert(io.Discard, f, c, Provenance{}), &le)
	require.Len(t, le.Problems, 3)

	f, err = FromTensors("m", less, nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	require.ErrorAs(t, err, &le)
	require.Equal(t, []string{"box/class/kernel: missing", "mask/deconv/kernel: missing"}, le.Problems)
}

// TestTF1RetinaNet translates the index of a released checkpoint, that of RetinaNet SpineNet-49S.
func TestTF1RetinaNet(t *testing.T) {
	f, err := FromTensors("m", namesIn(t, "tf1_retinanet_49S.tsv.gz"), nil)
	require.NoError(t, err)
	require.Equal(t, TF1, f.system)
	c, assumed, err := f.Config(Options{})
	require.NoError(t, err)
	want, err := config.TF1RetinaNet("49S")
	require.NoError(t, err)
	require.Equal(t, want, c)
	require.Equal(t, "norm_epsilon = 0.0001 (as published: retinanet spinenet-49S (tf1))", assumed[2].String())
	require.NoError(t, Check(f, wants(t, c)))
	require.Equal(t, "retinanet/class_net/class-3-7/gamma", f.from["retina/class/conv3/norm7/gamma"])
	require.Equal(t, "retinanet/box_net/box-predict/kernel", f.from["retina/box/predict/kernel"])
}

// TestTF1RetinaNetProblems breaks it.
func TestTF1RetinaNetProblems(t *testing.T) {
	vars := namesIn(t, "tf1_retinanet_49S.tsv.gz")
	for i, v := range vars {
		if v.Name == "retinanet/class_net/class-predict/kernel" {
			vars[i] = shaped(v.Name, 3, 3, 128, 820)
		}
	}
	f, err := FromTensors("m", append(vars, shaped("retinanet/class_net/other/kernel", 1)), nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{})
	var le *LoadError
	require.ErrorAs(t, err, &le)
	require.Equal(t, []string{
		"retina: 36 outputs for boxes and 820 for classes, want 4 and a number of classes for each anchor",
		"retinanet/class_net/other/kernel: unexpected, shape [1]",
	}, le.Problems)
	f, err = FromTensors("m", namesIn(t, "tf1_retinanet_49S.tsv.gz"), nil)
	require.NoError(t, err)
	_, _, err = f.Config(Options{Semantics: Torchvision})
	require.EqualError(t, err, `weights: m: a retinanet, and there are no defaults for those of "torchvision"`)
}

// TestTF1Classification translates the variables of a classifier that the running original made.
func TestTF1Classification(t *testing.T) {
	f, err := FromTensors("m", namesIn(t, "tf1_classification.tsv.gz"), nil)
	require.NoError(t, err)
	c, assumed, err := f.Config(Options{})
	require.NoError(t, err)
	require.Equal(t, config.ModelClassification, c.Model)
	require.Equal(t, config.ClassifierAll, c.Classifier.Features)
	require.Equal(t, 0.125, c.Backbone.FilterScale)
	require.Equal(t, 101, c.Classes())
	require.Equal(t, "categories = numbers 0 to 100 (their names are not in the file)", assumed[len(assumed)-1].String())
	require.NoError(t, Check(f, wants(t, c)))

	names := make([]string, 100)
	for i := range names {
		names[i] = "thing"
	}
	c, _, err = f.Config(Options{Categories: Categories(names)})
	require.NoError(t, err)
	require.Equal(t, []config.Category{{ID: 0, Name: "background"}, {ID: 1, Name: "thing"}}, c.Categories[:2])
	_, _, err = f.Config(Options{Categories: Categories(names[:7])})
	require.EqualError(t, err, "weights: m: names: 7 given, the file has 101 classes")
	_, _, err = f.Config(Options{AnchorSize: 3})
	require.ErrorContains(t, err, `anchors: a model of the kind "classification" has no such section`)
}
