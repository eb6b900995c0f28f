package nuclei

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

// modelFile is the built-in model as a file of tensors.
func modelFile(t *testing.T) *weights.File {
	f, err := weights.Load("nuclei", strings.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	return f
}

// Each stage is fed with the golden input of the one before.
func TestStages(t *testing.T) {
	for name, tt := range map[string]struct {
		options   engine.Options
		tolerance float64
	}{
		"direct":   {engine.Options{NoWinograd: true}, 1e-5},
		"winograd": {engine.Options{}, 3e-5},
		"fast":     {engine.Options{Fast: true}, 1e-5},
	} {
		t.Run(name, func(t *testing.T) {
			n := paritytest.New(t, modelFile(t), weights.Options{}, testutil.Load(t, "testdata/tensors_256.safetensors"), tt.options)
			n.Heads(tt.tolerance)
			n.EndToEnd(4e-4)
		})
	}
}

// sharedModel is the folder of a model of the first built-in one's shape, whose levels begin at 3, with golden values of its own, and how it is read. It was trained
// with that model's semantics, but for what its own config says of detections and masks.
func sharedModel(t *testing.T) (folder string, o weights.Options) {
	folder = testutil.Shared(t, "models", "nuclei")
	var own struct {
		Detections struct {
			Score float64 `json:"score_threshold"`
			IoU   float64 `json:"nms_iou"`
			Max   int     `json:"max"`
		} `json:"detections"`
		Mask float64 `json:"mask_threshold"`
	}
	readJSON(t, filepath.Join(folder, "config.json"), &own)
	text, err := os.ReadFile("../../config/testdata/nuclei.json")
	require.NoError(t, err)
	c, err := config.Parse(text)
	require.NoError(t, err)
	c.Detections.ScoreThreshold, c.Detections.NMSIoU, c.Detections.Max = own.Detections.Score, own.Detections.IoU, own.Detections.Max
	c.Masks.Threshold = own.Mask
	return folder, weights.Options{Config: c}
}

// The same block by block, on the whole golden file.
func TestStagesOfTheBackbone(t *testing.T) {
	folder, options := sharedModel(t)
	file, err := weights.Open(filepath.Join(folder, "model.safetensors"))
	require.NoError(t, err)
	defer file.Close()
	golden := testutil.Load(t, filepath.Join(folder, "golden", "tensors_256.safetensors"))
	n := paritytest.New(t, file, options, golden, engine.Options{NoWinograd: true})
	n.Backbone(1e-5)
	n.Heads(1e-5)
}

// The plain Go kernels make what the machine's own make.
func TestGenericIsClose(t *testing.T) {
	golden := testutil.Load(t, "testdata/tensors_256.safetensors")
	outputs := func(set *kernels.Set) map[string]testutil.Tensor {
		n := paritytest.New(t, modelFile(t), weights.Options{}, golden, engine.Options{Kernels: set})
		all := n.Run(n.Box, 7, 7, paritytest.Values{"roi_features": 0},
			paritytest.Values{"classes": n.Output(n.Box, "classes"), "deltas": n.Output(n.Box, "deltas")})
		maps := paritytest.Values{}
		for _, name := range []string{"objectness3", "objectness5", "objectness7", "deltas4"} {
			maps[name] = n.Output(n.Trunk, name)
		}
		for name, x := range n.Run(n.Trunk, 256, 256, paritytest.Values{"input": 0}, maps) {
			all[name] = x
		}
		return all
	}
	want := outputs(kernels.Sets()[0])
	for name, got := range outputs(kernels.Best()) {
		for i, v := range got.Data {
			require.InDelta(t, want[name].Data[i], v, 1e-4, "%s %d", name, i)
		}
	}
}

// Whole images: the same detections as a set; boxes within 0.05 pixels of the
// 640² frame, scores within 1e-3, mask IoU 0.99, except where a score lies
// within 1e-3 of the last one recorded.
func TestDetections(t *testing.T) {
	m, err := Open(&spinemask.Options{Raw: true})
	require.NoError(t, err)
	defer m.Close()
	checkDetections(t, m, "testdata/detections_640.json", filepath.Join("..", "..", "testdata", "images"))
}

func TestAllDetections(t *testing.T) {
	folder, options := sharedModel(t)
	m, err := spinemask.Open(filepath.Join(folder, "model.safetensors"), &spinemask.Options{Raw: true, Weights: options})
	require.NoError(t, err)
	defer m.Close()
	checkDetections(t, m, filepath.Join(folder, "golden", "detections_640.json"), testutil.Shared(t, "data", "nuclei", "images"))
}

func checkDetections(t *testing.T, m *spinemask.Model, golden, images string) {
	var file []struct {
		FileName   string `json:"file_name"`
		Detections []struct {
			Score float32    `json:"score"`
			Box   [4]float32 `json:"box_yxyx"`
			Exact string     `json:"exact"`
		} `json:"detections"`
	}
	data, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	for _, photo := range file {
		img, err := imageio.Open(filepath.Join(images, photo.FileName), imageio.Options{})
		require.NoError(t, err)
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		var want []paritytest.Detection
		for _, d := range photo.Detections {
			mask, err := rle.Decode(img.Height, img.Width, []byte(d.Exact))
			require.NoError(t, err)
			b := box.Box{Y1: d.Box[0], X1: d.Box[1], Y2: d.Box[2], X2: d.Box[3]}
			want = append(want, paritytest.Detection{Category: m.Config().Categories[0].ID, Score: d.Score, Box: b, Mask: mask})
		}
		pixel := float64(max(img.Width, img.Height)) / 640
		matching := paritytest.NewMatching(paritytest.Bars{
			Cut: 1e-3, Score: 1e-3, ScoreMedian: 1e-4, Box: 0.05 * pixel, BoxMedian: 0.005 * pixel, IoU: 0.99,
		})
		matching.Photo(t, want, r.Instances)
		matching.Check(t)
	}
}
