package boxhead

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

func family(t testing.TB, make func(string) (*config.Config, error), classes int) *config.Config {
	c, err := make("49")
	require.NoError(t, err)
	c.Categories = c.Categories[:classes-1]
	return c
}

func nuclei(t testing.TB) *config.Config {
	data, err := os.ReadFile("../config/testdata/nuclei.json")
	require.NoError(t, err)
	c, err := config.Parse(data)
	require.NoError(t, err)
	return c
}

func rows(x testutil.Tensor) []box.Box {
	var out []box.Box
	for i := 0; i < len(x.Data); i += 4 {
		out = append(out, box.Box{Y1: x.Data[i], X1: x.Data[i+1], Y2: x.Data[i+2], X2: x.Data[i+3]})
	}
	return out
}

// requireDetections compares row by row. The originals fill up with scores of −1 or 0, which are no detections.
func requireDetections(t testing.TB, boxes []box.Box, scores, classes []float32, got []Detection, name string) {
	want := 0
	for _, s := range scores {
		if s > 0 {
			want++
		}
	}
	require.Len(t, got, want, name)
	for i, d := range got {
		require.InDelta(t, scores[i], d.Score, 1e-6, "%s row %d", name, i)
		require.Equal(t, int(classes[i]), d.Class, "%s row %d", name, i)
		for k, v := range []float32{d.Box.Y1, d.Box.X1, d.Box.Y2, d.Box.X2} {
			b := boxes[i]
			require.InDelta(t, []float32{b.Y1, b.X1, b.Y2, b.X2}[k], v, 3e-4, "%s row %d", name, i) // 1e-6 of an image
		}
	}
}

// tpu: ops/postprocess_ops.py, GenericDetectionGenerator; the second case has exact ties.
func TestDetectEqualsTF1(t *testing.T) {
	f := testutil.Load(t, "testdata/tf1.safetensors")
	for i := range 2 {
		at := fmt.Sprintf("generate_detections/%d/", i)
		got := NewDetector(family(t, config.TF1, 7)).Detect(f.Get(t, at+"class_logits").Data, f.Get(t, at+"box_deltas").Data, rows(f.Get(t, at+"rois")), box.Size{Height: 255, Width: 255})
		requireDetections(t, rows(f.Get(t, at+"out_detection_boxes")), f.Get(t, at+"out_detection_scores").Data, f.Get(t, at+"out_detection_classes").Data, got, at)
	}
}

// Garden: vision/modeling/layers/detection_generator.py, DetectionGenerator with NMS v2, v1, and v2 with few candidates.
func TestDetectEqualsTF2(t *testing.T) {
	f := testutil.Load(t, "testdata/tf2.safetensors")
	for i, test := range []struct {
		rule config.NMSRule
		top  int
	}{{config.NMSRuleGETiled, 5000}, {config.NMSRuleGE, 5000}, {config.NMSRuleGETiled, 25}} {
		c := family(t, config.TF2, 7)
		c.Detections.NMSRule, c.Detections.PreNMSPerClass, c.Detections.Max = test.rule, test.top, 30
		at := fmt.Sprintf("detection_generator.%d.", i)
		got := NewDetector(c).Detect(f.Get(t, at+"in.class_logits").Data, f.Get(t, at+"in.box_outputs").Data, rows(f.Get(t, at+"in.rois")), box.Size{Height: 128, Width: 192})
		requireDetections(t, rows(f.Get(t, at+"out.detection_boxes")), f.Get(t, at+"out.detection_scores").Data, f.Get(t, at+"out.detection_classes").Data, got, at)
	}
}

// The same without NMS: softmax and decoding of every class of every proposal.
func TestCandidatesEqualTF2(t *testing.T) {
	f := testutil.Load(t, "testdata/tf2.safetensors")
	c := family(t, config.TF2, 7)
	c.Detections.ScoreThreshold, c.Detections.Max = 0, math.MaxInt // so that none is left out
	d := NewDetector(c)
	logits, rois := f.Get(t, "decode_all_classes.0.in.class_logits").Data, rows(f.Get(t, "decode_all_classes.0.in.rois"))
	d.Detect(logits, f.Get(t, "decode_all_classes.0.in.box_outputs").Data, rois, box.Size{Height: 128, Width: 192})
	boxes, scores := rows(f.Get(t, "decode_all_classes.0.out.decoded_boxes")), f.Get(t, "decode_all_classes.0.out.decoded_box_scores").Data
	require.Len(t, d.boxes, len(rois)*6)
	start := 0
	for class := 1; class < 7; class++ {
		for i := start; i < d.ends[class]; i++ {
			at := d.proposals[i]*6 + class - 1 // the background is dropped
			require.InDelta(t, scores[at], d.scores[i], 1e-6)
			require.InDelta(t, boxes[at].Y1, d.boxes[i].Y1, 2e-4)
			require.InDelta(t, boxes[at].X2, d.boxes[i].X2, 2e-4)
		}
		start = d.ends[class]
	}
}

