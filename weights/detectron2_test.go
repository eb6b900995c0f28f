package weights

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
	"github.com/stretchr/testify/require"
)

// tinyDetectron2 is a file of Detectron2's names and layouts in a folder of its own: 20 classes, a tenth of the widths.
func tinyDetectron2(t testing.TB) string {
	data, err := os.ReadFile("testdata/detectron2_tiny.pkl")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "model_final.pkl")
	require.NoError(t, os.WriteFile(name, data, 0o644))
	return name
}

// The options of a training beside its weights.
func TestConfigYAMLBesideDetectron2(t *testing.T) {
	name := tinyDetectron2(t)
	read := func(text string) (*config.Config, []Assumption, error) {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(name), "config.yaml"), []byte(text), 0o644))
		f, err := Open(name)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		return f.Config(Options{})
	}
	told := func(assumed []Assumption) (list []string) {
		for _, a := range assumed {
			if strings.HasPrefix(a.Field, "input") || a.Field == "anchors.size" || a.Field == "backbone.strided_conv" {
				list = append(list, a.String())
			}
		}
		return list
	}
	usual, assumed, err := read("something: else\n")
	require.NoError(t, err)
	without := []string{
		"input.channel_order = bgr (default of detectron2)",
		"input.std = [1 1 1] (default of detectron2)",
		"backbone.strided_conv = 1x1 (default of detectron2)",
		"anchors.size = 8 (default of detectron2)",
		"input = shorter side 800, longer side at most 1333 (default of detectron2)",
	}
	require.Equal(t, without, told(assumed))
	for _, foreign := range []string{"MODEL: resnet50", "MODEL: [1]\nINPUT: 7", "INPUT: 7", "7", ""} { // of other programs
		c, _, err := read(foreign)
		require.NoError(t, err, foreign)
		require.Equal(t, usual, c)
	}
	c, assumed, err := read("model: {_target_: detectron2.modeling.GeneralizedRCNN, backbone: {bottom_up: {}}, pixel_std: [57, 57, 58]}")
	require.NoError(t, err)
	require.Equal(t, usual, c)
	for i := range without {
		require.Equal(t, strings.TrimSuffix(without[i], ")")+"; config.yaml beside the file, of a LazyConfig, is not read)", told(assumed)[i])
	}
	// What is not among the options has its default.
	c, assumed, err = read("INPUT: {MIN_SIZE_TEST: 640}\nMODEL: {PIXEL_STD: [57.375, 57.12, 58.395]}")
	require.NoError(t, err)
	require.Equal(t, [3]float64{58.395, 57.12, 57.375}, c.Input.Std)
	require.Equal(t, []string{
		without[0],
		"input.std = [58.395 57.12 57.375] (config.yaml beside the file)",
		without[2],
		without[3],
		"input = shorter side 640, longer side at most 1333 (config.yaml beside the file; the other side default of detectron2)",
	}, told(assumed))
	require.Equal(t, config.ChannelOrderBGR, usual.Input.ChannelOrder)
	require.Equal(t, [3]float64{123.675, 116.28, 103.53}, usual.Input.Mean)
	require.Equal(t, config.StridedConv1x1, usual.Backbone.StridedConv)

	// A training that began with torchvision's ResNet.
	c, assumed, err = read(`
INPUT: {FORMAT: RGB, MIN_SIZE_TEST: 640, MAX_SIZE_TEST: 1000}
MODEL:
  META_ARCHITECTURE: GeneralizedRCNN
  PIXEL_MEAN: [123.675, 116.28, 103.53]
  PIXEL_STD: [58.395, 57.12, 57.375]
  RESNETS: {STRIDE_IN_1X1: false, RES5_DILATION: 1}
  ANCHOR_GENERATOR: {SIZES: [[16], [32], [64], [128], [256]], ASPECT_RATIOS: [[0.25, 1.0, 4.0]], OFFSET: 0.0}
  RPN: {NMS_THRESH: 0.6, PRE_NMS_TOPK_TEST: 500, POST_NMS_TOPK_TEST: 300}
  ROI_HEADS: {NMS_THRESH_TEST: 0.4, SCORE_THRESH_TEST: 0.3, NUM_CLASSES: 20}
  ROI_BOX_HEAD: {BBOX_REG_WEIGHTS: "(1.0, 2.0, 3.0, 4.0,)", POOLER_TYPE: ROIAlignV2, POOLER_SAMPLING_RATIO: 0}
TEST: {DETECTIONS_PER_IMAGE: 50}
`)
	require.NoError(t, err)
	require.Equal(t, []string{
		"input.channel_order = rgb (config.yaml beside the file)",
		"input.std = [58.395 57.12 57.375] (config.yaml beside the file)",
		"backbone.strided_conv = 3x3 (config.yaml beside the file)",
		"anchors.size = 4 (config.yaml beside the file)",
		"input = shorter side 640, longer side at most 1000 (config.yaml beside the file)",
	}, told(assumed))
	want := usual.Clone()
	want.Input.ChannelOrder, want.Input.Std = "", [3]float64{58.395, 57.12, 57.375}
	want.Input.MinSize, want.Input.MaxSize = 640, 1000
	want.Backbone.StridedConv = ""
	want.Anchors.Size, want.Anchors.AspectRatios = 4, []float64{0.25, 1, 4}
	want.RPN.NMSIoU, want.RPN.PreNMSPerLevel, want.RPN.PostNMS = 0.6, 500, 300
	want.Detections.NMSIoU, want.Detections.ScoreThreshold, want.Detections.Max = 0.4, 0.3, 50
	want.BoxHead.Weights = [4]float64{2, 1, 4, 3}
	require.Equal(t, want, c)

	// Detectron's RoIAlign (configs/Detectron1-Comparisons).
	c, _, err = read("MODEL: {ROI_BOX_HEAD: {POOLER_SAMPLING_RATIO: 2, POOLER_TYPE: ROIAlign}, ROI_MASK_HEAD: {POOLER_SAMPLING_RATIO: 2, POOLER_TYPE: ROIAlign}}")
	require.NoError(t, err)
	want = usual.Clone()
	want.RoIAlign.Rule = config.RoIAlignLegacy
	require.Equal(t, want, c)

	for text, problem := range map[string]string{
		"MODEL: {META_ARCHITECTURE: PanopticFPN}":                                                      `config.yaml: MODEL.META_ARCHITECTURE "PanopticFPN", want GeneralizedRCNN`,
		"MODEL: {MASK_ON: false}":                                                                      "MODEL.MASK_ON is false",
		"MODEL: {RESNETS: {RES5_DILATION: 2}}":                                                         "DC5 is not supported",
		"MODEL: {ANCHOR_GENERATOR: {SIZES: [[32], [64]]}}":                                             "MODEL.ANCHOR_GENERATOR.SIZES [[32] [64]], want for each of the levels 2 to 6",
		"MODEL: {ANCHOR_GENERATOR: {SIZES: [[32], [64], [128], [256], [500]]}}":                        "sizes that double",
		"MODEL: {PIXEL_MEAN: [1, 2]}":                                                                  "MODEL.PIXEL_MEAN has 2 numbers, want 3",
		"MODEL: {RPN: {BBOX_REG_WEIGHTS: \"(1, 1, 1, 3)\"}}":                                           "MODEL.RPN.BBOX_REG_WEIGHTS [1 1 1 3], want [1 1 1 1]",
		"MODEL: {RPN: {BBOX_REG_WEIGHTS: [1, 1, 1, 2]}}":                                               "MODEL.RPN.BBOX_REG_WEIGHTS [1 1 1 2], want [1 1 1 1]",
		"MODEL: {ROI_BOX_HEAD: {BBOX_REG_WEIGHTS: [1, 2]}}":                                            "MODEL.ROI_BOX_HEAD.BBOX_REG_WEIGHTS has 2 numbers, want 4",
		"MODEL:\n  MASK_ON: nuclei\n":                                                                  `config.yaml: line 2: "MASK_ON: nuclei": another type than that of Detectron2`,
		"MODEL: {MASK_ON: 7":                                                                           "config.yaml: yaml: ",
		"MODEL: {ROI_MASK_HEAD: {POOLER_TYPE: ROIPool}}":                                               "poolers ROIAlignV2 with sampling ratio 0 of MODEL.ROI_BOX_HEAD and ROIPool with sampling ratio 0 of MODEL.ROI_MASK_HEAD, want",
		"MODEL: {ROI_BOX_HEAD: {POOLER_TYPE: ROIAlign, POOLER_SAMPLING_RATIO: 2}}":                     "and ROIAlignV2 with sampling ratio 0 of MODEL.ROI_MASK_HEAD, want",
		"MODEL: {ROI_BOX_HEAD: {POOLER_SAMPLING_RATIO: 2}, ROI_MASK_HEAD: {POOLER_SAMPLING_RATIO: 2}}": "poolers ROIAlignV2 with sampling ratio 2",
		"INPUT: {FORMAT: L}\nMODEL: {MASK_ON: true}":                                                   `INPUT.FORMAT "L", want BGR or RGB`,
	} {
		_, _, err := read(text)
		require.ErrorContains(t, err, problem, text)
	}
}

