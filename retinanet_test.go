package spinemask_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/internal/testkit/paritytest"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/weights"
)

// What TensorFlow's Model Garden (tf-models-official 2.15.0, TensorFlow 2.15.1)
// made of RetinaNets: float32, CPU.

// gardenCase is a network of the Garden's fixtures, with what the fixture's own
// files say of it.
type gardenCase struct {
	name       string
	folder     string // of golden files
	about      string // file of names and settings
	checkpoint string
	bars       gardenBars
	detections paritytest.Bars
}

// gardenBars are the tolerances of the fixture's table, of the largest value.
type gardenBars struct {
	stem, blocks, fine, coarse, classes, boxes float64 // fine: P3 to P5, coarse: P6 and P7
}

var retinaNets = []gardenCase{
	{
		"retina", "tf2_retinanet", "tf2_spinenet_mrcnn/full_names_retina.json", "tf2_spinenet_mrcnn/ckpt_retinanet",
		gardenBars{1e-5, 5e-5, 5e-5, 5e-5, 5e-6, 1e-5}, paritytest.Bars{Score: 2e-5, ScoreMedian: 2e-5, Box: 1e-3, BoxMedian: 1e-3},
	},
	{
		"retina9", "tf2_retinanet", "tf2_retinanet/full_names_retina9.json", "tf2_retinanet/ckpt_trainer",
		gardenBars{1e-5, 1e-2, 4e-3, 1.2e-2, 2e-3, 8e-3}, paritytest.Bars{Cut: 2e-3, Missing: 2, Score: 2e-3, ScoreMedian: 2e-3, Box: 0.15, BoxMedian: 0.15},
	},
}

// gardenAbout is what the file of names says. The older of the fixtures have it
// under config, and leave out what the experiment decides.
type gardenAbout struct {
	Config struct {
		Size       [2]int
		Activation config.Activation `json:"act"`
	}
	Input  [3]int
	Anchor struct {
		Size float64 `json:"anchor_size"`
	}
	Norm struct {
		Activation config.Activation
		Epsilon    float64 `json:"norm_epsilon"`
	} `json:"norm_activation"`
}

func (g gardenCase) read(t testing.TB) (*weights.File, weights.Options, gardenAbout) {
	var about gardenAbout
	data, err := os.ReadFile(fixture(t, g.about))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &about))
	if about.Norm.Activation == "" {
		about.Input = [3]int{about.Config.Size[0], about.Config.Size[1], 3}
		about.Norm.Activation, about.Norm.Epsilon, about.Anchor.Size = about.Config.Activation, 1e-3, 3
	}
	f, err := weights.Open(fixture(t, g.checkpoint))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f, weights.Options{Activation: about.Norm.Activation, NormEpsilon: &about.Norm.Epsilon, AnchorSize: about.Anchor.Size}, about
}

func fixture(t testing.TB, path string) string {
	return testutil.Shared(t, append([]string{"fixtures"}, strings.Split(path, "/")...)...)
}

// golden has our names of a case's tensors: without the case before and the
// thinning behind, and the input whole.
func (g gardenCase) golden(t testing.TB) testutil.Tensors {
	golden := testutil.Tensors{}
	for stored, x := range testutil.Load(t, fixture(t, g.folder+"/tensors_"+g.name+".safetensors")) {
		name, _, _ := strings.Cut(strings.TrimPrefix(stored, g.name+"/"), "@")
		var i int
		if n, _ := fmt.Sscanf(name, "block_%d", &i); n == 1 {
			name = fmt.Sprintf("block_%02d", i)
		}
		golden[name] = x
	}
	return golden
}

// gardenPhoto is a photo with the original's detections.
type gardenPhoto struct {
	ID      int    `json:"image_id"`
	Name    string `json:"file_name"`
	Size    [2]int // of the network's input
	SHA256  string `json:"pixels_sha256"` // of the photo's R, G, B
	Results json.RawMessage
}