func TestDetectForTheBuiltInModel(t *testing.T) {
	f := testutil.Load(t, "testdata/nuclei.safetensors")
	got := NewDetector(nuclei(t)).Detect(f.Get(t, "class_logits").Data, f.Get(t, "box_deltas").Data, rows(f.Get(t, "proposals")), box.Size{Height: 256, Width: 256})
	requireDetections(t, rows(f.Get(t, "detection_boxes")), f.Get(t, "detection_scores").Data, f.Get(t, "detection_classes").Data, got, "nuclei")
}

// random head outputs for n proposals of an image of 256×256.
func random(n, classes int) (logits, deltas []float32, proposals []box.Box) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		for range classes {
			logits = append(logits, float32(r.NormFloat64()*2))
			for range 4 {
				deltas = append(deltas, float32(r.NormFloat64()))
			}
		}
		y, x := r.Float32()*200, r.Float32()*200
		proposals = append(proposals, box.Box{Y1: y, X1: x, Y2: y + 10 + r.Float32()*40, X2: x + 10 + r.Float32()*40})
	}
	return logits, deltas, proposals
}

var frame = box.Size{Height: 256, Width: 256}

func TestDetectWithoutClassSpecificBoxes(t *testing.T) {
	logits, deltas, proposals := random(50, 5)
	c := family(t, config.TF2, 5)
	c.BoxHead.ClassSpecific = false
	var same []float32 // the deltas of class 0 for every class
	for i := range proposals {
		for range 5 {
			same = append(same, deltas[i*20:i*20+4]...)
		}
	}
	var one []float32
	for i := range proposals {
		one = append(one, deltas[i*20:i*20+4]...)
	}
	agnostic := append([]Detection{}, NewDetector(c).Detect(logits, one, proposals, frame)...)
	c.BoxHead.ClassSpecific = true
	require.Equal(t, NewDetector(c).Detect(logits, same, proposals, frame), agnostic)
}

func TestDetectWithBackgroundLast(t *testing.T) {
	logits, deltas, proposals := random(50, 5)
	c := family(t, config.TF2, 5)
	first := append([]Detection{}, NewDetector(c).Detect(logits, deltas, proposals, frame)...)
	rotate := func(x []float32, unit int) []float32 { // row 0 to the end
		var out []float32
		for ; len(x) > 0; x = x[5*unit:] {
			out = append(append(out, x[unit:5*unit]...), x[:unit]...)
		}
		return out
	}
	c.Background = config.BackgroundLast
	last := NewDetector(c).Detect(rotate(logits, 1), rotate(deltas, 4), proposals, frame)
	for i := range last {
		require.Equal(t, c.CategoryAt(last[i].Class).ID, c.CategoryAt(first[i].Class-1).ID)
		last[i].Class++
	}
	require.Equal(t, first, last)
}

// Two boxes of 9×9 and 9×4: with sides one longer their IoU is 0.5; in a photo of twice the size, 19·9 of 19·19 pixels, it is less.
func TestDetectSuppressesInThePhotosFrame(t *testing.T) {
	logits, deltas := []float32{-9, 5, -9, 4}, make([]float32, 2*8)
	proposals := []box.Box{{Y1: 0, X1: 0, Y2: 9, X2: 9}, {Y1: 0, X1: 0, Y2: 9, X2: 4}}
	c := family(t, config.MMDet, 2)
	c.Detections.NMSIoU = 0.49
	d := NewDetector(c)
	require.Len(t, d.Detect(logits, deltas, proposals, frame), 1)
	d.PhotoScale = box.Size{Height: 0.5, Width: 0.5}
	require.Len(t, d.Detect(logits, deltas, proposals, frame), 2)
	require.Equal(t, proposals[1], d.Detect(logits, deltas, proposals, frame)[1].Box)
}

