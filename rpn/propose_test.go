package rpn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/stretchr/testify/require"
)

func family(t testing.TB, make func(string) (*config.Config, error)) *config.Config {
	c, err := make("49")
	require.NoError(t, err)
	return c
}

func nuclei(t testing.TB) *config.Config {
	data, err := os.ReadFile("../config/testdata/nuclei.json")
	require.NoError(t, err)
	c, err := config.Parse(data)
	require.NoError(t, err)
	return c
}

func TestAnchorsEqualTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for name, test := range map[string]struct {
		file          testutil.Tensors
		tensor        string
		height, width int
		anchors       config.Anchors
	}{
		"tf1 0": {tf1, "anchors/0/out_level_%d", 256, 256, config.Anchors{Size: 3, ScalesPerOctave: 1, AspectRatios: []float64{1, 2, 0.5}}},
		"tf1 1": {tf1, "anchors/1/out_level_%d", 640, 896, config.Anchors{Size: 3, ScalesPerOctave: 1, AspectRatios: []float64{1, 2, 0.5}}},
		"tf2 0": {tf2, "anchors.0.out.level_%d", 128, 256, config.Anchors{Size: 3, ScalesPerOctave: 1, AspectRatios: []float64{0.5, 1, 2}}},
		"tf2 1": {tf2, "anchors.1.out.level_%d", 256, 128, config.Anchors{Size: 4, ScalesPerOctave: 3, AspectRatios: []float64{0.5, 1, 2}}},
		"tf2 2": {tf2, "anchors.2.out.level_%d", 128, 128, config.Anchors{Size: 3, ScalesPerOctave: 3, AspectRatios: []float64{1, 2, 0.5}}},
	} {
		test.anchors.Style = config.AnchorStyleTF
		for level := 3; level <= 7; level++ {
			want := test.file.Get(t, fmt.Sprintf(test.tensor, level)).Data // a fixture may hold the first rows only
			h, w := test.height>>level, test.width>>level
			a := NewAnchors(&test.anchors, level, h, w, box.Size{})
			for i := range len(want) / 4 {
				place := i / a.PerPlace()
				b := a.At(place/w, place%w, i%a.PerPlace())
				require.Equal(t, want[4*i:4*i+4], []float32{b.Y1, b.X1, b.Y2, b.X2}, "%s level %d row %d", name, level, i)
			}
		}
	}
}

// outputs are the head's outputs in a fixture, levels low…high of an input of height×width.
func outputs(t testing.TB, f testutil.Tensors, score, deltas string, low, high, height, width int) []Output {
	var levels []Output
	for l := low; l <= high; l++ {
		o := Output{Height: height >> l, Width: width >> l, Objectness: f.Get(t, fmt.Sprintf(score, l)).Data, Deltas: f.Get(t, fmt.Sprintf(deltas, l)).Data}
		o.ObjectnessRow, o.DeltasRow = len(o.Objectness)/o.Height, len(o.Deltas)/o.Height
		levels = append(levels, o)
	}
	return levels
}

func TestProposeEqualsTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for name, test := range map[string]struct {
		config                         *config.Config
		file                           testutil.Tensors
		score, deltas, rois, roiScores string
		low, high, height, width       int
		preNMS, postNMS                int
		iou                            float64
		clip                           box.Size
	}{
		"tf1 0": {family(t, config.TF1), tf1, "propose/0/score_%d", "propose/0/box_%d", "propose/0/out_rois", "propose/0/out_scores", 3, 7, 128, 128, 200, 150, 0.7, box.Size{Height: 127, Width: 127}},
		"tf1 1": {family(t, config.TF1), tf1, "propose/1/score_%d", "propose/1/box_%d", "propose/1/out_rois", "propose/1/out_scores", 3, 7, 128, 256, 200, 150, 0.7, box.Size{Height: 127, Width: 255}},
		"tf2 0": {family(t, config.TF2), tf2, "propose_rois.0.in.score_%d", "propose_rois.0.in.box_%d", "propose_rois.0.out.rois", "propose_rois.0.out.scores", 3, 5, 64, 96, 1000, 1000, 0.7, box.Size{Height: 64, Width: 96}},
		"tf2 1": {family(t, config.TF2), tf2, "propose_rois.1.in.score_%d", "propose_rois.1.in.box_%d", "propose_rois.1.out.rois", "propose_rois.1.out.scores", 3, 5, 64, 96, 100, 60, 0.5, box.Size{Height: 64, Width: 96}},
	} {
		c := test.config
		c.Backbone.MinLevel, c.Backbone.MaxLevel = test.low, test.high
		c.RPN.PreNMSPerLevel, c.RPN.PostNMS, c.RPN.NMSIoU = test.preNMS, test.postNMS, test.iou
		levels := outputs(t, test.file, test.score, test.deltas, test.low, test.high, test.height, test.width)
		boxes, scores := NewProposer(c).Propose(levels, box.Size{Height: float32(test.height), Width: float32(test.width)}, test.clip)
		requireProposals(t, test.file.Get(t, test.rois).Data, test.file.Get(t, test.roiScores).Data, boxes, scores, name)
	}
}

// requireProposals compares row by row; the originals fill up with zero boxes.
func requireProposals(t testing.TB, rois, roiScores []float32, boxes []box.Box, scores []float32, name string) {
	require.LessOrEqual(t, len(scores), len(roiScores), name)
	for i, s := range roiScores[len(scores):] {
		require.Zero(t, s, "%s: row %d is missing", name, len(scores)+i)
	}
	require.NotEmpty(t, boxes)
	require.InDeltaSlice(t, roiScores[:len(scores)], scores, 1e-6, name)
	for i, want := range rows(rois)[:len(boxes)] {
		requireBox(t, want, boxes[i], name, i)
	}
}

// requireBox allows 1e-6 of the size of an image.
func requireBox(t testing.TB, want, got box.Box, name string, row int) {
	for k, v := range []float32{got.Y1, got.X1, got.Y2, got.X2} {
		require.InDelta(t, []float32{want.Y1, want.X1, want.Y2, want.X2}[k], v, 3e-4, "%s row %d", name, row)
	}
}

func rows(data []float32) []box.Box {
	var out []box.Box
	for i := 0; i < len(data); i += 4 {
		out = append(out, box.Box{Y1: data[i], X1: data[i+1], Y2: data[i+2], X2: data[i+3]})
	}
	return out
}

func TestProposeForTheBuiltInModel(t *testing.T) {
	f := testutil.Load(t, "testdata/nuclei.safetensors")
	size := box.Size{Height: 256, Width: 256}
	boxes, scores := NewProposer(nuclei(t)).Propose(outputs(t, f, "rpn_score_%d", "rpn_box_%d", 3, 7, 256, 256), size, size)
	require.Len(t, boxes, 1000)
	requireProposals(t, f.Get(t, "proposals").Data, f.Get(t, "proposal_scores").Data, boxes, scores, "nuclei")
}

// TF1's whole network at 256×256.
func TestProposeForTF1(t *testing.T) {
	f := testutil.Load(t, testutil.Shared(t, "fixtures/tf1_spinenet49s_mrcnn/tensors_256.safetensors"))
	boxes, scores := NewProposer(family(t, config.TF1)).Propose(outputs(t, f, "rpn_score_%d", "rpn_box_%d", 3, 7, 256, 256),
		box.Size{Height: 256, Width: 256}, box.Size{Height: 255, Width: 255})
	want := rows(f.Get(t, "proposals").Data) // the fixture has no scores
	require.Len(t, boxes, len(want))
	for i, b := range boxes {
		requireBox(t, want[i], b, "tf1", i)
	}
	require.IsNonIncreasing(t, scores)
}

// randomLevels are outputs of five levels for a square input, three anchors at a place.
func randomLevels(side int) []Output {
	r := rand.New(rand.NewPCG(1, 2))
	var levels []Output
	for l := 3; l <= 7; l++ {
		o := Output{Height: side >> l, Width: side >> l, ObjectnessRow: side >> l * 3, DeltasRow: side >> l * 12}
		for range o.Height * o.ObjectnessRow {
			o.Objectness = append(o.Objectness, float32(r.NormFloat64()*2-4))
		}
		for range o.Height * o.DeltasRow {
			o.Deltas = append(o.Deltas, float32(r.NormFloat64()*0.2))
		}
		levels = append(levels, o)
	}
	return levels
}

