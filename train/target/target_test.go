package target

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/rpn"
)

func assigned(n, truths int, iou func(box, truth int) float32, th Thresholds, force bool) []Match {
	list := make([]Match, n)
	Assign(list, truths, iou, th, force)
	return list
}

func sampled(matches []Match, order []int, samples int, fraction float64) []int8 {
	labels := make([]int8, len(matches))
	SampleAnchors(labels, matches, order, samples, fraction)
	return labels
}

type arguments struct {
	ImageSize   [2]int    `json:"image_size"`
	NumScales   int       `json:"num_scales"`
	AnchorSize  float64   `json:"anchor_size"`
	Match       float32   `json:"match"`
	Unmatched   float32   `json:"unmatched"`
	Samples     int       `json:"samples"`
	Fraction    float64   `json:"fraction"`
	Thresholds  []float32 `json:"thresholds"`
	Indicators  []int     `json:"indicators"`
	Force       bool      `json:"force_match"`
	Mix         bool      `json:"mix_gt_boxes"`
	Rois        int       `json:"num_sampled_rois"`
	Foreground  float64   `json:"foreground_fraction"`
	IoU         float32   `json:"foreground_iou_threshold"`
	High        float32   `json:"background_iou_high_threshold"`
	Low         float32   `json:"background_iou_low_threshold"`
	Masks       int       `json:"num_sampled_masks"`
	MaskSize    int       `json:"mask_target_size"`
	Of          string    `json:"of"`
	OutputSize  int       `json:"output_size"`
	BoxWeights  []float32 `json:"weights"`
	TotalAnchor int       `json:"total"`
}

// All cases of the fixture: the Garden's labelers and samplers (tf-models-official
// 2.15.0), with the orders that they drew.
func TestTargetsAreTheGardens(t *testing.T) {
	folder := testutil.Shared(t, "fixtures", "tf2_training")
	cases := testutil.Cases(t, folder, "targets")
	named := map[string]*testutil.Case{}
	for i := range cases {
		named[cases[i].Name] = &cases[i]
	}
	for _, c := range cases {
		t.Run(c.Name+" "+c.Note, func(t *testing.T) {
			var a arguments
			require.NoError(t, json.Unmarshal(c.Args, &a))
			switch c.Op {
			case "training_anchors":
				first := 0
				all := anchors(a.ImageSize, max(a.NumScales, 1), a.AnchorSize)
				for level := 3; level <= 7; level++ {
					want := boxes(c.Out(t, "level_"+string(rune('0'+level))))
					requireBoxes(t, want, all[first:first+len(want)], 1e-6)
					s := 1 << level
					first += (a.ImageSize[0] + s - 1) / s * ((a.ImageSize[1] + s - 1) / s) * max(a.NumScales, 1) * 3
				}
				require.Len(t, all, a.TotalAnchor)
			case "rpn_labels":
				checkRPNLabels(t, &c, a)
			case "retinanet_labels":
				checkRetinaLabels(t, &c, a)
			case "box_matcher":
				s := c.In(t, "similarity")
				th := Thresholds{a.Thresholds, a.Indicators[:len(a.Thresholds)]}
				for i, m := range assigned(s.Shape[0], s.Shape[1], func(i, j int) float32 { return s.Data[i*s.Shape[1]+j] }, th, a.Force) {
					require.Equal(t, c.Out(t, "matched").Ints()[i], m.Truth)
					require.Equal(t, c.Out(t, "indicators").Ints()[i], m.Kind)
				}
			case "static_sampler":
				chosen := SampleStatic(bools(c.In(t, "indicator")), bools(c.In(t, "labels")), c.Out(t, "permutation").Ints(), a.Samples, a.Fraction)
				require.Equal(t, bools(c.Out(t, "sampled")), chosen)
			case "dynamic_sampler":
				matches := make([]Match, len(c.In(t, "labels").Data))
				for i, label := range bools(c.In(t, "labels")) {
					matches[i].Kind = Negative
					if label {
						matches[i].Kind = Positive
					}
					if !bools(c.In(t, "indicator"))[i] {
						matches[i].Kind = Ignored
					}
				}
				order := append(c.Out(t, "shuffled_positive").Ints(), c.Out(t, "shuffled_negative").Ints()...)
				labels := sampled(matches, order, a.Samples, a.Fraction)
				for i, sampled := range bools(c.Out(t, "sampled")) {
					require.Equal(t, sampled, labels[i] >= 0)
				}
			case "roi_sampler":
				checkRegions(t, &c, a)
			case "mask_sampler":
				checkMasks(t, &c, named[a.Of], a)
			case "crop_mask_in_target_box":
				masks := named[a.Of].In(t, "gt_masks_64")
				side := masks.Shape[3]
				want := c.Out(t, "cropped")
				for b := range c.In(t, "boxes").Shape[0] {
					n := c.In(t, "boxes").Shape[1]
					for i := range n {
						mask := scaled(masks.Data[i*side*side:][:side*side])
						got := make([]float32, a.OutputSize*a.OutputSize)
						CropMask(got, a.OutputSize, mask, side, boxes(c.In(t, "boxes"))[b*n+i], boxes(c.In(t, "target_boxes"))[b*n+i])
						requireNear(t, want.Data[(b*n+i)*len(got):][:len(got)], got, 1e-4)
					}
				}
			case "encode_boxes":
				w := AnchorWeights
				if a.BoxWeights != nil {
					w = [4]float32(a.BoxWeights)
				}
				var got []float32
				for i, b := range boxes(c.In(t, "boxes")) {
					d := Encode(b, boxes(c.In(t, "anchors"))[i], w)
					got = append(got, d[:]...)
				}
				testutil.RequireClose(t, c.Out(t, "encoded").Data, got, 5e-6)
				testutil.RequireClose(t, c.Out(t, "encoded_box_coder").Data, got, 5e-6)
			default:
				t.Fatal("unknown")
			}
		})
	}
}

