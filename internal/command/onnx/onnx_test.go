package onnx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/network"
)

// counted are weights that say where they lie: value i of an array is i, and a
// part of its own.
type counted struct{ shapes map[string][]int }

func countedOf(graphs ...*graph.Graph) counted {
	w := counted{map[string][]int{}}
	for _, g := range graphs {
		if g == nil {
			continue
		}
		for _, t := range g.Tensors() {
			w.shapes[t.Name] = t.Shape
		}
	}
	return w
}

func (w counted) Float32(name string) ([]float32, error) {
	shape, ok := w.shapes[name]
	if !ok {
		return nil, errors.New(name + ": missing")
	}
	v := make([]float32, product(shape))
	for i := range v {
		v[i] = float32(i) + float32(len(name)%16)/16
	}
	return v, nil
}

func encode(t *testing.T, f *File, w Weights) *decoded {
	var b bytes.Buffer
	require.NoError(t, f.Write(&b, w, nil, "v1"))
	return decode(t, b.Bytes())
}

// one exports a graph that is run at h×w.
func one(t *testing.T, g *graph.Graph, h, w int) (*File, error) {
	require.NoError(t, g.Err())
	x := newTranslator("test", "")
	_, err := x.graph(g, h, w, nil)
	return x.file, err
}

// Every operation, in the words of ONNX's operator reference.
func TestTranslations(t *testing.T) {
	g := graph.New()
	x := g.Input("image", 3)
	a := g.Conv("conv", x, graph.Conv{Size: 3, Stride: 2, Padding: graph.Same, Out: 4, Bias: true}) // 8×12 → 4×6
	b := g.Norm("norm", a, 1e-3)
	c := g.Activate("relu", b, graph.Relu)
	d := g.Depthwise("each", c, graph.Depthwise{Size: 5, Stride: 1, Padding: graph.Fixed})
	e := g.Activate("swish", d, graph.Swish)
	h := g.Activate("hard", e, graph.HardSwish)
	m := g.Mean("mean", h)
	gate := g.Gate("gate", h, g.Activate("sig", m, graph.HardSigmoid))
	p := g.MaxPool("pool", gate, graph.MaxPool{Size: 3, Stride: 2, Padding: graph.Same}) // 2×3
	u := g.Upsample("up", p, 2)
	s := g.Add("sum", u, h, e)
	n := g.Nearest("near", s, graph.Nearest{Height: 3, Width: 7})
	v := g.Deconv("deconv", n, graph.Deconv{Size: 2, Out: 5, Bias: true}) // 6×14
	f := g.Dense("fc", v, graph.Dense{Height: 6, Width: 14, Out: 2})
	g.Output("scores", g.Dense("last", g.Activate("fc/sigmoid", f, graph.Sigmoid), graph.Dense{Height: 1, Width: 1, Out: 3, Bias: true}))
	g.Output("P", s)
	g.Output("again", s)
	file, err := one(t, g, 8, 12)
	require.NoError(t, err)
	got := encode(t, file, countedOf(g))
	require.EqualValues(t, []uint64{8, 17}, []uint64{got.ir, got.opset})
	require.Equal(t, []string{"spinemask", "v1", "test"}, []string{got.producer, got.version, got.graph})
	require.Equal(t, []string{"image [1, 3, 8, 12]"}, got.inputs)
	require.Equal(t, []string{"scores [1, 3]", "P [1, 4, 4, 6]", "again [1, 4, 4, 6]"}, got.outputs)
	require.Equal(t, strings.TrimSpace(`
conv = Conv(image, conv/kernel, conv/bias) kernel_shape=ints [3 3] pads=ints [0 0 1 1] strides=ints [2 2]
norm = BatchNormalization(conv, norm/gamma, norm/beta, norm/mean, norm/variance) epsilon=float 0.001
relu = Relu(norm)
each = Conv(relu, each/kernel) group=int 4 kernel_shape=ints [5 5] pads=ints [2 2 2 2] strides=ints [1 1]
swish/sigmoid = Sigmoid(each)
swish = Mul(each, swish/sigmoid)
hard = HardSwish(swish)
mean = GlobalAveragePool(hard)
sig/unit = HardSigmoid(mean) alpha=float 0.16666667 beta=float 0.5
sig = Mul(sig/unit, constant/1.00002)
gate = Mul(hard, sig)
pool = MaxPool(gate) kernel_shape=ints [3 3] pads=ints [0 0 1 1] strides=ints [2 2]
up = Resize(pool, , constant/upsample2) coordinate_transformation_mode=string asymmetric mode=string nearest nearest_mode=string floor
P/sum0 = Add(up, hard)
P = Add(P/sum0, swish)
near/rows = Gather(P, constant/nearest3of4) axis=int 2
near = Gather(near/rows, constant/nearest7of6) axis=int 3
deconv = ConvTranspose(near, deconv/kernel, deconv/bias) kernel_shape=ints [2 2] pads=ints [0 0 0 0] strides=ints [2 2]
fc/flat = Flatten(deconv) axis=int 1
fc = Gemm(fc/flat, fc/kernel) transB=int 1
fc/sigmoid = Sigmoid(fc)
scores = Gemm(fc/sigmoid, last/kernel, last/bias) transB=int 1
again = Identity(P)`), got.text())

	require.Equal(t, []float32{1, 1, 2, 2}, got.tensors["constant/upsample2"].floats())
	require.Equal(t, []float32{1.00002}, got.tensors["constant/1.00002"].floats())
	require.Empty(t, got.tensors["constant/1.00002"].shape)
	require.Equal(t, []int{0, 1, 2}, got.tensors["constant/nearest3of4"].integers())
	require.Equal(t, []int{0, 0, 1, 2, 3, 4, 5}, got.tensors["constant/nearest7of6"].integers())
	requireWeights(t, got, g)
}

