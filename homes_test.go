package spinemask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights"
	"github.com/spinemask/spinemask/weights"
)

// What Detectron2 (02b5c4e2) and mmdetection 3.3.0 made of Mask R-CNN with ResNet-50-FPN, run on PyTorch 2.15.0: float32, CPU. The bars are those that the
// makers of the golden tensors found to hold for every correct computation in float32.

var (
	rcnnPart  = regexp.MustCompile(`(\.every_\d+|_first\d+)$`) // of a tensor that is stored in part
	rcnnLevel = regexp.MustCompile(`^(fpn\.p?|rpn\.objectness\.|rpn\.deltas\.)(\d)$`)
)

// rcnnGolden has our names, and the network's whole input, made of the resized photo.
func rcnnGolden(t *testing.T, path string, c *config.Config) testutil.Tensors {
	stored := testutil.Load(t, path)
	golden := fromPyTorch(stored, func(name string) string {
		name = rcnnPart.ReplaceAllString(name, "")
		m := rcnnLevel.FindStringSubmatch(name)
		if m == nil {
			return name
		}
		level := int(m[2][0] - '0')
		if m[1] != "fpn.p" { // counted from the finest map
			level += 2
		}
		return fmt.Sprintf("%s%d", map[string]string{"fpn.": "P", "fpn.p": "P", "rpn.objectness.": "rpn_score_", "rpn.deltas.": "rpn_box_"}[m[1]], level)
	})
	resized := golden.Get(t, "resized_uint8") // blue, green, red
	h, w := resized.Shape[0], resized.Shape[1]
	up := func(n int) int { return (n + 31) / 32 * 32 }
	input := testutil.Tensor{Shape: []int{up(h), up(w), 3}, Data: make([]float32, up(h)*up(w)*3)}
	for i, v := range resized.Data {
		colour := 2 - i%3 // in the order red, green, blue
		channel := colour
		if c.Input.ChannelOrder == config.ChannelOrderBGR {
			channel = i % 3
		}
		v = (v - float32(c.Input.Mean[colour])) / float32(c.Input.Std[colour])
		y, x := i/3/w, i/3%w
		input.Data[(y*up(w)+x)*3+channel] = v
	}
	thin := golden.Get(t, "input")
	require.Equal(t, []int{up(h) / 8, up(w) / 8, 3}, thin.Shape)
	for i, v := range thin.Data {
		y, x := i/3/thin.Shape[1], i/3%thin.Shape[1]
		require.InDelta(t, v, input.Data[(8*y*up(w)+8*x)*3+i%3], 1e-6)
	}
	golden["input"] = input
	golden["box_deltas"] = withoutBackground(golden.Get(t, "box_deltas"), 4)
	return golden
}

// withoutBackground puts n zeros behind each row: the background's.
func withoutBackground(x testutil.Tensor, n int) testutil.Tensor {
	width := x.Shape[len(x.Shape)-1]
	out := testutil.Tensor{Shape: []int{x.Shape[0], width + n}}
	for i := 0; i < len(x.Data); i += width {
		out.Data = append(append(out.Data, x.Data[i:i+width]...), make([]float32, n)...)
	}
	return out
}

const rcnnStage = 5e-5 // rel-rms

// requireRCNNStages goes from the network's input to all stages, and compares the photo that it is made of, and what lies between golden tensors.
func requireRCNNStages(t *testing.T, f *weights.File, o weights.Options, stages string, short, long int) {
	c, _, err := f.Config(o)
	require.NoError(t, err)
	c.Input.MinSize, c.Input.MaxSize = short, long
	golden := rcnnGolden(t, stages, c)
	input := golden.Get(t, "input")
	h, w := input.Shape[0], input.Shape[1]
	requireResized(t, c, input, golden.Get(t, "resized_uint8"))
	for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
		t.Run(name, func(t *testing.T) {
			n := paritytest.Build(t, c, inMemory{f}, golden, o)
			all := n.Pyramid()
			all["stem"] = node(t, n.Trunk, "backbone/stem/pool")
			for i, v := range n.Features.Blocks {
				all[fmt.Sprintf("res%d", i+2)] = v
			}
			for l := 2; l <= 6; l++ {
				all[fmt.Sprintf("rpn_score_%d", l)] = n.Output(n.Trunk, fmt.Sprintf("objectness%d", l))
				all[fmt.Sprintf("rpn_box_%d", l)] = n.Output(n.Trunk, fmt.Sprintf("deltas%d", l))
			}
			n.Stage(n.Trunk, h, w, paritytest.Values{"input": 0}, all, rcnnStage)
			box := paritytest.Values{"class_logits": n.Output(n.Box, "classes"), "box_deltas": n.Output(n.Box, "deltas")}
			if _, ok := golden["box_head"]; ok {
				box["box_head"] = node(t, n.Box, "box/fc1/relu")
			}
			size := c.RoIAlign.BoxSize
			n.Stage(n.Box, size, size, paritytest.Values{"box_roi_features": 0}, box, rcnnStage)
			const masks = "mask_logits_own_class"
			size = c.RoIAlign.MaskSize
			logits := n.Run(n.Mask, size, size, paritytest.Values{"mask_roi_features": 0}, paritytest.Values{masks: n.Output(n.Mask, "logits")})[masks]
			classes := golden.Get(t, "det.classes").Data
			n.Compare(masks, paritytest.OwnClass(c, logits, classes), rcnnStage)
		})
	}
}