func TestProposeReadsRowsWithGaps(t *testing.T) {
	c := nuclei(t)
	levels := randomLevels(256)
	size := box.Size{Height: 256, Width: 256}
	boxes, scores := NewProposer(c).Propose(levels, size, size)
	for l := range levels {
		o := &levels[l]
		widen := func(data []float32, row int) []float32 {
			var out []float32
			for y := range o.Height {
				out = append(append(out, data[y*row:][:row]...), float32(math.NaN()), 1e9)
			}
			return out
		}
		o.Objectness, o.Deltas = widen(o.Objectness, o.ObjectnessRow), widen(o.Deltas, o.DeltasRow)
		o.ObjectnessRow, o.DeltasRow = o.ObjectnessRow+2, o.DeltasRow+2
	}
	gapBoxes, gapScores := NewProposer(c).Propose(levels, size, size)
	require.Equal(t, boxes, gapBoxes)
	require.Equal(t, scores, gapScores)
}

func TestProposeFilters(t *testing.T) {
	c := nuclei(t)
	size := box.Size{Height: 256, Width: 256}
	all, _ := NewProposer(c).Propose(randomLevels(256), size, size)
	all = append([]box.Box{}, all...)
	c.RPN.ScoreThreshold, c.RPN.MinSize = 0.1, 12
	some, scores := NewProposer(c).Propose(randomLevels(256), size, size)
	require.Less(t, len(some), len(all))
	for i, b := range some {
		require.True(t, b.AtLeast(12))
		require.Greater(t, scores[i], float32(0.1))
	}
}

func TestProposeKeepsTiesInIndexOrder(t *testing.T) {
	c := nuclei(t)
	c.RPN.PostNMS = 4
	levels := randomLevels(128)
	for l := range levels {
		for i := range levels[l].Objectness {
			levels[l].Objectness[i] = 40 + float32(i%7) // the float32 probability is 1
		}
		clear(levels[l].Deltas)
	}
	size := box.Size{Height: 128, Width: 128}
	boxes, scores := NewProposer(c).Propose(levels, size, size)
	require.Equal(t, []float32{1, 1, 1, 1}, scores)
	a := NewAnchors(&c.Anchors, 3, 16, 16, size)
	require.Equal(t, a.At(0, 0, 0).Clip(size), boxes[0])
}

func TestProposeSurvivesNonsense(t *testing.T) {
	c := nuclei(t)
	levels := randomLevels(128)
	for i := range levels[0].Deltas {
		levels[0].Deltas[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e38}[i%4]
		levels[0].Objectness[i/4] = levels[0].Deltas[(i+1)%4]
	}
	size := box.Size{Height: 128, Width: 128}
	for _, rule := range []config.NMSRule{config.NMSRuleGT, config.NMSRuleGE, config.NMSRuleGETiled, config.NMSRulePlusOneGT, config.NMSRuleOffsetGT} {
		c.RPN.NMSRule = rule
		boxes, _ := NewProposer(c).Propose(levels, size, size)
		require.NotEmpty(t, boxes)
	}
}

func TestProposeDoesNotAllocate(t *testing.T) {
	p := NewProposer(nuclei(t))
	levels := randomLevels(256)
	size := box.Size{Height: 256, Width: 256}
	p.Propose(levels, size, size)
	require.Zero(t, testing.AllocsPerRun(3, func() { p.Propose(levels, size, size) }))
}

func BenchmarkPropose(b *testing.B) {
	for _, side := range []int{640, 1280} {
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			p := NewProposer(nuclei(b))
			levels := randomLevels(side)
			size := box.Size{Height: float32(side), Width: float32(side)}
			b.ReportAllocs()
			for b.Loop() {
				p.Propose(levels, size, size)
			}
		})
	}
}
