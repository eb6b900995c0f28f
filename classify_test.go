package spinemask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/classifier"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/weights"
)

// classified is a photo with the original's logits.
type classified struct {
	Name   string `json:"file_name"`
	SHA256 string `json:"pixels_sha256"`
	Size   [2]int // of the network's input; TF1: of the file
	Logits []float32
	Top5   []int
}

// classCase is a classifier of the fixtures.
type classCase struct {
	gardenCase
	features map[string]float64 // tolerance by the first letters of a golden tensor
	logits   float64            // absolute
	relative bool               // of the largest value instead
}

var classCases = []classCase{
	{
		gardenCase: gardenCase{name: "cls_spinenet", folder: "tf2_classification", about: "tf2_classification/full_names_cls_spinenet.json", checkpoint: "tf2_classification/ckpt_spinenet"},
		features:   map[string]float64{"stem": 1e-5, "block": 1e-4, "endpoint": 1e-4}, logits: 5e-3,
	},
	{
		gardenCase: gardenCase{name: "cls_resnet", folder: "tf2_classification", about: "tf2_classification/full_names_cls_resnet.json", checkpoint: "tf2_classification/ckpt_resnet50"},
		features:   map[string]float64{"stem": 1e-5, "C2": 5e-5, "C3": 5e-5, "C4": 3e-4, "C5": 3e-4}, logits: 5e-4,
	},
	{
		gardenCase: gardenCase{name: "tf1", folder: "tf1_classification", about: "tf1_classification/logits_tf1.json", checkpoint: "tf1_classification/ckpt_tf1"},
		features:   map[string]float64{"stem": 1e-5, "block": 2e-4, "P": 2e-4}, logits: 2e-4, relative: true,
	},
}

// open reads what the case's own files say of it.
func (g classCase) open(t testing.TB) (*weights.File, weights.Options, [3]int, []classified) {
	var f *weights.File
	var options weights.Options
	var about gardenAbout
	if g.folder == "tf2_classification" {
		f, options, about = g.read(t)
		options.AnchorSize = 0
	}
	var file struct {
		Images     []classified
		Size       [2]int
		Activation config.Activation
		Epsilon    float64 `json:"eps"`
	}
	data, err := os.ReadFile(fixture(t, g.folder+"/logits_"+g.name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	if f == nil {
		f, err = weights.Open(fixture(t, g.checkpoint))
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		options.Activation, options.NormEpsilon = file.Activation, &file.Epsilon
		about.Input = [3]int{file.Size[0], file.Size[1], 3}
	}
	require.NotEmpty(t, file.Images)
	return f, options, about.Input, file.Images
}

// The stages of the trunk, from the first photo, whose preprocessed pixels agree.
func TestClassifierStagesEqualTF(t *testing.T) {
	for _, g := range classCases {
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(g.name+"/"+name, func(t *testing.T) {
				f, options, size, photos := g.open(t)
				golden := g.golden(t)
				img := samePixels(t, photos[0].Name, photos[0].SHA256)
				require.NotNil(t, img, "%s: no file has the pixels that the original saw", photos[0].Name)
				options.Input = weights.InputSize{Height: size[0], Width: size[1]}
				c, _, err := f.Config(options)
				require.NoError(t, err)
				stored := golden.Get(t, "input")
				golden["input"] = preprocessed(t, c, size, img)
				requireRows(t, stored, golden["input"], size[0]/stored.Shape[0], 1e-5)

				n := paritytest.Build(t, c, inMemory{f}, golden, o)
				n.Measure = relMax
				values := n.Pyramid()
				for i, v := range n.Features.Blocks {
					values[fmt.Sprintf("block_%02d", i)] = v
					values[fmt.Sprintf("C%d", i+2)] = v
				}
				for i, v := range n.Features.Stem {
					values[fmt.Sprintf("stem_%d", i)], values[fmt.Sprintf("stem_group_%d", i)] = v, v
				}
				for l, v := range n.Features.Levels {
					values[fmt.Sprintf("endpoint_%d", l)] = v
				}
				values["stem_pool"] = node(t, n.Trunk, "backbone/stem/pool")
				compared := 0
				for name := range golden {
					v, ok := values[name]
					for prefix, bar := range g.features {
						if ok && strings.HasPrefix(name, prefix) {
							n.Stage(n.Trunk, size[0], size[1], paritytest.Values{"input": 0}, paritytest.Values{name: v}, bar)
							compared++
						}
					}
				}
				require.GreaterOrEqual(t, compared, 5)
			})
		}
	}
}

// Whole classifications from pixels: every logit, and the best five in order.
func TestLogitsEqualTF(t *testing.T) {
	for _, g := range classCases {
		f, options, size, photos := g.open(t)
		for _, p := range photos {
			img := samePixels(t, p.Name, p.SHA256)
			if img == nil {
				t.Logf("%s: no file has the pixels that the original saw", p.Name)
				continue
			}
			for name, direct := range map[string]bool{"direct": true, "winograd": false} {
				t.Run(fmt.Sprintf("%s/%s/%s", g.name, p.Name, name), func(t *testing.T) {
					m := modelOf(t, f, &spinemask.Options{NoWinograd: direct, Height: size[0], Width: size[1], Weights: options})
					all, err := m.Classify(context.Background(), img, 0)
					require.NoError(t, err)
					require.Len(t, all, len(p.Logits))
					worst, bar := 0.0, g.logits
					if g.relative {
						bar *= float64(slices.Max(p.Logits))
					}
					for _, k := range all {
						d := float64(k.Logit - p.Logits[k.Category])
						worst = max(worst, d, -d)
					}
					t.Logf("logits: %.1e", worst)
					require.LessOrEqual(t, worst, bar)
					best, err := m.Classify(context.Background(), img, len(p.Top5))
					require.NoError(t, err)
					for i, want := range p.Top5 {
						require.Equal(t, want, best[i].Category, "place %d", i)
					}
				})
			}
		}
	}
}

// The mean of all levels, and the logits made of it, from the original's own maps.
func TestClassifierHeadEqualsTF1(t *testing.T) {
	g := classCases[2]
	f, options, size, _ := g.open(t)
	golden := g.golden(t)
	options.Input = weights.InputSize{Height: size[0], Width: size[1]}
	c, _, err := f.Config(options)
	require.NoError(t, err)
	var maps []classifier.Map
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		p := golden.Get(t, fmt.Sprintf("P%d", l))
		maps = append(maps, classifier.Map{Data: p.Data, Height: p.Shape[0], Width: p.Shape[1], Channels: p.Shape[2], RowStride: p.Shape[1] * p.Shape[2]})
	}
	want := golden.Get(t, "pooled")
	pooled := make([]float32, len(want.Data))
	classifier.NewPooler(c).Pool(pooled, maps)
	testutil.RequireClose(t, want.Data, pooled, 1e-6)

	golden["pooled"] = testutil.Tensor{Shape: []int{1, 1, len(pooled)}, Data: want.Data}
	logits := golden.Get(t, "logits")
	golden["logits"] = testutil.Tensor{Shape: []int{1, 1, len(logits.Data)}, Data: logits.Data}
	n := paritytest.Build(t, c, inMemory{f}, golden, engine.Options{})
	n.Measure = relMax
	n.Stage(n.Classifier, 1, 1, paritytest.Values{"pooled": 0}, paritytest.Values{"logits": n.Output(n.Classifier, "logits")}, 1e-6)
}