func checkRPNLabels(t *testing.T, c *testutil.Case, a arguments) {
	all, truths := anchors(a.ImageSize, 1, 3), boxes(c.In(t, "gt_boxes"))
	matches := assigned(len(all), len(truths), func(i, j int) float32 { return IoU(all[i], truths[j]) }, RPNThresholds, true)
	order := append(c.Out(t, "shuffled_positive").Ints(), c.Out(t, "shuffled_negative").Ints()...)
	for i, label := range sampled(matches, order, a.Samples, a.Fraction) {
		require.Equal(t, c.Out(t, "score_targets").Ints()[i], int(label))
	}
	if a.Samples != 256 {
		return // the rest is in the other cases
	}
	var positive []int
	var deltas []float32
	for i, m := range matches {
		require.Equal(t, c.Out(t, "indicators").Ints()[i], m.Kind)
		if m.Kind == Positive {
			require.Equal(t, c.Out(t, "matched").Ints()[i], m.Truth)
			positive = append(positive, i)
			d := Encode(truths[m.Truth], all[i], AnchorWeights)
			deltas = append(deltas, d[:]...)
		}
	}
	require.Equal(t, c.Out(t, "positive_index").Ints(), append([]int{}, positive...))
	testutil.RequireClose(t, c.Out(t, "positive_box_targets").Data, deltas, 5e-6)
}

func checkRetinaLabels(t *testing.T, c *testutil.Case, a arguments) {
	all, truths := anchors(a.ImageSize, a.NumScales, 3), boxes(c.In(t, "gt_boxes"))
	th := Thresholds{[]float32{a.Unmatched, a.Match}, []int{Negative, Ignored}}
	var positive []int
	var deltas []float32
	for i, m := range assigned(len(all), len(truths), func(i, j int) float32 { return IoU(all[i], truths[j]) }, th, true) {
		class := -1
		if m.Kind == Positive {
			class = c.In(t, "gt_classes").Ints()[m.Truth]
			positive = append(positive, i)
			d := Encode(truths[m.Truth], all[i], AnchorWeights)
			deltas = append(deltas, d[:]...)
		}
		require.Equal(t, c.Out(t, "cls_targets").Ints()[i], class)
	}
	require.Equal(t, c.Out(t, "positive_index").Ints(), append([]int{}, positive...))
	testutil.RequireClose(t, c.Out(t, "positive_box_targets").Data, deltas, 5e-6)
}

