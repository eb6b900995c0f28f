package spinemask_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
)

// What TensorFlow's Model Garden (tf-models-official 2.15.0, TensorFlow 2.15.1)
// made of detectors on ResNets with a feature pyramid, and on mobile SpineNet:
// float32, CPU. The bars are
// those of the fixtures' READMEs.

// networkBar is the tolerance of stages whose names begin with a text, of the
// largest value.
type networkBar struct {
	prefix string
	bar    float64
}

var gardenNetworks = []struct {
	gardenCase
	stages []networkBar // the first that fits
	heads  float64      // box and mask head from the stored regions; 0: has none
	photos map[string]paritytest.Bars
}{
	{
		gardenCase{
			name: "rfpn_mrcnn", folder: "tf2_resnet_fpn", about: "tf2_resnet_fpn/full_names_rfpn_mrcnn.json", checkpoint: "tf2_resnet_fpn/ckpt_mrcnn",
			detections: paritytest.Bars{Cut: 5e-4, Missing: 1, Score: 5e-4, ScoreMedian: 5e-4, Box: 0.02, BoxMedian: 0.02, IoU: 0.98, MaskSize: 28},
		},
		[]networkBar{{"stem", 1e-5}, {"C2", 5e-5}, {"C3", 5e-5}, {"C", 5e-4}, {"P", 5e-4}, {"rpn_", 1e-3}}, 1e-5, nil,
	},
	{
		gardenCase{
			name: "rfpn_retina", folder: "tf2_resnet_fpn", about: "tf2_resnet_fpn/full_names_rfpn_retina.json", checkpoint: "tf2_resnet_fpn/ckpt_retina",
			detections: paritytest.Bars{Cut: 5e-4, Missing: 1, Score: 5e-4, ScoreMedian: 5e-4, Box: 0.15, BoxMedian: 0.15},
		},
		[]networkBar{{"stem", 1e-5}, {"C2", 5e-5}, {"C3", 5e-5}, {"C", 5e-4}, {"P", 5e-4}, {"cls_", 1e-3}, {"box_", 1e-3}}, 0, nil,
	},
	{
		gardenCase{
			name: "mobile_retina", folder: "tf2_spinenet_mobile", about: "tf2_spinenet_mobile/full_names_mobile_retina.json", checkpoint: "tf2_spinenet_mobile/ckpt_retina",
			detections: paritytest.Bars{Score: 2e-4, ScoreMedian: 2e-4, Box: 5e-3, BoxMedian: 5e-3},
		},
		[]networkBar{{"stem", 1e-5}, {"resample_0_", 1e-5}, {"resample_", 5e-5}, {"block_", 5e-5}, {"P", 5e-5}, {"cls_", 1e-5}, {"box_", 1e-5}}, 0, nil,
	},
	{
		gardenCase{
			name: "mobile_mrcnn", folder: "tf2_spinenet_mobile", about: "tf2_spinenet_mobile/full_names_mobile_mrcnn.json", checkpoint: "tf2_spinenet_mobile/ckpt_mrcnn",
			detections: paritytest.Bars{Cut: 3e-2, Missing: 3, Score: 3e-2, ScoreMedian: 3e-2, Box: 0.7, BoxMedian: 0.7, IoU: 0.95, IoUMedian: 0.95, MaskSize: 28},
		},
		[]networkBar{{"stem", 1e-5}, {"resample_0_", 1e-5}, {"resample_", 8e-4}, {"block_", 8e-4}, {"P3", 3e-4}, {"P4", 3e-4}, {"P5", 3e-4}, {"P", 2e-3}, {"rpn_", 5e-4}}, 1e-5,
		map[string]paritytest.Bars{
			"skimage_chelsea.png":   {Cut: 3e-4, Missing: 3, Score: 3e-4, ScoreMedian: 3e-4, Box: 5e-3, BoxMedian: 5e-3, IoU: 0.95, MaskSize: 28},
			"coco_000000000072.jpg": {Cut: 5e-3, Missing: 3, Score: 5e-3, ScoreMedian: 5e-3, Box: 0.3, BoxMedian: 0.3, IoU: 0.95, MaskSize: 28},
		},
	},
}