// requireResized makes the network's input of the photo that the stage files are of, and compares every value.
func requireResized(t *testing.T, c *config.Config, input, resized testutil.Tensor) {
	img, err := imageio.Open(testutil.Shared(t, "data", "demo_images", "skimage_coffee.png"), imageio.Options{})
	require.NoError(t, err)
	g, err := preprocess.Fit(&c.Input, img.Height, img.Width)
	require.NoError(t, err)
	require.Equal(t, resized.Shape, []int{g.ScaledHeight, g.ScaledWidth, 3})
	r := preprocess.NewResizer(&c.Input)
	r.Start(g, img.Pix)
	got := make([]float32, len(input.Data))
	r.Rows(got, 3*g.InputWidth, 0, g.InputHeight, new(preprocess.Scratch))
	require.Equal(t, input.Shape, []int{g.InputHeight, g.InputWidth, 3})
	testutil.RequireClose(t, input.Data, got, 1e-6)
}

// requireRCNNDetections segments the photos of a fixture, whose categories are class rows.
func requireRCNNDetections(t *testing.T, f *weights.File, w weights.Options, path string, bars func(photo string) paritytest.Bars) {
	var file struct {
		Images []struct {
			ID      int    `json:"image_id"`
			Name    string `json:"file_name"`
			MinSize int    `json:"min_size"`
			MaxSize int    `json:"max_size"`
		}
	}
	data, err := os.ReadFile(strings.TrimSuffix(path, ".json") + "_images.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	golden := paritytest.COCO(t, path)
	for name, o := range map[string]*spinemask.Options{"direct": {Raw: true, NoWinograd: true, Weights: w}, "winograd": {Raw: true, Weights: w}} {
		for _, photo := range file.Images {
			t.Run(name+"/"+photo.Name, func(t *testing.T) {
				m := modelOf(t, f, o, func(c *config.Config) {
					c.Input.MinSize, c.Input.MaxSize = photo.MinSize, photo.MaxSize
					for i := range c.Categories {
						c.Categories[i].ID = i
					}
				})
				img, err := imageio.Open(testutil.Shared(t, "data", "demo_images", photo.Name), imageio.Options{})
				require.NoError(t, err)
				r, err := m.Segment(context.Background(), img)
				require.NoError(t, err)
				matching := paritytest.NewMatching(bars(photo.Name))
				matching.Photo(t, golden[photo.ID], r.Instances)
				matching.Check(t)
			})
		}
	}
}

func detectron2Shared(t testing.TB, name string) string {
	return testutil.Shared(t, "fixtures", "detectron2_maskrcnn_r50_fpn", name)
}

func detectron2Bars(string) paritytest.Bars {
	return paritytest.Bars{Cut: 1e-3, Score: 1e-3, ScoreMedian: 1e-3, Box: 0.03, BoxMedian: 2e-3, IoU: 0.93}
}

func TestStagesEqualDetectron2(t *testing.T) {
	for _, file := range []string{"tiny_zoo.pkl", "tiny_trainer.pth"} {
		t.Run(file, func(t *testing.T) {
			f, err := weights.Open(detectron2Shared(t, file))
			require.NoError(t, err)
			defer f.Close()
			requireRCNNStages(t, f, weights.Options{}, detectron2Shared(t, "tiny_stages_256_333.safetensors"), 256, 333)
			if file == "tiny_zoo.pkl" {
				c, _, err := f.Config(weights.Options{})
				require.NoError(t, err)
				golden := rcnnGolden(t, detectron2Shared(t, "tiny_stages_256_333.safetensors"), c)
				n := paritytest.Build(t, c, inMemory{f}, golden, engine.Options{})
				n.Proposals(box.Size{Height: 222, Width: 333}, 0.05)
				n.RoIs("proposals", "box_roi_features", 1e-5)
				n.RoIs("det.boxes_network", "mask_roi_features", 1e-5)
			}
		})
	}
}

func TestDetectionsEqualDetectron2(t *testing.T) {
	f, err := weights.Open(detectron2Shared(t, "tiny_trainer.pth"))
	require.NoError(t, err)
	defer f.Close()
	requireRCNNDetections(t, f, weights.Options{}, detectron2Shared(t, "tiny_detections.json"), detectron2Bars)
}

func mmdetRCNN(t testing.TB, name string) string {
	return testutil.Shared(t, "fixtures", "mmdet_maskrcnn_r50_fpn", name)
}

// mmdetRCNNBars allow for the order of proposals of equal scores.
func mmdetRCNNBars(style string) func(photo string) paritytest.Bars {
	return func(photo string) paritytest.Bars {
		missing := map[string]int{"pytorch/skimage_astronaut.png": 5, "pytorch/skimage_chelsea.png": 3, "caffe/skimage_astronaut.png": 15}
		allowed, ok := missing[style+"/"+photo]
		if !ok {
			allowed = 3
		}
		return paritytest.Bars{Cut: 1e-3, Missing: allowed, Score: 1e-3, ScoreMedian: 1e-3, Box: 0.03, BoxMedian: 0.03, IoU: 0.85}
	}
}

func TestMaskRCNNEqualsMMDetection(t *testing.T) {
	for _, file := range []string{"tiny_pytorch_v3.pth", "tiny_pytorch_v2.pth", "tiny_caffe_v2.pth"} {
		t.Run(file, func(t *testing.T) {
			f, err := weights.Open(mmdetRCNN(t, file))
			require.NoError(t, err)
			defer f.Close()
			style := strings.Split(strings.TrimPrefix(filepath.Base(file), "tiny_"), "_")[0]
			o := weights.Options{Semantics: weights.MMDetection3, Style: weights.Style(style)}
			requireRCNNStages(t, f, o, mmdetRCNN(t, style+"_stages_192_250.safetensors"), 192, 250)
			if file != "tiny_pytorch_v2.pth" { // the same weights
				requireRCNNDetections(t, f, o, mmdetRCNN(t, style+"_detections.json"), mmdetRCNNBars(style))
			}
		})
	}
}

// The network of published files, with all its channels. The makers' bars follow from the noise on other photos than the astronaut, whose features these weights amplify:
// there the original's own boxes lie up to 0.020 px, in the median 0.0015 px, from those of its code in float64. Ours lie 0.010 and 0.0016 px from those (with Winograd
// 0.026 and 0.0020), so that from the original's they may lie twice as far as it does from exact arithmetic.
func TestFullDetectionsEqualDetectron2(t *testing.T) {
	f, err := testweights.FromSpec(detectron2Shared(t, "full_weights_spec.json"), detectron2Shared(t, "full_bn_stats.safetensors"))
	require.NoError(t, err)
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	require.Equal(t, "mask_rcnn_R_50_FPN (detectron2)", c.Name)
	requireRCNNDetections(t, f, weights.Options{}, detectron2Shared(t, "full_detections.json"), func(photo string) paritytest.Bars {
		bars := detectron2Bars(photo)
		if photo == "skimage_astronaut.png" {
			bars.Box, bars.BoxMedian = 0.04, 3e-3
		}
		return bars
	})
}

// The arithmetic of mmdetection 2.x, of which no output could be made, differs from that of 3.x by rounding and by IoUs at the threshold: its detections are held
// to those of 3.x from the same weights.
func TestMaskRCNNOfMMDetection2IsNear3(t *testing.T) {
	f, err := weights.Open(mmdetRCNN(t, "tiny_pytorch_v2.pth"))
	require.NoError(t, err)
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	require.True(t, c.Detections.PhotoFrame)
	requireRCNNDetections(t, f, weights.Options{}, mmdetRCNN(t, "pytorch_detections.json"), mmdetRCNNBars("pytorch"))
}