func checkRegions(t *testing.T, c *testutil.Case, a arguments) {
	images, truthsEach, proposalsEach := c.In(t, "gt_boxes").Shape[0], c.In(t, "gt_boxes").Shape[1], c.In(t, "proposals").Shape[1]
	for b := range images {
		truths := boxes(c.In(t, "gt_boxes"))[b*truthsEach:][:truthsEach]
		classes := c.In(t, "gt_classes").Ints()[b*truthsEach:][:truthsEach]
		proposals := slices.Clone(boxes(c.In(t, "proposals"))[b*proposalsEach:][:proposalsEach])
		if a.Mix {
			proposals = append(proposals, truths...)
		}
		n := len(proposals)
		o := RegionOptions{a.Rois, a.Foreground, Thresholds{[]float32{a.Low, a.High, a.IoU}, RegionsFrom(a.IoU).Kinds}, Garden(RegionWeights)}
		regions, matches, err := SampleRegions(proposals, truths, classes, c.Out(t, "permutation").Ints()[b*n:][:n], o)
		require.NoError(t, err)
		for i, m := range matches {
			require.Equal(t, c.Out(t, "indicators").Ints()[b*n+i], m.Kind, "match %d", i)
		}
		require.Len(t, regions, a.Rois)
		var want, got []float32
		for i, r := range regions {
			at := b*a.Rois + i
			require.Equal(t, boxes(c.Out(t, "rois"))[at], r.Box)
			require.Equal(t, c.Out(t, "roi_classes").Ints()[at], r.Class)
			require.Equal(t, c.Out(t, "roi_gt_indices").Ints()[at], r.Truth)
			if r.Class > 0 {
				require.Equal(t, boxes(c.Out(t, "roi_gt_boxes"))[at], r.Matched)
			}
			got = append(got, r.Deltas[:]...)
			want = append(want, c.Out(t, "box_targets").Data[4*at:][:4]...)
		}
		if slices.Max(want) > 0 {
			testutil.RequireClose(t, want, got, 3e-5)
		}
	}
}

func checkMasks(t *testing.T, c, sampled *testutil.Case, a arguments) {
	masks := c.In(t, "gt_masks_64")
	side := masks.Shape[3]
	for b := range masks.Shape[0] {
		n := sampled.Out(t, "rois").Shape[1]
		var regions []Region
		for i := range n {
			at := b*n + i
			regions = append(regions, Region{
				Box: boxes(sampled.Out(t, "rois"))[at], Class: sampled.Out(t, "roi_classes").Ints()[at],
				Truth: sampled.Out(t, "roi_gt_indices").Ints()[at], Matched: boxes(sampled.Out(t, "roi_gt_boxes"))[at],
			})
		}
		chosen := SampleMasks(regions, a.Masks)
		require.Len(t, chosen, a.Masks)
		for i, r := range chosen {
			require.Equal(t, c.Out(t, "classes").Ints()[b*a.Masks+i], r.Class)
			require.Equal(t, boxes(c.Out(t, "rois"))[b*a.Masks+i], r.Box)
		}
		selected := c.Out(t, "selected").Ints()
		for k, i := range selected {
			r := chosen[i]
			if r.Class == 0 {
				continue // weight 0
			}
			got := make([]float32, a.MaskSize*a.MaskSize)
			CropMask(got, a.MaskSize, scaled(masks.Data[(b*masks.Shape[1]+r.Truth)*side*side:][:side*side]), side, r.Matched, r.Box)
			requireNear(t, c.Out(t, "masks_selected").Data[(b*len(selected)+k)*len(got):][:len(got)], got, 1e-4)
		}
	}
}

