package retinanet

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/rpn"
)

// tiny is a RetinaNet of few classes on an input of 128×256.
func tiny(t testing.TB, classes int) (*config.Config, box.Size) {
	c, err := config.TF2RetinaNet("49")
	require.NoError(t, err)
	c.Categories = c.Categories[:classes]
	return c, box.Size{Height: 128, Width: 256}
}

// noise makes outputs for an input, with logits in steps, so that scores are often equal. Rows are longer than their pixels.
func noise(r *rand.Rand, c *config.Config, input box.Size, step float64) []Output {
	var outputs []Output
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		out := Output{Height: int(input.Height) >> l, Width: int(input.Width) >> l}
		out.ClassesRow = out.Width*c.Anchors.PerPlace()*c.Classes() + 3
		out.DeltasRow = out.Width*c.Anchors.PerPlace()*4 + 5
		for range out.Height * out.ClassesRow {
			out.Classes = append(out.Classes, float32(math.Round((r.NormFloat64()*1.5-3)/step)*step))
		}
		for range out.Height * out.DeltasRow {
			out.Deltas = append(out.Deltas, float32(r.NormFloat64()/4))
		}
		outputs = append(outputs, out)
	}
	return outputs
}

// literal does what the originals' code says, step by step and without any saving: scores of all anchors, top-k of each class, threshold, NMS, top-k of all.
func literal(c *config.Config, outputs []Output, input, clip box.Size) []Detection {
	type candidate struct {
		b     box.Box
		score float32
	}
	coder := box.Coder{PlusOne: c.Boxes.Coding == config.BoxCodingPlusOne, Weights: box.Delta{Y: 1, X: 1, H: 1, W: 1}}
	var all []Detection
	for class := 1; class < c.Classes(); class++ {
		var list []candidate
		for l, out := range outputs {
			anchors := rpn.NewAnchors(&c.Anchors, c.Backbone.MinLevel+l, out.Height, out.Width, input)
			for y := range out.Height {
				for x := range out.Width {
					for k := range anchors.PerPlace() {
						a := x*anchors.PerPlace() + k
						v := out.Deltas[y*out.DeltasRow+4*a:]
						b := coder.Decode(box.Delta{Y: v[0], X: v[1], H: v[2], W: v[3]}, anchors.At(y, x, k)).Clip(clip)
						list = append(list, candidate{b, rpn.SigmoidTF(out.Classes[y*out.ClassesRow+a*c.Classes()+class])})
					}
				}
			}
		}
		slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
		list = list[:min(len(list), c.Detections.PreNMSPerClass)]
		var boxes []box.Box
		for _, k := range list {
			if k.score > float32(c.Detections.ScoreThreshold) {
				boxes = append(boxes, k.b)
			}
		}
		for _, i := range new(box.NMS).Suppress(boxes, box.Rule(c.Detections.NMSRule), float32(c.Detections.NMSIoU), c.Detections.Max) {
			all = append(all, Detection{list[i].b, list[i].score, class})
		}
	}
	slices.SortStableFunc(all, func(a, b Detection) int { return cmp.Compare(b.Score, a.Score) })
	return all[:min(len(all), c.Detections.Max)]
}

func TestDetectEqualsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c, input := tiny(t, 6)
	d := NewDetector(c)
	for i := range 24 {
		c.Detections.ScoreThreshold = []float64{0.05, 0.3, 0}[i%3]
		c.Detections.PreNMSPerClass = []int{5000, 40, 300}[r.IntN(3)]
		c.Detections.Max = []int{100, 3, 1000}[r.IntN(3)]
		c.Detections.NMSRule = []config.NMSRule{config.NMSRuleGE, config.NMSRuleGETiled, config.NMSRuleGT}[r.IntN(3)]
		c.Boxes.Coding = []config.BoxCoding{config.BoxCodingPlain, config.BoxCodingPlusOne}[r.IntN(2)]
		d.coder.PlusOne = c.Boxes.Coding == config.BoxCodingPlusOne
		clip := box.Size{Height: input.Height - float32(i%2), Width: input.Width - float32(i%2)}
		outputs := noise(r, c, input, []float64{1e-6, 0.5}[i/12])
		want := literal(c, outputs, input, clip)
		require.NotEmpty(t, want)
		d.Start(outputs, input)
		for part := range 4 {
			d.Collect(3-part, 4)
		}
		require.Equal(t, want, append([]Detection(nil), d.Choose(clip)...), "case %d in parts", i)
		require.Equal(t, want, append([]Detection(nil), d.Detect(outputs, input, clip)...), "case %d: %+v", i, c.Detections)
	}
}

