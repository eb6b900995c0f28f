package bench

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/weights"
)

// small is a network that takes a fraction of a second.
func small(t *testing.T) *Network {
	n, err := Published(config.ModelMaskRCNN, "49S", 128)
	require.NoError(t, err)
	n.Config.Backbone.FilterScale, n.Config.Backbone.Endpoints = 0.25, 16
	n.Config.RPN.Filters, n.Config.BoxHead.Filters, n.Config.MaskHead.Filters = 16, 16, 16
	n.Config.BoxHead.FC = []int{16}
	require.NoError(t, n.Config.Validate())
	w, err := random(n.Config)
	require.NoError(t, err)
	n.Weights = w
	return n
}

// Other kinds have stages of their own; the work does not depend on the weights.
func TestRunOfOtherKinds(t *testing.T) {
	for kind, want := range map[config.Model][]string{
		config.ModelRetinaNet:      {"resize", "backbone", "detections"},
		config.ModelClassification: {"classification"},
	} {
		n, err := Published(kind, "49S", 128)
		require.NoError(t, err)
		n.Config.Backbone.FilterScale, n.Config.Backbone.Endpoints = 0.25, 16
		if kind == config.ModelRetinaNet {
			n.Config.RetinaHead.Filters = 16
		}
		n.Weights, err = random(n.Config)
		require.NoError(t, err)
		r, err := Run(t.Context(), n, &spinemask.Options{Threads: 2}, 2)
		require.NoError(t, err)
		var names []string
		for _, s := range r.Stages {
			names = append(names, s.Name)
		}
		require.Equal(t, want, names)
		require.Positive(t, r.Total.GMAC)
		layers, err := Layers(n, &spinemask.Options{Threads: 2}, 1)
		require.NoError(t, err)
		require.NotEmpty(t, layers.Parts)
	}
	for _, tt := range []struct {
		kind          config.Model
		variant, want string
	}{
		{config.ModelRetinaNet, "mobile-49XS", "retinanet mobile spinenet-49XS (tf2)"},
		{config.ModelRetinaNet, "resnet-50", "retinanet resnet-50-fpn (tf2)"},
		{config.ModelMaskRCNN, "resnet-50-p3", "resnet-50-p3-fpn (tf2)"},
		{config.ModelClassification, "resnet-101", "classification resnet-101 (tf2)"},
	} {
		n, err := Published(tt.kind, tt.variant, 128)
		require.NoError(t, err)
		require.Equal(t, tt.want, n.Config.Name)
	}
	_, err := Published("yolo", "49S", 128)
	require.EqualError(t, err, `bench: network "yolo", want "mask_rcnn", "retinanet" or "classification"`)
}

func TestRunReportsEveryStage(t *testing.T) {
	r, err := Run(t.Context(), small(t), &spinemask.Options{Threads: 2}, 3)
	require.NoError(t, err)
	require.Equal(t, 3, r.Runs)
	require.Equal(t, 2, r.Threads)
	require.Positive(t, r.PeakGFLOPS)
	var names []string
	sum := 0.0
	for _, s := range r.Stages {
		names = append(names, s.Name)
		sum += s.GMAC
		require.Positive(t, s.Best)
		require.LessOrEqual(t, s.Best, s.Median)
		require.LessOrEqual(t, s.Best, r.Total.Best)
	}
	require.Equal(t, []string{"resize", "backbone", "proposals", "box head", "detections", "mask head", "paste"}, names)
	require.Positive(t, r.Total.GMAC)
	require.InDelta(t, r.Total.GMAC, sum, 1e-9)
	require.Contains(t, r.String(), "box head")

	data, err := json.Marshal(r)
	require.NoError(t, err)
	var back Report
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, *r, back)
	var raw map[string]any
	require.NoError(t, json.Unmarshal(data, &raw))
	for _, key := range []string{"peak_gflops", "rss_mb", "threads", "cpu", "kernels", "stages"} {
		require.Contains(t, raw, key)
	}
	for _, key := range []string{"median_s", "best_s", "gmac"} {
		require.Contains(t, raw["total"], key)
	}
}

// The work is what the paper counts: 215.7 G multiply-adds with the level-2
// block that no detector uses, 215.45 G without.
func TestPublishedWork(t *testing.T) {
	n, err := Published(config.ModelMaskRCNN, "49", 0)
	require.NoError(t, err)
	gmac, err := new(Report).count(n)
	require.NoError(t, err)
	require.InDelta(t, 215.446, gmac["total"], 0.001)
	require.InDelta(t, 128.916, gmac["box head"], 0.001)
}