// The number of anchors at a place is that of the ratios in the options times that of the sizes.
func TestOtherAspectRatios(t *testing.T) {
	var list []modelfiles.Tensor
	for _, v := range modelfiles.Detectron2(50, 3) {
		if strings.HasPrefix(v.Name, "proposal_generator.rpn_head.objectness_logits.") || strings.HasPrefix(v.Name, "proposal_generator.rpn_head.anchor_deltas.") {
			shape := slices.Clone(v.Shape)
			shape[0] = shape[0] / 3 * 2
			v = modelfiles.New(v.Name, shape...)
		}
		list = append(list, v)
	}
	name := filepath.Join(t.TempDir(), "model.pkl")
	require.NoError(t, os.WriteFile(name, modelfiles.NumPy(modelfiles.Items{{Key: "model", Value: list}}), 0o644))
	read := func(text string) (*config.Config, *File, error) {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(name), "config.yaml"), []byte(text), 0o644))
		f, err := Open(name)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		c, _, err := f.Config(Options{})
		return c, f, err
	}
	_, _, err := read("MODEL: {}")
	require.ErrorContains(t, err, "2 anchors per place, want a multiple of 3 (aspect ratios)")
	_, _, err = read("MODEL: {ANCHOR_GENERATOR: {ASPECT_RATIOS: [[]]}}")
	require.Error(t, err)
	c, f, err := read("MODEL: {ANCHOR_GENERATOR: {ASPECT_RATIOS: [[0.5, 2.0]]}}")
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 2}, c.Anchors.AspectRatios)
	require.Equal(t, 1, c.Anchors.ScalesPerOctave)
	requireComplete(t, f, c)
}