// Near the threshold a greater logit may have the smaller float32 score; none above the threshold is passed over.
func TestSafeLogitIsBelowEveryScoreAboveTheThreshold(t *testing.T) {
	for _, threshold := range []float32{1e-6, 0.001, 0.05, 0.3, 0.5, 0.9, 0.999} {
		logit := safeLogit(threshold)
		require.Less(t, rpn.SigmoidTF(logit), threshold)
		for v := logit; v > logit-1e-3; v = math.Nextafter32(v, -100) {
			if rpn.SigmoidTF(v) > threshold {
				require.Fail(t, "passed over", "%g of %g", v, threshold)
			}
		}
	}
	require.Equal(t, float32(math.Inf(-1)), safeLogit(0))
}

// What is not a number is no detection, and memory is bounded where every score passes.
func TestDetectSurvivesNonsense(t *testing.T) {
	c, input := tiny(t, 3)
	c.Detections.PreNMSPerClass = 50
	c.Detections.ScoreThreshold = 0
	outputs := noise(rand.New(rand.NewPCG(3, 4)), c, input, 1)
	nan := float32(math.NaN())
	for i := range outputs[0].Classes {
		outputs[0].Classes[i] = nan
	}
	for i := range outputs[1].Deltas {
		outputs[1].Deltas[i] = nan
	}
	d := NewDetector(c)
	require.NotEmpty(t, d.Detect(outputs, input, input))
	for _, k := range d.classes {
		require.LessOrEqual(t, cap(k.ranks), 2*128)
	}
}

func TestDetectDoesNotAllocate(t *testing.T) {
	c, input := tiny(t, 6)
	outputs := noise(rand.New(rand.NewPCG(5, 6)), c, input, 1e-6)
	d := NewDetector(c)
	d.Detect(outputs, input, input)
	require.Zero(t, testing.AllocsPerRun(5, func() { d.Detect(outputs, input, input) }))
}

// The boxes of all anchors that the Garden decoded, from its own outputs of the levels that are stored whole.
func TestDecodeEqualsTF2(t *testing.T) {
	golden := testutil.Load(t, testutil.Shared(t, "fixtures", "tf2_retinanet", "tensors_retina.safetensors"))
	c, err := config.TF2RetinaNet("49")
	require.NoError(t, err)
	get := func(name string) testutil.Tensor { return golden.Get(t, "retina/"+name) }
	finest := get("box_outputs_4")
	side := finest.Shape[0] << 4
	input := box.Size{Height: float32(side), Width: float32(finest.Shape[1] << 4)}
	var outputs []Output
	outputs = append(outputs, Output{Height: side >> 3, Width: finest.Shape[1] << 1})
	for _, x := range []testutil.Tensor{finest, get("box_outputs_5"), get("box_outputs_6"), get("box_outputs_7")} {
		outputs = append(outputs, Output{Height: x.Shape[0], Width: x.Shape[1], Deltas: x.Data, DeltasRow: x.Shape[1] * x.Shape[2]})
	}
	d := NewDetector(c)
	d.Start(outputs, input)
	want := get("decoded_boxes").Data
	for i := d.levels[1].first; 4*i < len(want); i++ {
		b := d.decode(i).Clip(input)
		for k, v := range []float32{b.Y1, b.X1, b.Y2, b.X2} {
			require.InDelta(t, want[4*i+k], v, 1e-4, "anchor %d", i)
		}
	}
}

// The size of a RetinaNet SpineNet-49 at 640², with scores as sparse as those of photos.
func BenchmarkDetect(b *testing.B) {
	c, err := config.TF2RetinaNet("49")
	require.NoError(b, err)
	input := box.Size{Height: 640, Width: 640}
	outputs := noise(rand.New(rand.NewPCG(1, 1)), c, input, 1e-6)
	for i := range outputs {
		for k := range outputs[i].Classes {
			outputs[i].Classes[k] -= 3
		}
	}
	d := NewDetector(c)
	for b.Loop() {
		d.Detect(outputs, input, input)
	}
}
