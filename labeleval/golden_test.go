package labeleval

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// read decodes a file of JSON, which may be packed by gzip.
func read(t testing.TB, path string, v any) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		b, err = io.ReadAll(z)
		require.NoError(t, err)
	}
	require.NoError(t, json.Unmarshal(b, v))
}

// stardist is what stardist's matching gives.
type stardist struct {
	TP               int     `json:"tp"`
	FP               int     `json:"fp"`
	FN               int     `json:"fn"`
	True             int     `json:"n_true"`
	Predicted        int     `json:"n_pred"`
	Precision        float64 `json:"precision"`
	Recall           float64 `json:"recall"`
	Accuracy         float64 `json:"accuracy"`
	F1               float64 `json:"f1"`
	MeanTrueScore    float64 `json:"mean_true_score"`
	MeanMatchedScore float64 `json:"mean_matched_score"`
	PanopticQuality  float64 `json:"panoptic_quality"`
}

// numbers are those of a match in the order of stardist's fields.
var numbers = []func(Match) float64{Match.Precision, Match.Recall, Match.Accuracy, Match.F1, Match.MeanTrue, Match.MeanMatched, Match.Panoptic}

func (s *stardist) numbers() []float64 {
	return []float64{s.Precision, s.Recall, s.Accuracy, s.F1, s.MeanTrueScore, s.MeanMatchedScore, s.PanopticQuality}
}

// check compares; stardist computes scores in float32.
func (s *stardist) check(t *testing.T, m Match, where string) {
	require.Equal(t, []int{s.TP, s.FP, s.FN, s.True, s.Predicted}, []int{m.TP, m.FP, m.FN, m.TP + m.FN, m.TP + m.FP}, where)
	for k, want := range s.numbers() {
		require.InDelta(t, want, numbers[k](m), 1e-6, "%s: number %d", where, k)
	}
}

type labelCases struct {
	Cases []struct {
		Name       string
		True, Pred []uint32
		Expected   struct {
			IoU      map[string]*stardist `json:"stardist_iou"`
			IoT      map[string]*stardist `json:"stardist_iot"`
			IoP      map[string]*stardist `json:"stardist_iop"`
			Cellpose struct {
				TP, FP, FN []float64
				AP         []*float64
				AJI        *float64
			}
			DSB struct {
				PerThreshold []float64 `json:"per_threshold"`
				Score        float64
			} `json:"dsb2018_own_code"`
		}
	}
	All struct {
		Pooled  map[string]*stardist `json:"by_image_false"`
		ByImage map[string]*stardist `json:"by_image_true"`
	} `json:"matching_dataset_of_all_cases_in_order"`
}

func TestLabelImagesOfTheOriginals(t *testing.T) {
	checkLabelCases(t, "testdata/label_cases.json.gz")
}

func TestSharedLabelImagesOfTheOriginals(t *testing.T) {
	checkLabelCases(t, testutil.Shared(t, "cocoeval", "analytics", "label_cases.json"))
}

func checkLabelCases(t *testing.T, path string) {
	var f labelCases
	read(t, path, &f)
	require.NotEmpty(t, f.Cases)
	var images []Scores
	var pooled Scores
	for _, c := range f.Cases {
		o, err := Count(c.True, c.Pred)
		require.NoError(t, err)
		s := Score(o)
		images = append(images, s)
		pooled.Add(&s)

		require.Len(t, c.Expected.IoU, len(Thresholds))
		for i, threshold := range Thresholds {
			c.Expected.IoU[strconv.FormatFloat(threshold, 'g', -1, 64)].check(t, s.At[i], c.Name)
		}
		for criterion, all := range map[Criterion]map[string]*stardist{IoT: c.Expected.IoT, IoP: c.Expected.IoP} {
			for text, want := range all {
				threshold, err := strconv.ParseFloat(text, 64)
				require.NoError(t, err)
				want.check(t, o.Match(criterion, threshold), c.Name)
			}
		}

		// Cellpose counts one object too few in a map without background, and finds
		// nothing if it believes that nothing was predicted.
		cellpose, nTrue, nPredicted := c.Expected.Cellpose, s.True, s.Predicted
		exact := true
		for n, labels := range map[*int][]uint32{&nTrue: c.True, &nPredicted: c.Pred} {
			if !slices.Contains(labels, 0) {
				*n--
				exact = false
			}
		}
		for i := range Thresholds {
			tp := s.At[i].TP
			if nPredicted <= 0 {
				tp = 0
			}
			require.Equal(t, []float64{float64(tp), float64(nPredicted - tp), float64(nTrue - tp)},
				[]float64{cellpose.TP[i], cellpose.FP[i], cellpose.FN[i]}, c.Name)
			if exact && cellpose.AP[i] != nil { // NaN where there is nothing
				require.InDelta(t, *cellpose.AP[i], s.At[i].Accuracy(), 1e-6, c.Name)
			} else if exact {
				require.Zero(t, s.True+s.Predicted)
			}
		}
		if cellpose.AJI != nil {
			require.InDelta(t, *cellpose.AJI, s.CellposeAJI.Value(), 1e-12, c.Name)
		} else {
			require.Equal(t, 1.0, s.CellposeAJI.Value(), c.Name)
		}

		require.InDelta(t, c.Expected.DSB.Score, s.DSB(), 1e-12, c.Name)
		for i, want := range c.Expected.DSB.PerThreshold {
			require.InDelta(t, want, s.DSBAt(i), 1e-12, c.Name)
		}
	}
	for i, threshold := range Thresholds {
		text := strconv.FormatFloat(threshold, 'g', -1, 64)
		f.All.Pooled[text].check(t, pooled.At[i], "pooled")
		for k, want := range f.All.ByImage[text].numbers() {
			got := Mean(images, func(s *Scores) float64 { return numbers[k](s.At[i]) })
			require.InDelta(t, want, got, 1e-6, "by image: number %d", k)
		}
	}
}