// Networks of Detectron2 that are not supported, by a name of a tensor of each.
func TestOtherNetworksOfDetectron2AreNamed(t *testing.T) {
	for name, what := range map[string]string{
		"model/roi_heads.res5.0.conv1.weight":                  "with a C4 backbone",
		"model/backbone.stem.conv1.weight":                     "without a feature pyramid (C4 or DC5)",
		"head.cls_subnet.0.weight":                             "a RetinaNet of Detectron2",
		"model/sem_seg_head.p2.0.weight":                       "a panoptic network of Detectron2",
		"roi_heads.keypoint_head.conv_fcn1.weight":             "a keypoint network of Detectron2",
		"roi_heads.box_predictor.0.cls_score.weight":           "a cascade network of Detectron2",
		"backbone.bottom_up.res3.0.conv2_offset.weight":        "with deformable convolutions",
		"model/backbone.bottom_up.patch_embed.proj.weight":     "with another backbone than a ResNet",
		"roi_heads.mask_head.coarse_head.reduce_dim_conv.bias": "a PointRend network of Detectron2",
	} {
		_, err := FromTensors("m.pkl", []Tensor{NewTensor(name, []int{1}, make([]float32, 1))}, nil)
		require.ErrorContains(t, err, what, name)
		require.ErrorContains(t, err, "want Mask R-CNN with ResNet-50-FPN or ResNet-101-FPN", name)
	}
}

// A tensor without elements may have dimensions that no data bound: nothing is made of such a size.
func TestLayersWithoutElements(t *testing.T) {
	for marker, layers := range map[string][]string{
		torchvisionMarker:   {"rpn.head.bbox_pred", "roi_heads.box_predictor.bbox_pred"},
		detectron2Marker:    {"proposal_generator.rpn_head.anchor_deltas", "roi_heads.box_predictor.bbox_pred", "roi_heads.mask_head.predictor"},
		mmdetResNetMarker:   {"rpn_head.rpn_reg", "roi_head.bbox_head.fc_reg", "roi_head.mask_head.conv_logits"},
		mmdetMarker:         {"rpn_head.rpn_reg", "bbox_head.fc_reg"},
		"res2_0_branch2a_w": {"bbox_pred_w", "cls_score_w", "mask_fcn_logits_w"},
	} {
		list := []Tensor{NewTensor(marker, []int{1, 1, 1, 1}, make([]float32, 1))}
		for _, layer := range layers {
			if !strings.HasSuffix(layer, "_w") {
				layer += ".weight"
			}
			list = append(list, NewTensor(layer, []int{1 << 46, 0}, nil))
		}
		f, err := FromTensors("m.pth", list, nil)
		require.NoError(t, err, marker)
		_, _, err = f.Config(Options{})
		var le *LoadError
		require.ErrorAs(t, err, &le, marker)
	}
}

