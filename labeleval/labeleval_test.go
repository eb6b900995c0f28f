package labeleval

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

func count(t *testing.T, truth, predicted []uint32) *Overlaps {
	o, err := Count(truth, predicted)
	require.NoError(t, err)
	return o
}

func TestCount(t *testing.T) {
	o := count(t, []uint32{0, 4000000000, 4000000000, 7, 7, 7, 0}, []uint32{3, 3, 1, 0, 1, 1, 0})
	require.Equal(t, &Overlaps{
		True:      []Object{{7, 3}, {4000000000, 2}},
		Predicted: []Object{{1, 3}, {3, 2}},
		Pairs:     []Pair{{0, 0, 2}, {1, 0, 1}, {1, 1, 1}},
	}, o)
	_, err := Count(make([]uint32, 6), make([]uint32, 5))
	require.EqualError(t, err, "labeleval: maps of 6 and 5 pixels")
}

// Masks that are those of a map give the table of the map.
func TestCountMasks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		const h, w, n = 7, 9, 5
		maps := [2][]uint32{make([]uint32, h*w), make([]uint32, h*w)}
		var masks [2][]rle.Mask
		for k := range maps {
			for i := range maps[k] {
				maps[k][i] = uint32(rng.IntN(n))
			}
			for label := uint32(1); label < n+1; label++ { // the last one is empty
				bits := make([]byte, h*w)
				for i, v := range maps[k] {
					if v == label {
						bits[i] = 1
					}
				}
				masks[k] = append(masks[k], rle.FromBitmap(h, w, bits))
			}
		}
		require.Equal(t, count(t, maps[0], maps[1]), CountMasks(masks[0], masks[1]))
	}
}

// The assignment has the largest sum of all that there are.
func TestAssignAgainstAllAssignments(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		trues, predicted := 1+rng.IntN(5), 1+rng.IntN(5)
		var pairs []Pair
		var weight []float64
		for i := range trues {
			for j := range predicted {
				if rng.IntN(3) > 0 {
					pairs, weight = append(pairs, Pair{i, j, 1}), append(weight, float64(rng.IntN(8))/4)
				}
			}
		}
		var best func(from int, used []int) float64
		best = func(from int, used []int) float64 {
			if from == len(pairs) {
				return 0
			}
			sum := best(from+1, used)
			p := pairs[from]
			if !slices.Contains(used, p.True) && !slices.Contains(used, 100+p.Predicted) {
				sum = max(sum, weight[from]+best(from+1, append(slices.Clone(used), p.True, 100+p.Predicted)))
			}
			return sum
		}
		chosen := assign(pairs, weight, trues, predicted)
		sum, used := 0.0, map[int]bool{}
		for _, i := range chosen {
			sum += weight[i]
			require.False(t, used[pairs[i].True] || used[100+pairs[i].Predicted])
			used[pairs[i].True], used[100+pairs[i].Predicted] = true, true
		}
		require.InDelta(t, best(0, nil), sum, 1e-12)
		require.True(t, slices.IsSorted(chosen))
	}
}

// At a threshold below 0.5, two matches of a small IoU go before one of a large IoU.
func TestAsManyMatchesAsPossible(t *testing.T) {
	truth := []uint32{1, 1, 1, 1, 2, 2, 0}
	predicted := []uint32{4, 3, 3, 3, 3, 3, 3}
	o := count(t, truth, predicted)
	both := o.Match(IoU, 0.2) // not 3/7 alone
	require.Equal(t, 2, both.TP)
	require.InDelta(t, 1.0/4+2.0/6, both.Sum, 1e-15)
	require.Equal(t, Match{TP: 1, FP: 1, FN: 1, Sum: 3.0 / 7}, o.Match(IoU, 0.4))
}

// Masks of one side may overlap: each is matched once.
func TestOverlappingMasks(t *testing.T) {
	mask := func(from, to uint32) rle.Mask { return rle.Mask{H: 1, W: 12, Runs: []uint32{from, to - from, 12 - to}} }
	o := CountMasks([]rle.Mask{mask(0, 10)}, []rle.Mask{mask(0, 9), mask(1, 10), mask(0, 10)})
	require.Equal(t, Match{TP: 1, FP: 2, Sum: 1}, o.Match(IoU, 0.5))
	s := Score(o)
	require.InDelta(t, 1.0/3, s.DSB(), 1e-15)
}

// An IoU of exactly a threshold is enough for StarDist, and not for the Data Science Bowl.
func TestEqualityWithAThreshold(t *testing.T) {
	for i := range Thresholds {
		truth, predicted := make([]uint32, 20), make([]uint32, 20)
		for k := range truth {
			truth[k] = 1
			if k < 10+i {
				predicted[k] = 1
			}
		}
		s := Score(count(t, truth, predicted))
		require.Equal(t, []int{1, 0}, []int{s.At[i].TP, s.Above[i].TP}, Thresholds[i])
		require.InDelta(t, float64(i)/10, s.DSB(), 1e-15)
	}
}

