package spinemask_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights"
)

// What the SpineNet port of yan-roo/SpineNet-Pytorch (b3f9e7e) and the heads of
// mmdetection made, run on PyTorch 2.15.0: float32, CPU. The bars are those that
// the makers of the golden tensors found to hold for every correct computation:
// rel-rms, five times the original's difference from itself.

func mmdetShared(t testing.TB, name string) string {
	return testutil.Shared(t, "fixtures", "mmdet_spinenet", name)
}

var (
	mmdetPart  = regexp.MustCompile(`\.(every_|channels_|first|roi0_).*$`) // of a tensor that is stored in part
	mmdetLevel = strings.NewReplacer("rpn_cls.", "rpn_score_", "rpn_reg.", "rpn_box_", "box.cls_score", "class_logits", "box.bbox_pred", "box_deltas",
		"feature_00", "stem_0", "feature_01", "stem_1")
)

// mmdetGolden has our names: features 2 to 16 are blocks 0 to 14.
func mmdetGolden(t testing.TB, path string) testutil.Tensors {
	return fromPyTorch(testutil.Load(t, path), func(name string) string {
		if !strings.HasPrefix(name, "mask.") { // parts of one tensor
			name = mmdetPart.ReplaceAllString(name, "")
		}
		var i int
		if n, _ := fmt.Sscanf(name, "feature_%02d", &i); n == 1 && i >= 2 {
			return fmt.Sprintf("block_%02d", i-2)
		}
		return mmdetLevel.Replace(name)
	})
}

// mmdetRoIs are the features that the heads were fed with, made by the formula.
func mmdetRoIs(name string, shape ...int) testutil.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return channelsLast(testutil.Tensor{Shape: shape, Data: formula.Values(name, n, 1, 0)})
}

// The way of a user: a checkpoint, and pixels that are not square.
func TestTinyCheckpointEqualsMMDetection(t *testing.T) {
	f, err := weights.Open("testdata/mmdet_tiny/tiny.pth")
	require.NoError(t, err)
	defer f.Close()
	golden := mmdetGolden(t, "testdata/mmdet_tiny/outputs.safetensors")
	golden["roi_features"] = mmdetRoIs("roi/box", 6, 16, 7, 7)
	golden["roi/mask"] = mmdetRoIs("roi/mask", 3, 16, 14, 14)
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	input := golden.Get(t, "pixels")
	for i, v := range input.Data {
		input.Data[i] = (v - float32(c.Input.Mean[i%3])) / float32(c.Input.Std[i%3])
	}
	golden["input"] = input
	for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
		t.Run(name, func(t *testing.T) {
			n := paritytest.New(t, f, weights.Options{}, golden, o)
			n.EndToEnd(5e-4)
			n.Heads(1e-5)
			n.Stage(n.Mask, 14, 14, paritytest.Values{"roi/mask": 0}, paritytest.Values{"mask.logits": n.Output(n.Mask, "logits")}, 1e-5)
		})
	}
	m, err := spinemask.Open("testdata/mmdet_tiny/tiny.pth", nil)
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, c, m.Config())
	r, err := m.Segment(context.Background(), waves(1, 90, 60))
	require.NoError(t, err)
	for _, x := range r.Instances {
		require.True(t, 0 <= x.Box.Y1 && x.Box.Y2 <= 60 && 0 <= x.Box.X1 && x.Box.X2 <= 90, "%v", x.Box)
		require.True(t, x.Box.Y2 > x.Box.Y1 && x.Box.X2 > x.Box.X1, "%v", x.Box)
	}
	require.NotEmpty(t, r.Instances)
}

// A tiny network, complete, from files of both generations of mmdetection: each
// block is fed with its golden parents.
func TestTinyStagesEqualMMDetection(t *testing.T) {
	for _, file := range []string{"tiny_v1_legacy.pth", "tiny_v2_zip.pth"} {
		f, err := weights.Open(mmdetShared(t, file))
		require.NoError(t, err)
		defer f.Close()
		golden := mmdetGolden(t, mmdetShared(t, "tiny_tensors_128x256.safetensors"))
		golden["roi_features"] = mmdetRoIs("roi/box", 6, 16, 7, 7)
		golden["roi/mask"] = mmdetRoIs("roi/mask", 3, 16, 14, 14)
		if file == "tiny_v2_zip.pth" { // has the background last, and no boxes or masks of it
			backgroundLast(golden["class_logits"], 6, false)
			backgroundLast(golden["box_deltas"], 6, true)
			backgroundLast(golden["mask.logits"], 6, true)
		}
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(file+"/"+name, func(t *testing.T) {
				n := paritytest.New(t, f, weights.Options{}, golden, o)
				n.Stage(n.Trunk, 128, 256, paritytest.Values{"input": 0}, paritytest.Values{
					"conv1":   node(t, n.Trunk, "backbone/stem/conv/relu"),
					"maxpool": node(t, n.Trunk, "backbone/stem/pool"),
				}, 1e-5)
				n.Backbone(1e-5)
				n.Heads(1e-5)
				n.Stage(n.Box, 7, 7, paritytest.Values{"roi_features": 0}, paritytest.Values{"box.shared_convs": node(t, n.Box, "box/conv3/relu")}, 1e-5)
				n.Stage(n.Mask, 14, 14, paritytest.Values{"roi/mask": 0}, paritytest.Values{"mask.logits": n.Output(n.Mask, "logits")}, 1e-5)
			})
		}
	}
}