// Layers without outputs are a problem of the file.
func TestLayersWithoutOutputs(t *testing.T) {
	for marker, layer := range map[string]string{detectron2Marker: "roi_heads.mask_head.predictor.weight", mmdetResNetMarker: "roi_head.mask_head.conv_logits.weight"} {
		f, err := FromTensors("m.pth", []Tensor{NewTensor(marker, []int{1, 1, 1, 1}, make([]float32, 1)), NewTensor(layer, []int{0, 1, 1, 1}, nil)}, nil)
		require.NoError(t, err)
		require.Equal(t, []string{layer + ": shape [1 1 1 0], want an output for each of 1"}, f.problems)
	}
}

// Names of whole networks without a pyramid, as their files list them.
func TestNetworksWithoutAPyramidAreNamed(t *testing.T) {
	for what, names := range map[string][]string{
		"a Mask R-CNN or Faster R-CNN of Detectron2 with a C4 backbone, ":         {"backbone.stem.conv1.weight", "backbone.res2.0.conv1.weight", "proposal_generator.rpn_head.conv.weight", "roi_heads.res5.0.conv1.weight"},
		"a Mask R-CNN or Faster R-CNN of Detectron2 with a DC5 backbone, ":        {"backbone.stem.conv1.weight", "backbone.res5.0.conv1.weight", "proposal_generator.rpn_head.conv.weight", "roi_heads.box_head.fc1.weight"},
		"a network of mmdetection with a C4 backbone; not supported":              {"backbone.conv1.weight", "rpn_head.rpn_conv.weight", "roi_head.shared_head.layer4.0.conv1.weight"},
		"a network of Detectron without a feature pyramid (C4), which is not sup": {"res2_0_branch2a_w", "conv_rpn_w", "res5_0_branch2a_w"},
	} {
		for _, key := range []string{"", "model/"} {
			var list []Tensor
			for _, name := range names {
				list = append(list, NewTensor(key+name, []int{1, 1, 1, 1}, make([]float32, 1)))
			}
			f, err := FromTensors("m.pth", list, nil)
			if err == nil {
				_, _, err = f.Config(Options{})
			}
			require.ErrorContains(t, err, "weights: m.pth: "+what)
		}
	}
}

// FuzzOptions reads options of Detectron2: nothing panics, and what is accepted gives a config that is valid or refused.
func FuzzOptions(f *testing.F) {
	for _, text := range []string{
		"MODEL: {PIXEL_MEAN: [1, 2, 3], ANCHOR_GENERATOR: {SIZES: [[32], [64], [128], [256], [512]], ASPECT_RATIOS: [[0.5, 1.0, 2.0]]}}",
		"INPUT: {FORMAT: RGB}\nMODEL: {ROI_BOX_HEAD: {BBOX_REG_WEIGHTS: [10, 10, 5, 5], POOLER_TYPE: ROIAlignV2}, RPN: {NMS_THRESH: .nan}}\nTEST: {DETECTIONS_PER_IMAGE: -1}",
		"a: &a [*a]\nMODEL: {thing_classes: [a, b]}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		o, _, err := parseDetectron2(text)
		if err != nil || o == nil {
			return
		}
		c, err := config.Detectron2("r50")
		if err != nil {
			t.Fatal(err)
		}
		if o.apply(c) == nil {
			_ = c.Validate()
		}
	})
}

// The networks that Detectron2's zoo calls new baselines: norms everywhere, more convolutions.
func TestNewBaselinesOfDetectron2(t *testing.T) {
	list, err := modelfiles.Listed("testdata/detectron2_norms.tsv.gz")
	require.NoError(t, err)
	f, err := FromTensors("model_final_bb69de.pkl", tensorsOf(list), nil)
	require.NoError(t, err)
	require.Empty(t, f.problems)
	c, _, err := f.Config(Options{})
	require.NoError(t, err)
	require.True(t, c.Backbone.PyramidNorm && c.BoxHead.ConvNorm && c.MaskHead.ConvNorm)
	require.Equal(t, []int{2, 4, 4}, []int{c.RPN.Convs, c.BoxHead.Convs, c.MaskHead.Convs})
	require.Equal(t, []int{32}, c.BoxHead.FC)
	require.Len(t, c.Categories, 20)
	requireComplete(t, f, c)
}