func TestLayersCoverTheWork(t *testing.T) {
	n := small(t)
	r, err := Layers(n, &spinemask.Options{Threads: 1}, 1)
	require.NoError(t, err)
	require.Len(t, r.Parts, 3)
	require.GreaterOrEqual(t, r.Parts[1].Rows*r.Parts[1].Runs, Proposals)
	require.GreaterOrEqual(t, r.Parts[2].Rows*r.Parts[2].Runs, Detections)
	for _, p := range r.Parts {
		require.NotEmpty(t, p.Layers)
	}
	require.Contains(t, r.String(), "box/fc0")
}

func TestOpenKeepsTheModelAndMakesWork(t *testing.T) {
	n, assumed, err := Open("../../../models/nuclei/nuclei.safetensors", weights.Options{})
	require.Empty(t, assumed)
	require.NoError(t, err)
	defer n.Close()
	require.Equal(t, Proposals, n.Config.RPN.PostNMS)
	require.Equal(t, config.NMSRuleGT, n.Config.Detections.NMSRule)
	_, err = n.Weights.Float32("box/class/kernel")
	require.NoError(t, err)
	_, err = n.Weights.Float32("none")
	require.EqualError(t, err, "none: missing")
}

func TestTiming(t *testing.T) {
	require.Equal(t, Timing{Median: 3, Best: 1, Spread: 2}, timing([]float64{5, 3, 1, 4, 2}))
	require.Equal(t, Timing{Median: 1.5, Best: 1, Spread: 0.5}, timing([]float64{2, 1}))
	require.Equal(t, Timing{Median: 2, Best: 2}, timing([]float64{2}))
}

func TestCompare(t *testing.T) {
	report := func(backbone, total Timing, peak float64) *Report {
		return &Report{
			Model: "m", Threads: 2, CPU: "cpu", Kernels: "avx2", PeakGFLOPS: peak,
			Total: Stage{Name: "total", Timing: total}, Stages: []Stage{{Name: "backbone", Timing: backbone}},
		}
	}
	a := report(Timing{0.100, 0.099, 0.001}, Timing{0.300, 0.290, 0.001}, 400)
	text := Compare(a, report(Timing{0.050, 0.049, 0.001}, Timing{0.3005, 0.291, 0.001}, 410))
	require.Regexp(t, `backbone +100\.00 +50\.00 +0\.500 +99\.00 +49\.00 +0\.495 *\n`, text)
	require.Regexp(t, `total .* 1\.002 .* noise\?`, text)
	require.NotContains(t, text, "different")

	b := report(Timing{0.100, 0.099, 0.001}, Timing{0.300, 0.290, 0.001}, 200)
	b.Threads = 1
	text = Compare(a, b)
	require.Contains(t, text, "different threads: 2 and 1\n")
	require.Contains(t, text, "different peak: 400 and 200 GF/s")

	require.True(t, noisy(Timing{1, 0.9, 0}, Timing{1.1, 0.8, 0}), "medians and best times disagree")
}

// The parts of a step make up its time.
func TestTrainReportsEveryPart(t *testing.T) {
	r, err := Train(t.Context(), small(t), Training{Side: 128, Batch: 1, Regions: 8, Masks: 2, Threads: 1}, 2)
	require.NoError(t, err)
	require.Equal(t, 2, r.Steps)
	var names []string
	for _, p := range r.Parts {
		names = append(names, p.Name)
		require.Positive(t, p.Mean, p.Name)
	}
	require.Equal(t, []string{"images", "forward", "backward, inputs", "backward, weights", "norms", "sums, pools, upsampling", "RoIAlign", "update", "proposals, targets, losses"}, names)
	require.Positive(t, r.Step.Best)
	require.Contains(t, r.String(), "images/s")
}

// Of a network without regions nothing is said of them, and pictures of a classifier have one class.
func TestTrainingOfOtherNetworks(t *testing.T) {
	for _, family := range []func(string) (*config.Config, error){config.TF2Classification, config.TF2RetinaNet} {
		c, err := family("49S")
		require.NoError(t, err)
		c.Backbone.FilterScale, c.Backbone.Endpoints = 0.125, 16
		weights, err := random(c)
		require.NoError(t, err)
		r, err := Train(t.Context(), &Network{c, weights, nil}, Training{Side: 128, Batch: 1, Regions: 8, Masks: 2, Threads: 1}, 1)
		require.NoError(t, err)
		require.Contains(t, r.String(), "batch 1\n")
		require.Zero(t, r.Regions)
	}
}