// Networks of all kinds: every node of the graph is in the file under its name, or
// that of an output; shapes are those of the graph and follow from ONNX's rules;
// all weights are there and nothing else.
func TestNetworks(t *testing.T) {
	for name, tt := range map[string]struct {
		system  func(string) (*config.Config, error)
		variant string
		height  int
		width   int
		files   int
	}{
		"SpineNet, TF1":           {config.TF1, "49S", 128, 256, 3},
		"SpineNet, TF2":           {config.TF2, "49", 128, 256, 3},
		"SpineNet-190, swish":     {config.TF1, "190", 128, 128, 3},
		"mmdetection":             {config.MMDet, "49S", 128, 256, 3},
		"torchvision v1":          {config.Torchvision, "v1", 96, 160, 3},
		"torchvision v2":          {config.Torchvision, "v2", 96, 160, 3},
		"ResNet-FPN, Garden":      {config.TF2ResNetFPN, "resnet-50", 128, 256, 3},
		"RetinaNet, TF1":          {config.TF1RetinaNet, "49S", 128, 256, 1},
		"RetinaNet, TF2":          {config.TF2RetinaNet, "49", 128, 256, 1},
		"RetinaNet on ResNet":     {config.TF2ResNetFPNRetinaNet, "resnet-50", 128, 256, 1},
		"RetinaNet, mobile":       {config.TF2Mobile, "49", 128, 256, 1},
		"Mask R-CNN, mobile":      {config.TF2MobileMaskRCNN, "49XS", 128, 256, 3},
		"R23-SP30":                {config.ScalePermuted, "r23_sp30", 128, 128, 1},
		"classifier, TF1":         {config.TF1Classification, "49", 224, 224, 1}, // sides that do not divide
		"classifier on SpineNet":  {config.TF2Classification, "49", 128, 256, 1},
		"classifier on ResNet-50": {config.TF2Classification, "resnet-50", 200, 168, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := tt.system(tt.variant)
			require.NoError(t, err)
			thin(c)
			if c.Input.HasSize() {
				c.Input.Height, c.Input.Width = tt.height, tt.width
			}
			require.NoError(t, c.Validate())
			n, err := network.Build(c)
			require.NoError(t, err)
			files, err := Parts(n, c, tt.height, tt.width)
			require.NoError(t, err)
			require.Len(t, files, tt.files)
			w := countedOf(n.Trunk, n.Box, n.Mask, n.Classifier)
			trunk := encode(t, files[0], w)
			arrays := requireGraph(t, trunk, n.Trunk, tt.height, tt.width, 1)
			if n.Classifier != nil {
				requireWeights(t, trunk, n.Classifier)
				arrays += len(n.Classifier.Tensors())
				require.Equal(t, fmt.Sprintf("logits [1, %d]", c.Classes()), trunk.outputs[len(trunk.outputs)-1])
			}
			requireShapes(t, trunk)
			requireOnly(t, trunk, arrays)
			if tt.files == 3 {
				for i, g := range []*graph.Graph{n.Box, n.Mask} {
					head := encode(t, files[i+1], w)
					require.Equal(t, []string{"box_head", "mask_head"}[i], head.graph)
					side := []int{c.RoIAlign.BoxSize, c.RoIAlign.MaskSize}[i]
					require.Equal(t, fmt.Sprintf("features [rois, %d, %d, %d]", c.Backbone.Endpoints, side, side), head.inputs[0])
					requireOnly(t, head, requireGraph(t, head, g, side, side, -1))
					requireShapes(t, head)
				}
			}
		})
	}
}