type qualities struct {
	PerCategory map[int64]struct {
		Sum        float64 `json:"iou_sum"`
		TP, FP, FN int
	} `json:"per_cat"`
	PerClass           map[int64]struct{ PQ, SQ, RQ float64 } `json:"per_class"`
	All, Things, Stuff json.RawMessage
}

// check compares with what panopticapi gives; isThing says which categories are things.
func (want *qualities) check(t *testing.T, q *Panoptic, isThing map[int64]bool, where string) {
	for id, w := range want.PerCategory {
		m := q.Of(id)
		require.Equal(t, []int{w.TP, w.FP, w.FN}, []int{m.TP, m.FP, m.FN}, "%s: category %d", where, id)
		require.InDelta(t, w.Sum, m.Sum, 1e-12*max(1, w.Sum), "%s: category %d", where, id)
	}
	for id, w := range want.PerClass {
		m := q.Of(id)
		for k, pair := range [][2]float64{{w.PQ, m.Panoptic()}, {w.SQ, m.MeanMatched()}, {w.RQ, m.F1()}} {
			require.InDelta(t, pair[0], pair[1], 1e-12, "%s: category %d, number %d", where, id, k)
		}
	}
	for name, part := range map[string]json.RawMessage{"All": want.All, "Things": want.Things, "Stuff": want.Stuff} {
		var ids []int64
		for _, id := range q.Categories {
			if name == "All" || isThing[id] == (name == "Things") {
				ids = append(ids, id)
			}
		}
		pq, sq, rq, n := q.Mean(ids)
		if part[0] == '"' { // ZeroDivisionError
			require.Zero(t, n, "%s: %s", where, name)
			continue
		}
		var w struct{ PQ, SQ, RQ, N float64 }
		require.NoError(t, json.Unmarshal(part, &w))
		require.InDeltaSlice(t, []float64{w.PQ, w.SQ, w.RQ, w.N}, []float64{pq, sq, rq, float64(n)}, 1e-12, "%s: %s", where, name)
	}
}

func TestPanopticQualityOfMaps(t *testing.T) { checkMaps(t, "testdata/pq_cases.json.gz") }

func TestSharedPanopticQualityOfMaps(t *testing.T) {
	checkMaps(t, testutil.Shared(t, "cocoeval", "analytics", "pq_cases.json"))
}

func checkMaps(t *testing.T, path string) {
	type segment struct {
		ID       uint32
		Category int64 `json:"category_id"`
		Area     uint64
		Crowd    int `json:"iscrowd"`
	}
	var f struct {
		Categories []struct {
			ID      int64
			IsThing int
		}
		Cases []struct {
			Name          string
			True          []uint32  `json:"gt_map"`
			Predicted     []uint32  `json:"pred_map"`
			TrueSegs      []segment `json:"gt_segments"`
			PredictedSegs []segment `json:"pred_segments"`
			Expected      qualities
		}
		Whole qualities `json:"whole_set"`
	}
	read(t, path, &f)
	require.NotEmpty(t, f.Cases)
	var ids []int64
	isThing := map[int64]bool{}
	for _, c := range f.Categories {
		ids, isThing[c.ID] = append(ids, c.ID), c.IsThing == 1
	}
	all := NewPanoptic(ids)
	for _, c := range f.Cases {
		im := &PanopticImage{True: c.True, Predicted: c.Predicted}
		for _, s := range c.TrueSegs {
			im.TrueSegments = append(im.TrueSegments, Segment{s.ID, s.Category, s.Area, s.Crowd == 1})
		}
		for _, s := range c.PredictedSegs {
			im.PredictedSegments = append(im.PredictedSegments, Segment{Label: s.ID, Category: s.Category})
		}
		one := NewPanoptic(ids)
		require.NoError(t, one.Add(im), c.Name)
		require.NoError(t, all.Add(im), c.Name)
		c.Expected.check(t, one, isThing, c.Name)
	}
	f.Whole.check(t, all, isThing, "the whole set")
}

func TestPanopticQualityOfCOCO(t *testing.T) {
	folder := "../cocoeval/testdata/val2014_100/"
	checkPainted(t, "testdata/pq_segm_val2014_100.json.gz", folder+"instances_val2014_100.json.gz", folder+"instances_val2014_fakesegm100_results.json.gz")
}

func TestSharedPanopticQualityOfCOCO(t *testing.T) {
	folder := testutil.Shared(t, "cocoeval")
	files, err := filepath.Glob(filepath.Join(folder, "analytics", "*", "pq_*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		var f struct{ GT, DT string }
		read(t, file, &f)
		checkPainted(t, file, filepath.Join(folder, f.GT), filepath.Join(folder, f.DT))
	}
}

func checkPainted(t *testing.T, expected, gt, dt string) {
	d, err := coco.OpenDataset(gt, coco.Masks)
	require.NoError(t, err)
	r, err := coco.OpenResults(dt, coco.Masks)
	require.NoError(t, err)
	q, err := PanopticCOCO(d, r, 0.5)
	require.NoError(t, err)
	var want qualities
	read(t, expected, &want)
	isThing := map[int64]bool{}
	for _, id := range q.Categories {
		isThing[id] = true
	}
	want.check(t, q, isThing, expected)
}