// backgroundLast moves the first of the classes in the last axis behind the others, or puts zeros there.
func backgroundLast(x testutil.Tensor, classes int, zero bool) {
	n := x.Shape[len(x.Shape)-1]
	part := n / classes
	for i := 0; i < len(x.Data); i += n {
		row := x.Data[i : i+n]
		first := append([]float32{}, row[:part]...)
		if zero {
			clear(first)
		}
		copy(row, row[part:])
		copy(row[n-part:], first)
	}
}

func TestStagesEqualMMDetection49S(t *testing.T) {
	f, err := testweights.FromSpec(mmdetShared(t, "49S_weights_spec.json"), mmdetShared(t, "49S_bn_stats.safetensors"))
	require.NoError(t, err)
	golden := mmdetGolden(t, mmdetShared(t, "49S_tensors_256.safetensors"))
	golden["roi/box"] = mmdetRoIs("roi/box", 6, 128, 7, 7)
	golden["roi/mask"] = mmdetRoIs("roi/mask", 3, 128, 14, 14)
	for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
		t.Run(name, func(t *testing.T) {
			n := paritytest.New(t, f, weights.Options{}, golden, o)
			input, pyramid := paritytest.Values{"input": 0}, n.Pyramid()
			n.Stage(n.Trunk, 256, 256, input, paritytest.Values{
				"stem.conv1":   node(t, n.Trunk, "backbone/stem/conv/relu"),
				"stem.maxpool": node(t, n.Trunk, "backbone/stem/pool"),
				"stem_0":       n.Features.Stem[0],
				"stem_1":       n.Features.Stem[1],
			}, 1e-5)
			blocks := paritytest.Values{"P6": pyramid["P6"], "P7": pyramid["P7"]}
			for i, v := range n.Features.Blocks {
				blocks[fmt.Sprintf("block_%02d", i)] = v
			}
			n.Stage(n.Trunk, 256, 256, input, blocks, 5e-4)
			rpn := paritytest.Values{}
			for _, l := range []int{4, 6} {
				rpn[fmt.Sprintf("rpn_score_%d", l)] = n.Output(n.Trunk, fmt.Sprintf("objectness%d", l))
				rpn[fmt.Sprintf("rpn_box_%d", l)] = n.Output(n.Trunk, fmt.Sprintf("deltas%d", l))
			}
			n.Stage(n.Trunk, 256, 256, paritytest.Values{"P4": pyramid["P4"], "P6": pyramid["P6"]}, rpn, 1e-5)
			delete(pyramid, "P6")
			delete(pyramid, "P7")
			n.Stage(n.Trunk, 256, 256, input, pyramid, 3e-4)
			n.Stage(n.Box, 7, 7, paritytest.Values{"roi/box": 0}, paritytest.Values{
				"box.shared_convs": node(t, n.Box, "box/conv3/relu"),
				"class_logits":     n.Output(n.Box, "classes"),
				"box_deltas":       n.Output(n.Box, "deltas"),
			}, 1e-5)
			logits := n.Run(n.Mask, 14, 14, paritytest.Values{"roi/mask": 0}, paritytest.Values{"logits": n.Output(n.Mask, "logits")})["logits"]
			n.Compare("mask.logits.every_7", every(logits, 7), 1e-5)
			logits.Shape[0], logits.Data = 1, logits.Data[:len(logits.Data)/3]
			n.Compare("mask.logits.roi0_classes_0_7", logits, 1e-5)
		})
	}
}

// every keeps every k-th row, column and channel of maps.
func every(m testutil.Tensor, k int) testutil.Tensor {
	h, w, c := m.Shape[1], m.Shape[2], m.Shape[3]
	up := func(n int) int { return (n + k - 1) / k }
	out := testutil.Tensor{Shape: []int{m.Shape[0], up(h), up(w), up(c)}}
	for i, v := range m.Data {
		if i%c%k == 0 && i/c%w%k == 0 && i/c/w%h%k == 0 {
			out.Data = append(out.Data, v)
		}
	}
	return out
}

// Of SpineNet-49 there is the backbone only, and an input that is not square.
func TestPyramidEqualsMMDetection49(t *testing.T) {
	f, err := testweights.FromSpec(mmdetShared(t, "49_weights_spec.json"), mmdetShared(t, "49_bn_stats.safetensors"))
	require.NoError(t, err)
	c, err := config.MMDet("49")
	require.NoError(t, err)
	golden := mmdetGolden(t, mmdetShared(t, "49_tensors_128x256.safetensors"))
	golden["input"] = mmdetGolden(t, mmdetShared(t, "tiny_tensors_128x256.safetensors")).Get(t, "input")
	for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
		t.Run(name, func(t *testing.T) {
			paritytest.Build(t, c, inMemory{f}, golden, o).EndToEnd(5e-4)
		})
	}
}