// thin makes a network of few channels, so that its weights are quickly written.
func thin(c *config.Config) {
	c.Backbone.FilterScale = 0.12
	if c.Backbone.Type != config.BackboneResNet {
		c.Backbone.Endpoints = 9
	}
	if c.Backbone.Type == config.BackboneResNetFPN {
		c.Backbone.FilterScale = 0
		c.Backbone.Stem, c.Backbone.Bottleneck, c.Backbone.Stage = 4, 4, 8
	}
	if len(c.Categories) > 5 {
		c.Categories = c.Categories[:5]
	}
	if c.Model == config.ModelMaskRCNN {
		c.RPN.Filters, c.BoxHead.Filters, c.MaskHead.Filters = 7, 8, 9
		for i := range c.BoxHead.FC {
			c.BoxHead.FC[i] = 11
		}
	} else if c.Model == config.ModelRetinaNet {
		c.RetinaHead.Filters = 7
	}
}

// A classifier of all levels divides their sum by their number before the mean.
func TestClassifierOfAllLevels(t *testing.T) {
	c, err := config.TF2Classification("49")
	require.NoError(t, err)
	thin(c)
	c.Input.Height, c.Input.Width = 128, 128
	c.Classifier.Features = config.ClassifierAll
	n, err := network.Build(c)
	require.NoError(t, err)
	files, err := Parts(n, c, 128, 128)
	require.NoError(t, err)
	d := encode(t, files[0], countedOf(n.Trunk, n.Classifier))
	_, tail, found := strings.Cut(d.text(), "\nclassifier/nearest/P6/rows")
	require.True(t, found)
	require.Equal(t, strings.TrimSpace(`
 = Gather(P7, constant/nearest2of1) axis=int 2
classifier/nearest/P6 = Gather(classifier/nearest/P6/rows, constant/nearest2of1) axis=int 3
classifier/sum/P6 = Add(classifier/nearest/P6, P6)
classifier/nearest/P5/rows = Gather(classifier/sum/P6, constant/nearest4of2) axis=int 2
classifier/nearest/P5 = Gather(classifier/nearest/P5/rows, constant/nearest4of2) axis=int 3
classifier/sum/P5 = Add(classifier/nearest/P5, P5)
classifier/nearest/P4/rows = Gather(classifier/sum/P5, constant/nearest8of4) axis=int 2
classifier/nearest/P4 = Gather(classifier/nearest/P4/rows, constant/nearest8of4) axis=int 3
classifier/sum/P4 = Add(classifier/nearest/P4, P4)
classifier/nearest/P3/rows = Gather(classifier/sum/P4, constant/nearest16of8) axis=int 2
classifier/nearest/P3 = Gather(classifier/nearest/P3/rows, constant/nearest16of8) axis=int 3
classifier/sum/P3 = Add(classifier/nearest/P3, P3)
classifier/part = Div(classifier/sum/P3, constant/levels)
classifier/mean = GlobalAveragePool(classifier/part)
logits/flat = Flatten(classifier/mean) axis=int 1
logits = Gemm(logits/flat, classifier/kernel, classifier/bias) transB=int 1`), strings.TrimSpace(tail))
	require.Equal(t, []float32{5}, d.tensors["constant/levels"].floats())
}