func TestSplitsAndMerges(t *testing.T) {
	for _, c := range []struct {
		truth, predicted []uint32
		splits, merges   int
	}{
		{[]uint32{1, 1, 1, 1}, []uint32{1, 1, 2, 2}, 1, 0},
		{[]uint32{1, 1, 1, 1}, []uint32{1, 2, 0, 0}, 1, 0},                   // half is enough
		{[]uint32{1, 1, 1, 1, 1}, []uint32{1, 2, 0, 0, 0}, 0, 0},             // less is not
		{[]uint32{1, 1, 1, 1, 0}, []uint32{1, 1, 1, 2, 2}, 0, 0},             // 2 is half outside
		{[]uint32{1, 1, 1, 1, 0}, []uint32{1, 1, 2, 2, 2}, 1, 0},             // 2 is mostly inside
		{[]uint32{1, 1, 2, 2, 0}, []uint32{9, 9, 9, 9, 9}, 0, 1},             // two objects in one
		{[]uint32{1, 1, 2, 2, 0, 3, 3}, []uint32{9, 9, 9, 9, 0, 4, 5}, 1, 1}, // both
		{[]uint32{1, 1, 1, 1}, []uint32{0, 0, 0, 0}, 0, 0},
	} {
		s := Score(count(t, c.truth, c.predicted))
		require.Equal(t, []int{c.splits, c.merges}, []int{s.Splits, s.Merges}, "%v %v", c.truth, c.predicted)
		s = Score(count(t, c.predicted, c.truth))
		require.Equal(t, []int{c.merges, c.splits}, []int{s.Splits, s.Merges}, "%v %v", c.predicted, c.truth)
	}
}

// A prediction counts for each true object that it suits best, in the published index.
func TestAJI(t *testing.T) {
	s := Score(count(t, []uint32{1, 1, 2, 2, 2, 3, 0}, []uint32{8, 8, 8, 8, 8, 0, 5}))
	require.Equal(t, Fraction{2 + 3, 5 + 5 + 1 + 1}, s.AJI)
	require.Equal(t, Fraction{3, 7}, s.CellposeAJI)
}

func TestNothing(t *testing.T) {
	s := Score(count(t, make([]uint32, 4), make([]uint32, 4)))
	require.Equal(t, []float64{1, 1, 1}, []float64{s.DSB(), s.AJI.Value(), s.CellposeAJI.Value()})
	require.Equal(t, []float64{0, 0}, []float64{s.At[0].Accuracy(), s.At[0].Panoptic()})
	require.Zero(t, Mean(nil, (*Scores).DSB))
	for _, maps := range [][2][]uint32{{{1, 1}, {0, 0}}, {{0, 0}, {1, 1}}} {
		s := Score(count(t, maps[0], maps[1]))
		require.Equal(t, []float64{0, 0, 0}, []float64{s.DSB(), s.AJI.Value(), s.CellposeAJI.Value()})
	}
}

func TestPanopticErrors(t *testing.T) {
	im := func(predicted []uint32, segments ...Segment) *PanopticImage {
		return &PanopticImage{True: []uint32{0, 1}, Predicted: predicted, TrueSegments: []Segment{{1, 4, 1, false}}, PredictedSegments: segments}
	}
	for want, bad := range map[string]*PanopticImage{
		"labeleval: maps of 2 and 1 pixels":                                      im([]uint32{0}),
		"labeleval: predicted label 7 is in the map, but not among the segments": im([]uint32{0, 7}),
		"labeleval: 1 predicted segments, 0 labels in the map":                   im([]uint32{0, 0}, Segment{Label: 7, Category: 4}),
		"labeleval: predicted segment 7 is listed twice":                         im([]uint32{0, 7}, Segment{Label: 7, Category: 4}, Segment{Label: 7, Category: 4}),
		"labeleval: predicted segment 7 has the unknown category 5":              im([]uint32{0, 7}, Segment{Label: 7, Category: 5}),
	} {
		require.EqualError(t, NewPanoptic([]int64{4}).Add(bad), want)
	}
	require.NoError(t, NewPanoptic([]int64{4}).Add(im([]uint32{0, 7}, Segment{Label: 7, Category: 4})))
}

func TestPanopticCOCOErrors(t *testing.T) {
	const gt = `{"images":[{"id":1,"height":2,"width":2}],"categories":[{"id":1}],"annotations":[{"id":1,"image_id":1,"category_id":1,"iscrowd":0,"area":4,"bbox":[0,0,2,2],"segmentation":{"size":[2,2],"counts":[0,4]}}]}`
	d, err := coco.ParseDataset([]byte(gt), "gt.json", coco.Masks)
	require.NoError(t, err)
	for counts, want := range map[string]string{
		`{"size":[2,3],"counts":[0,6]}`: "segmentation: a mask of 2×3 pixels (height × width), the image has 2×2",
		`{"size":[2,2],"counts":[0,3]}`: "segmentation: rle: runs sum to 3, want 2×2 = 4",
	} {
		r, err := coco.ParseResults([]byte(`[{"image_id":1,"category_id":1,"score":0.9,"segmentation":`+counts+`}]`), "dt.json", coco.Masks)
		require.NoError(t, err)
		_, err = PanopticCOCO(d, r, 0.5)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "dt.json: byte")
	}

	read := func(gt, dt string) error {
		d, err := coco.ParseDataset([]byte(gt), "gt.json", coco.Masks)
		require.NoError(t, err)
		r, err := coco.ParseResults([]byte(dt), "dt.json", coco.Masks)
		require.NoError(t, err)
		_, err = PanopticCOCO(d, r, 0.5)
		return err
	}
	const boxes = `[{"image_id":1,"category_id":1,"score":0.9,"bbox":[0,0,2,2]}]`
	require.EqualError(t, read(gt, boxes), "labeleval: dt.json: no result has a mask, of which panoptic quality is made")
	require.EqualError(t, read(strings.Replace(gt, `{"size":[2,2],"counts":[0,4]}`, "[]", 1), `[]`), "labeleval: gt.json: no annotation has a mask, of which panoptic quality is made")
	require.NoError(t, read(gt, `[]`))
	require.ErrorContains(t, read(strings.Replace(gt, `"category_id":1`, `"category_id":3`, 1), `[]`), "annotations[0] (id 1): category_id: 3 is not a category of the data set")
}