func gardenPhotos(t testing.TB, g gardenCase) []gardenPhoto {
	var file struct{ Images []gardenPhoto }
	data, err := os.ReadFile(fixture(t, g.folder+"/detections_"+g.name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Images)
	return file.Images
}

// samePixels reads a photo of the fixtures with the pixels that the original saw;
// nil if no file here has them: JPEG is decoded in more than one way.
func samePixels(t testing.TB, name, sum string) *imageio.Image {
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, file := range []string{testutil.Shared(t, "data", "demo_images", name), "testdata/garden/" + stem + ".webp"} {
		img, err := imageio.Open(file, imageio.Options{})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		if fmt.Sprintf("%x", sha256.Sum256(img.Pix)) == sum {
			return img
		}
	}
	return nil
}

// The stages of the trunk from the network's input, which our own preprocessing
// makes of the first photo: every stored row of it agrees.
func TestRetinaNetStagesEqualTF2(t *testing.T) {
	for _, g := range retinaNets {
		for name, o := range map[string]engine.Options{"direct": {NoWinograd: true}, "winograd": {}} {
			t.Run(g.name+"/"+name, func(t *testing.T) {
				f, options, about := g.read(t)
				first := gardenPhotos(t, g)[0]
				golden := g.golden(t)
				img := samePixels(t, first.Name, first.SHA256)
				require.NotNil(t, img, "%s: no file has the pixels that the original saw", first.Name)
				n := paritytest.New(t, f, options, golden, o)
				n.Measure = relMax
				golden["input"] = preprocessed(t, n.Config, about.Input, img)
				requireRows(t, golden.Get(t, "input_rows"), golden["input"], 4, 1e-6)
				from := func(golden string, value graph.Value, bar float64) {
					t.Helper()
					n.Stage(n.Trunk, about.Input[0], about.Input[1], paritytest.Values{"input": 0}, paritytest.Values{golden: value}, bar)
				}
				from("stem_pool", node(t, n.Trunk, "backbone/stem/pool"), g.bars.stem)
				for i, v := range n.Features.Stem {
					from(fmt.Sprintf("stem_group_%d", i), v, g.bars.stem)
				}
				for i, v := range n.Features.Blocks {
					from(fmt.Sprintf("block_%02d", i), v, g.bars.blocks)
				}
				for l := n.Config.Backbone.MinLevel; l <= n.Config.Backbone.MaxLevel; l++ {
					bar := g.bars.fine
					if l > 5 {
						bar = g.bars.coarse
					}
					from(fmt.Sprintf("P%d", l), n.Features.Levels[l], bar)
					from(fmt.Sprintf("cls_outputs_%d", l), n.Output(n.Trunk, fmt.Sprintf("classes%d", l)), g.bars.classes)
					from(fmt.Sprintf("box_outputs_%d", l), n.Output(n.Trunk, fmt.Sprintf("deltas%d", l)), g.bars.boxes)
				}
			})
		}
	}
}

// preprocessed is the input of a network for a photo.
func preprocessed(t testing.TB, c *config.Config, size [3]int, img *imageio.Image) testutil.Tensor {
	in := c.Input
	in.Height, in.Width = size[0], size[1]
	geometry, err := preprocess.Fit(&in, img.Height, img.Width)
	require.NoError(t, err)
	r := preprocess.NewResizer(&in)
	r.Start(geometry, img.Pix)
	out := testutil.Tensor{Shape: []int{geometry.InputHeight, geometry.InputWidth, 3}}
	out.Data = make([]float32, geometry.InputHeight*geometry.InputWidth*3)
	r.Rows(out.Data, geometry.InputWidth*3, 0, geometry.InputHeight, new(preprocess.Scratch))
	return out
}

// requireRows compares with every k-th row and column, of which the first are
// stored.
func requireRows(t testing.TB, want, got testutil.Tensor, k int, tolerance float64) {
	for y := range want.Shape[0] {
		for x := range want.Shape[1] {
			for c := range 3 {
				w, g := want.Data[(y*want.Shape[1]+x)*3+c], got.Data[(y*k*got.Shape[1]+x*k)*3+c]
				require.InDelta(t, w, g, tolerance, "row %d, column %d", y*k, x*k)
			}
		}
	}
}

// Whole detections from pixels.
func TestRetinaNetDetectionsEqualTF2(t *testing.T) {
	for _, g := range retinaNets {
		f, options, _ := g.read(t)
		for _, p := range gardenPhotos(t, g) {
			img := samePixels(t, p.Name, p.SHA256)
			if img == nil {
				t.Logf("%s: no file has the pixels that the original saw", p.Name)
				continue
			}
			want := paritytest.ParseCOCO(t, p.Results)[p.ID]
			for name, direct := range map[string]bool{"direct": true, "winograd": false} {
				t.Run(fmt.Sprintf("%s/%s/%s", g.name, p.Name, name), func(t *testing.T) {
					m := modelOf(t, f, &spinemask.Options{Raw: true, Height: p.Size[0], Width: p.Size[1], NoWinograd: direct, Weights: options})
					r, err := m.Segment(context.Background(), img)
					require.NoError(t, err)
					matching := paritytest.NewMatching(g.detections)
					matching.Photo(t, want, r.Instances)
					matching.Check(t)
				})
			}
		}
	}
}