func TestRefusals(t *testing.T) {
	point := graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: 2}
	for want, build := range map[string]func(g *graph.Graph, x graph.Value){
		"conv: conv 1x1 same 2: behind a dense layer, which is not written": func(g *graph.Graph, x graph.Value) {
			g.Conv("conv", g.Dense("fc", x, graph.Dense{Height: 4, Width: 4, Out: 2}), point)
		},
		"sum: add: behind a dense layer, which is not written": func(g *graph.Graph, x graph.Value) {
			g.Add("sum", g.Mean("mean", x), g.Dense("fc", x, graph.Dense{Height: 4, Width: 4, Out: 2}))
		},
		"b: conv 1x1 same 2: w/kernel is used in two ways": func(g *graph.Graph, x graph.Value) {
			g.ConvShared("b", "w", g.ConvShared("a", "w", x, graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 2}), point)
		},
		"a/sigmoid: relu: the name a/sigmoid is used twice": func(g *graph.Graph, x graph.Value) {
			g.Activate("a/sigmoid", g.Activate("a", x, graph.Swish), graph.Relu)
		},
		"graph: far: depthwise: 4×4×2 is too small": func(g *graph.Graph, x graph.Value) {
			g.Depthwise("far", x, graph.Depthwise{Size: 9, Stride: 1, Padding: graph.Valid})
		},
	} {
		g := graph.New()
		build(g, g.Input("x", 2))
		_, err := one(t, g, 4, 4)
		require.EqualError(t, err, want)
	}
}

// A file that readers of protocol buffers refuse is not begun.
func TestTooLarge(t *testing.T) {
	g := graph.New()
	g.Output("y", g.Dense("fc", g.Input("x", 1<<14), graph.Dense{Height: 7, Width: 7, Out: 1 << 14}))
	f, err := one(t, g, 7, 7)
	require.NoError(t, err)
	var b bytes.Buffer
	require.ErrorContains(t, f.Write(&b, countedOf(), nil, ""), "onnx: test: 526133") // 4·7·7·2^28 and a little
	require.Zero(t, b.Len())
}

// What goes wrong while a file is written is said.
func TestErrorsOfWriting(t *testing.T) {
	g := graph.New()
	g.Conv("a", g.Input("x", 2), graph.Conv{Size: 3, Stride: 1, Padding: graph.Same, Out: 2})
	f, err := one(t, g, 4, 4)
	require.NoError(t, err)
	require.EqualError(t, f.Write(io.Discard, counted{}, nil, ""), "onnx: test: a/kernel: missing")
	require.EqualError(t, f.Write(io.Discard, counted{map[string][]int{"a/kernel": {3, 3, 2, 1}}}, nil, ""), "onnx: test: a/kernel: 18 values, want 36")
	require.ErrorIs(t, f.Write(full{}, countedOf(g), nil, ""), io.ErrShortWrite)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestDescribe(t *testing.T) {
	read := func(c *config.Config) (mean, std []float64, classes []string, m map[string]string) {
		about, err := Describe(c, 96, 160, `{"source":"x"}`)
		require.NoError(t, err)
		m = map[string]string{}
		for _, p := range about {
			m[p.Key] = p.Value
		}
		require.NoError(t, json.Unmarshal([]byte(m["mean"]), &mean))
		require.NoError(t, json.Unmarshal([]byte(m["std"]), &std))
		require.NoError(t, json.Unmarshal([]byte(m["classes"]), &classes))
		again, err := config.Parse([]byte(m["config"]))
		require.NoError(t, err)
		require.Equal(t, c, again)
		return mean, std, classes, m
	}
	c, err := config.Torchvision("v1")
	require.NoError(t, err)
	mean, std, classes, m := read(c)
	require.InDeltaSlice(t, []float64{123.675, 116.28, 103.53}, mean, 1e-9) // of ImageNet, as Detectron2 and mmdetection write them
	require.InDeltaSlice(t, []float64{58.395, 57.12, 57.375}, std, 1e-9)
	require.Equal(t, []string{"background", "person", "bicycle"}, classes[:3])
	require.Len(t, classes, 91)
	require.Equal(t, []string{"mask_rcnn", "17", "[96,160]", `"rgb"`, `{"source":"x"}`}, []string{m["model"], m["opset"], m["size"], m["channels"], m["provenance"]})

	c, err = config.Detectron2("r50")
	require.NoError(t, err)
	mean, std, classes, m = read(c)
	require.Equal(t, []float64{103.53, 116.28, 123.675}, mean)
	require.Equal(t, []float64{1, 1, 1}, std)
	require.Equal(t, `"bgr"`, m["channels"])
	require.Equal(t, "background", classes[80])
	require.Equal(t, "person", classes[0])

	c, err = config.TF2Classification("resnet-50")
	require.NoError(t, err)
	_, _, classes, _ = read(c)
	require.Len(t, classes, 1001)
	require.Equal(t, []string{"background", "tench"}, classes[:2]) // a category of ImageNet's numbering
}
