package spinemask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/weights"
)

// What TensorFlow's Model Garden (tf-models-official 2.15.0, TensorFlow 2.15.1)
// made: float32, CPU. Model a has relu and 3 anchors a place, model b swish and 9;
// both were written by the Garden's own checkpoints.

func tf2Shared(t testing.TB, elem ...string) string {
	return testutil.Shared(t, append([]string{"fixtures", "tf2_spinenet_mrcnn"}, elem...)...)
}

// tf2Models are the checkpoints; what no tensor tells is said.
var tf2Models = map[string]struct {
	checkpoint string
	options    weights.Options
}{
	"a": {"ckpt_trainer", weights.Options{Activation: config.ActivationReLU}},
	"b": {"ckpt_model_only", weights.Options{Activation: config.ActivationSwish}},
}

func tf2Weights(t testing.TB, model string) *weights.File {
	f, err := weights.Open(tf2Shared(t, tf2Models[model].checkpoint))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// tf2Golden has our names of the tensors, and the whole input, of which the
// first 170 rows are stored and the rest is zero.
func tf2Golden(t testing.TB, model string) testutil.Tensors {
	golden := testutil.Tensors{}
	for name, x := range testutil.Load(t, tf2Shared(t, "tensors_"+model+".safetensors")) {
		name = strings.TrimPrefix(name, model+"/")
		name, _, _ = strings.Cut(name, "@")
		var i int
		if n, _ := fmt.Sscanf(name, "block_%d", &i); n == 1 {
			name = fmt.Sprintf("block_%02d", i)
		}
		golden[name] = x
	}
	input := testutil.Load(t, tf2Shared(t, "tensors_a.safetensors")).Get(t, "a/input_rows")
	golden["input"] = testutil.Tensor{Shape: []int{256, 256, 3}, Data: append(input.Data, make([]float32, 256*256*3-len(input.Data))...)}
	return golden
}

// relMax is the largest difference over the largest value, as the Garden's bars
// are given.
func relMax(want, got []float32) float64 {
	var diff, largest float64
	for i, w := range want {
		diff = max(diff, math.Abs(float64(w-got[i])))
		largest = max(largest, math.Abs(float64(w)))
	}
	return diff / largest
}

// From the network's input. The bars are ten times the distance of the original
// from float64.
func TestFromTheInputEqualsTF2(t *testing.T) {
	for model, bars := range map[string][2]float64{"a": {2e-3, 2e-3}, "b": {2e-3, 1e-2}} {
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(model+"/"+name, func(t *testing.T) {
				n := paritytest.New(t, tf2Weights(t, model), tf2Models[model].options, tf2Golden(t, model), o)
				n.Measure = relMax
				from := func(value graph.Value, golden string, bar float64) {
					t.Helper()
					n.Stage(n.Trunk, 256, 256, paritytest.Values{"input": 0}, paritytest.Values{golden: value}, bar)
				}
				for l := 3; l <= 7; l++ {
					bar := bars[0]
					if l > 5 {
						bar = bars[1]
					}
					from(n.Features.Levels[l], fmt.Sprintf("P%d", l), bar)
					from(n.Output(n.Trunk, fmt.Sprintf("objectness%d", l)), fmt.Sprintf("rpn_score_%d", l), bar)
					from(n.Output(n.Trunk, fmt.Sprintf("deltas%d", l)), fmt.Sprintf("rpn_box_%d", l), bar)
				}
				if model == "b" {
					return // the rest is stored of model a
				}
				from(node(t, n.Trunk, "backbone/stem/pool"), "stem_pool", 1e-5)
				from(n.Features.Stem[0], "stem_group_0", 1e-5)
				from(n.Features.Stem[1], "stem_group_1", 1e-5)
				for i, v := range n.Features.Blocks {
					bar := 1e-4
					if i >= 7 {
						bar = 2e-3
					}
					from(v, fmt.Sprintf("block_%02d", i), bar)
				}
			})
		}
	}
}