// gardenValue is the value of the trunk that a golden tensor is of.
func gardenValue(t testing.TB, n *paritytest.Network, name string) (graph.Value, bool) {
	var i, j int
	scan := func(format string, args ...any) bool {
		count, _ := fmt.Sscanf(name, format, args...)
		return count == len(args)
	}
	switch {
	case name == "stem_pool":
		return node(t, n.Trunk, "backbone/stem/pool"), true
	case name == "stem":
		return node(t, n.Trunk, "backbone/stem/conv/"+string(n.Config.Activation)), true
	case scan("stem_group_%d", &i):
		return n.Features.Stem[i], true
	case scan("resample_%d_%d", &i, &j):
		return node(t, n.Trunk, fmt.Sprintf("backbone/block%02d/resample%d/conv/norm", i, j)), true
	case scan("block_%d", &i):
		return n.Features.Blocks[i], true
	case scan("C%d", &i):
		return n.Features.Blocks[i-2], true
	case scan("P%d", &i):
		return n.Features.Levels[i], true
	case scan("rpn_score_%d", &i):
		return n.Output(n.Trunk, fmt.Sprintf("objectness%d", i)), true
	case scan("cls_outputs_%d", &i):
		return n.Output(n.Trunk, fmt.Sprintf("classes%d", i)), true
	case scan("rpn_box_%d", &i), scan("box_outputs_%d", &i) && !strings.Contains(name, "_0_"):
		return n.Output(n.Trunk, fmt.Sprintf("deltas%d", i)), true
	}
	return 0, false
}

// Every stored stage of the trunk from the network's input, which our own
// preprocessing makes of the first photo; the heads from the stored regions.
func TestGardenNetworksStages(t *testing.T) {
	for _, g := range gardenNetworks {
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(g.name+"/"+name, func(t *testing.T) {
				f, options, about := g.read(t)
				first := gardenPhotos(t, g.gardenCase)[0]
				golden := g.golden(t)
				img := samePixels(t, first.Name, first.SHA256)
				require.NotNil(t, img, "%s: no file has the pixels that the original saw", first.Name)
				n := paritytest.New(t, f, options, golden, o)
				n.Measure = relMax
				golden["input"] = preprocessed(t, n.Config, about.Input, img)
				requireRows(t, golden.Get(t, "input_rows"), golden["input"], 4, 1e-6)
				compared := 0
				for stored := range golden {
					v, ok := gardenValue(t, n, stored)
					if !ok {
						continue
					}
					compared++
					bar := -1.0
					for _, b := range g.stages {
						if strings.HasPrefix(stored, b.prefix) {
							bar = b.bar
							break
						}
					}
					n.Stage(n.Trunk, about.Input[0], about.Input[1], paritytest.Values{"input": 0}, paritytest.Values{stored: v}, bar)
				}
				require.Greater(t, compared, 10)
				if g.heads == 0 {
					return
				}
				n.Stage(n.Box, n.Config.RoIAlign.BoxSize, n.Config.RoIAlign.BoxSize, paritytest.Values{"roi_features_0_16": 0}, paritytest.Values{
					"class_logits_0_128": n.Output(n.Box, "classes"),
					"box_outputs_0_16":   n.Output(n.Box, "deltas"),
				}, g.heads)
				const masks = "mask_logits_0_16"
				size := n.Config.RoIAlign.MaskSize
				logits := n.Run(n.Mask, size, size, paritytest.Values{"mask_roi_features_0_2": 0}, paritytest.Values{masks: n.Output(n.Mask, "logits")})[masks]
				n.Compare(masks, paritytest.OwnClass(n.Config, logits, golden.Get(t, "detection_classes").Data), g.heads)
			})
		}
	}
}

// Whole detections from pixels.
func TestGardenNetworksDetections(t *testing.T) {
	for _, g := range gardenNetworks {
		f, options, _ := g.read(t)
		for _, p := range gardenPhotos(t, g.gardenCase) {
			img := samePixels(t, p.Name, p.SHA256)
			if img == nil {
				t.Logf("%s: no file has the pixels that the original saw", p.Name)
				continue
			}
			bars, ok := g.photos[p.Name]
			if !ok {
				bars = g.detections
			}
			want := paritytest.ParseCOCO(t, p.Results)[p.ID]
			for name, direct := range map[string]bool{"direct": true, "winograd": false} {
				t.Run(fmt.Sprintf("%s/%s/%s", g.name, p.Name, name), func(t *testing.T) {
					m := modelOf(t, f, &spinemask.Options{Raw: true, Height: p.Size[0], Width: p.Size[1], NoWinograd: direct, Weights: options})
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