func TestDetectOrderOfTies(t *testing.T) {
	// Two proposals far apart, both certain of classes 1 and 2 alike.
	logits := []float32{-9, 5, 5, -9, 5, 5}
	deltas := make([]float32, 2*12)
	proposals := []box.Box{{Y1: 0, X1: 0, Y2: 10, X2: 10}, {Y1: 100, X1: 100, Y2: 110, X2: 110}}
	order := func(rule config.NMSRule) (out [][2]int) {
		c := family(t, config.TF2, 3)
		c.Detections.NMSRule = rule
		for _, d := range NewDetector(c).Detect(logits, deltas, proposals, frame) {
			out = append(out, [2]int{d.Class, d.Proposal})
		}
		return out
	}
	require.Equal(t, [][2]int{{1, 0}, {1, 1}, {2, 0}, {2, 1}}, order(config.NMSRuleGETiled))
	require.Equal(t, [][2]int{{1, 0}, {2, 0}, {1, 1}, {2, 1}}, order(config.NMSRuleOffsetGT))
}

func TestDetectFiltersAndLimits(t *testing.T) {
	logits, deltas, proposals := random(200, 5)
	c := family(t, config.TF2, 5)
	c.Detections.MinSize, c.Detections.ScoreThreshold, c.Detections.Max = 9, 0.2, 17
	got := NewDetector(c).Detect(logits, deltas, proposals, frame)
	require.Len(t, got, 17)
	for i, d := range got {
		require.True(t, d.Box.AtLeast(9))
		require.Greater(t, d.Score, float32(0.2))
		require.True(t, i == 0 || d.Score <= got[i-1].Score)
	}
	require.Empty(t, NewDetector(c).Detect(nil, nil, nil, frame))
}

func TestDetectSurvivesNonsense(t *testing.T) {
	logits, deltas, proposals := random(64, 5)
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e38}
	for i := range 80 {
		logits[i], deltas[len(deltas)-1-i*3] = bad[i%4], bad[i%3]
	}
	for _, rule := range []config.NMSRule{config.NMSRuleGT, config.NMSRuleGE, config.NMSRuleGETiled, config.NMSRulePlusOneGT, config.NMSRuleOffsetGT} {
		c := family(t, config.TF2, 5)
		c.Detections.NMSRule = rule
		require.NotEmpty(t, NewDetector(c).Detect(logits, deltas, proposals, frame))
	}
}

func TestDetectDoesNotAllocate(t *testing.T) {
	logits, deltas, proposals := random(300, 5)
	for _, rule := range []config.NMSRule{config.NMSRuleGETiled, config.NMSRuleOffsetGT} {
		c := family(t, config.TF2, 5)
		c.Detections.NMSRule = rule
		d := NewDetector(c)
		d.Detect(logits, deltas, proposals, frame)
		require.Zero(t, testing.AllocsPerRun(3, func() { d.Detect(logits, deltas, proposals, frame) }))
	}
}

// To leave out what cannot become a detection changes no result: every rule, with scores that tie, against a limit that is applied at the end.
func TestDetectLimitsLikeACutAtTheEnd(t *testing.T) {
	logits, deltas, proposals := random(300, 6)
	for i := range logits {
		logits[i] = float32(math.Round(float64(logits[i]))) // ties
	}
	for _, rule := range []config.NMSRule{config.NMSRuleGT, config.NMSRuleGE, config.NMSRuleGETiled, config.NMSRulePlusOneGT, config.NMSRuleOffsetGT} {
		c := family(t, config.TF2, 6)
		c.Detections.NMSRule, c.Detections.ScoreThreshold, c.Detections.Max = rule, 0, 5000
		all := append([]Detection{}, NewDetector(c).Detect(logits, deltas, proposals, frame)...)
		for _, most := range []int{1, 7, 100, len(all)} {
			c.Detections.Max = most
			require.Equal(t, all[:most], NewDetector(c).Detect(logits, deltas, proposals, frame), "%s %d", rule, most)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	for _, classes := range []int{2, 91} {
		logits, deltas, proposals := random(1000, classes)
		d := NewDetector(family(b, config.TF2, classes))
		b.Run(fmt.Sprint(classes), func(b *testing.B) {
			for b.Loop() {
				d.Detect(logits, deltas, proposals, frame)
			}
		})
	}
}