// anchors are those of levels 3 to 7 in the order of the Garden.
func anchors(image [2]int, scales int, size float64) []box.Box {
	c := config.Anchors{Style: config.AnchorStyleTF, Size: size, ScalesPerOctave: scales, AspectRatios: []float64{0.5, 1, 2}}
	var list []box.Box
	for level := 3; level <= 7; level++ {
		s := 1 << level
		h, w := (image[0]+s-1)/s, (image[1]+s-1)/s
		a := rpn.NewAnchors(&c, level, h, w, box.Size{Height: float32(image[0]), Width: float32(image[1])})
		for y := range h {
			for x := range w {
				for k := range a.PerPlace() {
					list = append(list, a.At(y, x, k))
				}
			}
		}
	}
	return list
}

func boxes(x testutil.Tensor) []box.Box {
	list := make([]box.Box, len(x.Data)/4)
	for i := range list {
		d := x.Data[4*i:]
		list[i] = box.Box{Y1: d[0], X1: d[1], Y2: d[2], X2: d[3]}
	}
	return list
}

func bools(x testutil.Tensor) []bool {
	list := make([]bool, len(x.Data))
	for i, v := range x.Data {
		list[i] = v != 0
	}
	return list
}

func scaled(mask []float32) []float32 {
	out := make([]float32, len(mask))
	for i, v := range mask {
		out[i] = v / 64
	}
	return out
}

func requireNear(t *testing.T, want, got []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		require.InDelta(t, want[i], got[i], tolerance, "element %d", i)
	}
}

func requireBoxes(t *testing.T, want, got []box.Box, tolerance float64) {
	t.Helper()
	for i, w := range want {
		largest := max(math.Abs(float64(w.Y1)), math.Abs(float64(w.X1)), math.Abs(float64(w.Y2)), math.Abs(float64(w.X2)))
		for _, d := range []float32{w.Y1 - got[i].Y1, w.X1 - got[i].X1, w.Y2 - got[i].Y2, w.X2 - got[i].X2} {
			require.LessOrEqual(t, math.Abs(float64(d)), tolerance*largest, "anchor %d: %v, want %v", i, got[i], w)
		}
	}
}

// Two boxes with one best anchor: the first has it. A box that meets nothing forces
// the first anchor, as the original does.
func TestForcedMatches(t *testing.T) {
	iou := [][]float32{{0.1, 0.2, 0}, {0.2, 0.25, 0}, {0.05, 0.1, 0}}
	got := assigned(3, 3, func(i, j int) float32 { return iou[i][j] }, RPNThresholds, true)
	require.Equal(t, []int{Positive, Positive, Negative}, []int{got[0].Kind, got[1].Kind, got[2].Kind})
	require.Equal(t, []int{2, 0}, []int{got[0].Truth, got[1].Truth})
}

func TestTooFewProposalsAreAnError(t *testing.T) {
	_, _, err := SampleRegions(make([]box.Box, 3), nil, nil, []int{0, 1, 2}, RegionOptions{4, 0.25, RegionsFrom(0.5), Garden(RegionWeights)})
	require.EqualError(t, err, "target: fewer proposals than are sampled")
}

// What a network of another coding should give is what that coding's decoder turns into
// the box.
func TestPlusOneIsDecodedToTheBox(t *testing.T) {
	weights := [4]float32{10, 10, 5, 5}
	coder := box.Coder{PlusOne: true, Weights: box.Delta{Y: 10, X: 10, H: 5, W: 5}}
	b, base := box.Box{Y1: 3, X1: 5, Y2: 40, X2: 22}, box.Box{Y1: 1, X1: 8, Y2: 33, X2: 30}
	d := PlusOne(weights)(b, base)
	got := coder.Decode(box.Delta{Y: d[0], X: d[1], H: d[2], W: d[3]}, base)
	for _, pair := range [][2]float32{{b.Y1, got.Y1}, {b.X1, got.X1}, {b.Y2, got.Y2}, {b.X2, got.X2}} {
		require.InDelta(t, pair[0], pair[1], 1e-4)
	}
	require.NotEqual(t, d, Garden(weights)(b, base))
}