// Each stage is fed with its golden input.
func TestStagesEqualTF2(t *testing.T) {
	golden := tf2Golden(t, "a")
	for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
		t.Run(name, func(t *testing.T) {
			n := paritytest.New(t, tf2Weights(t, "a"), tf2Models["a"].options, golden, o)
			n.Measure = relMax
			whole := paritytest.Values{} // maps of which every pixel is stored
			for _, i := range []int{1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14} {
				whole[fmt.Sprintf("block_%02d", i)] = n.Features.Blocks[i]
			}
			for _, i := range []int{4, 5, 6, 7, 8, 9, 10, 12, 13, 14} { // whose parents are whole
				in := paritytest.Values{}
				out := fmt.Sprintf("block_%02d", i)
				for name, v := range whole {
					if name != out {
						in[name] = v
					}
				}
				n.Stage(n.Trunk, 256, 256, in, paritytest.Values{out: n.Features.Blocks[i]}, 1e-5)
			}
			for _, l := range []int{4, 5, 6, 7} {
				p := fmt.Sprintf("P%d", l)
				n.Stage(n.Trunk, 256, 256, whole, paritytest.Values{p: n.Features.Levels[l]}, 1e-5)
				n.Stage(n.Trunk, 256, 256, paritytest.Values{p: n.Features.Levels[l]}, paritytest.Values{
					fmt.Sprintf("rpn_score_%d", l): n.Output(n.Trunk, fmt.Sprintf("objectness%d", l)),
					fmt.Sprintf("rpn_box_%d", l):   n.Output(n.Trunk, fmt.Sprintf("deltas%d", l)),
				}, 1e-5)
			}
			n.Stage(n.Box, 7, 7, paritytest.Values{"roi_features_0_32": 0}, paritytest.Values{
				"class_logits_0_128": n.Output(n.Box, "classes"),
				"box_outputs_0_16":   n.Output(n.Box, "deltas"),
			}, 1e-5)
			const masks = "mask_logits_0_24"
			logits := n.Run(n.Mask, 14, 14, paritytest.Values{"mask_roi_features_0_2": 0}, paritytest.Values{masks: n.Output(n.Mask, "logits")})[masks]
			classes := golden.Get(t, "detection_classes").Data
			n.Compare(masks, paritytest.OwnClass(n.Config, logits, classes), 1e-5)
			n.Compare("mask_sigmoid_0_4", paritytest.Probabilities(n.Config, logits, classes), 1e-5)
		})
	}
}

// Whole detections, of square and of oblong inputs, from pixels that are the
// original's: a PNG file, and JPEG files as TensorFlow decodes them. The bars are
// those of the fixture, about five times what exact arithmetic differs by.
func TestDetectionsEqualTF2(t *testing.T) {
	type image struct {
		Name    string `json:"file_name"`
		Size    [2]int
		Info    [4][2]float32 `json:"image_info"` // [2]: input pixels in a photo pixel, y and x
		Results json.RawMessage
		FastDCT *struct { // without masks
			Scores  []float32
			Classes []int
			Boxes   [][4]float32 `json:"boxes_network"`
		} `json:"fast_dct"`
	}
	for model, bars := range map[string]paritytest.Bars{
		"a": {Cut: 5e-3, Missing: 3, Score: 5e-3, ScoreMedian: 5e-4, Box: 0.4, BoxMedian: 2e-2, IoU: 0.98, MaskSize: 28},
		"b": {Cut: 8e-3, Missing: 3, Score: 8e-3, ScoreMedian: 8e-4, Box: 0.8, BoxMedian: 4e-2, IoU: 0.98, MaskSize: 28},
	} {
		var file struct{ Images []image }
		data, err := os.ReadFile(tf2Shared(t, "detections_"+model+".json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &file))
		for _, p := range file.Images {
			path := testutil.Shared(t, "data", "demo_images", p.Name)
			var want []paritytest.Detection
			if p.FastDCT == nil {
				for _, want = range paritytest.ParseCOCO(t, p.Results) { // one image
				}
			}
			if strings.HasSuffix(p.Name, ".jpg") {
				if p.FastDCT == nil {
					continue // decoded in another way, whose pixels are not stored
				}
				path = tf1Shared(t, "pixels", strings.TrimSuffix(p.Name, ".jpg")+".png")
				y, x := p.Info[2][0], p.Info[2][1]
				for i, b := range p.FastDCT.Boxes {
					inPhoto := box.Box{Y1: b[0] / y, X1: b[1] / x, Y2: b[2] / y, X2: b[3] / x}
					want = append(want, paritytest.Detection{Category: p.FastDCT.Classes[i], Score: p.FastDCT.Scores[i], Box: inPhoto})
				}
			}
			img, err := imageio.Open(path, imageio.Options{})
			require.NoError(t, err)
			for name, direct := range map[string]bool{"direct": true, "winograd": false} {
				t.Run(fmt.Sprintf("%s/%s/%d×%d/%s", model, p.Name, p.Size[0], p.Size[1], name), func(t *testing.T) {
					m := modelOf(t, tf2Weights(t, model), &spinemask.Options{
						Height: p.Size[0], Width: p.Size[1], Raw: true, NoWinograd: direct, Weights: tf2Models[model].options,
					})
					r, err := m.Segment(context.Background(), img)
					require.NoError(t, err)
					matching := paritytest.NewMatching(bars)
					matching.Photo(t, want, r.Instances)
					matching.Check(t)
				})
			}
		}
	}
}
