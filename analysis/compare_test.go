package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// evaluated is a pair of files in every form that the analysis reads.
type evaluated struct {
	d *coco.Dataset
	r *coco.Results
	e *cocoeval.Evaluation
	s *cocoeval.Resampler
	a *Analysis
}

func evaluate(t testing.TB, d *coco.Dataset, r *coco.Results, p cocoeval.Params) evaluated {
	t.Helper()
	p.MatchIoU = 0.5
	ev, err := cocoeval.New(d, p)
	require.NoError(t, err)
	require.NoError(t, ev.AddResults(r))
	e, err := ev.Evaluate()
	require.NoError(t, err)
	s, err := ev.Resampler()
	require.NoError(t, err)
	o, err := ev.Outcomes()
	require.NoError(t, err)
	return evaluated{d, r, e, s, New(o)}
}

// val2017 is the committed part of COCO with moved and confused detections.
func val2017(t testing.TB, p cocoeval.Params) evaluated {
	dir := filepath.Join("..", "cocoeval", "testdata", "val2017_162")
	d, err := coco.OpenDataset(filepath.Join(dir, "instances_val2017_subset.json.gz"), p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(filepath.Join(dir, "dt_jitter_seed20260722_bbox.json.gz"), p.IoU.Fields())
	require.NoError(t, err)
	return evaluate(t, d, r, p)
}

// own_*.json: pycocotools with areas replaced by the quantity.
func TestObjectSlices(t *testing.T) {
	quantities := map[string]cocoeval.Quantity{
		"aspect_w_over_h": cocoeval.AspectRatio, "relative_area_box_over_image": cocoeval.RelativeArea, "area_nano_micro": cocoeval.Area,
	}
	type slice struct {
		Range    [2]float64 `json:"range_closed"`
		N        int        `json:"n_gt"`
		AP, AP50 float64
		AR       float64 `json:"AR100"`
	}
	eachGolden(t, "own", func(t *testing.T, path, data string) {
		var x struct {
			golden
			Slices map[string][]slice
		}
		readJSON(t, path, &x)
		require.Len(t, x.Slices, len(quantities))
		var want []slice
		p := cocoeval.NewParams(x.kind(t), cocoeval.COCO)
		p.Areas = nil
		for name, list := range x.Slices {
			for i, s := range list {
				p.Areas = append(p.Areas, cocoeval.AreaRange{Label: fmt.Sprint(name, i), Min: s.Range[0], Max: s.Range[1], Of: quantities[name]})
				want = append(want, s)
			}
		}
		d, r := x.open(t, data)
		e, err := cocoeval.Evaluate(d, r, p)
		require.NoError(t, err)
		for i, got := range ObjectSlices(e) {
			require.Equal(t, want[i].N, got.Annotations, got.Name)
			require.InDeltaSlice(t, []float64{want[i].AP, want[i].AP50, want[i].AR}, []float64{got.AP, got.AP50, got.AR}, 1e-12, got.Name)
		}
	})
}

func TestRanges(t *testing.T) {
	ranges, err := Ranges(cocoeval.AspectRatio, []float64{.75, 1.33})
	require.NoError(t, err)
	require.Equal(t, []cocoeval.AreaRange{
		{Label: "aspect_ratio <=0.75", Max: .75, Of: cocoeval.AspectRatio}, {Label: "aspect_ratio 0.75-1.33", Min: .75, Max: 1.33, Of: cocoeval.AspectRatio},
		{Label: "aspect_ratio >=1.33", Min: 1.33, Max: 1e10, Of: cocoeval.AspectRatio},
	}, ranges)
	for _, cuts := range [][]float64{{2, 1}, {0}, {-1}, {math.NaN()}, {1e11}} {
		_, err := Ranges(cocoeval.Area, cuts)
		require.Error(t, err, cuts)
	}
	d := &coco.Dataset{}
	for _, area := range []float64{40, 10, 30, 20} {
		d.Append(&coco.Entry{Has: coco.HasArea})
		d.Area = append(d.Area, area)
	}
	cuts, err := AreaPercentiles(d, []float64{25, 50}) // numpy.percentile([10, 20, 30, 40], [25, 50])
	require.NoError(t, err)
	require.Equal(t, []float64{17.5, 25}, cuts)
	_, err = AreaPercentiles(d, []float64{100})
	require.Error(t, err)
	_, err = AreaPercentiles(&coco.Dataset{}, []float64{50})
	require.Error(t, err)
}

// A slice by image is the evaluation of those images alone.
func TestImageSlicesAreEvaluationsOfTheirImages(t *testing.T) {
	x := val2017(t, cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO))
	groups := x.a.ByCrowding()
	values := make([]string, len(x.d.Images))
	for i := range values {
		values[i] = []string{"9", "10", "x"}[i%3]
	}
	fields, err := x.a.ByField("camera", values)
	require.NoError(t, err)
	require.Equal(t, []string{"camera=9", "camera=10", "camera=x"}, []string{fields[0].Name, fields[1].Name, fields[2].Name})
	listed, err := x.a.ReadGroup("ids", strings.NewReader("802\n 139 \n\n139\n"))
	require.NoError(t, err)
	require.Equal(t, Group{"ids", []int32{0, 1}}, listed)
	groups = append(append(groups, fields...), listed)
	n := 0
	for i, s := range ImageSlices(x.s, groups) {
		p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
		for _, image := range groups[i].Images {
			p.ImageIDs = append(p.ImageIDs, x.s.ImageIDs()[image])
		}
		n += s.Images
		e, err := cocoeval.Evaluate(x.d, x.r, p)
		require.NoError(t, err)
		for j, want := range e.Stats() {
			require.Equal(t, want.Name, s.Stats[j].Name)
			require.InDelta(t, want.Value, s.Stats[j].Value, 1e-12)
		}
	}
	require.Equal(t, 2*len(x.d.Images)+2, n)

	_, err = x.a.ReadGroup("ids", strings.NewReader("139\n7\n"))
	require.ErrorContains(t, err, "ids:2")
	_, err = x.a.ReadGroup("ids", strings.NewReader("\n"))
	require.Error(t, err)
	_, err = x.a.ByField("camera", values[1:])
	require.Error(t, err)
	_, err = x.a.ByField("camera", make([]string, len(values)))
	require.Error(t, err)
}

// without returns results without those that drop names.
func without(r *coco.Results, drop func(i int) bool) *coco.Results {
	out := &coco.Results{File: r.File}
	for i := range r.Len() {
		if e := r.Entry(i); !drop(i) {
			out.Append(&e)
		}
	}
	return out
}

func TestBootstrap(t *testing.T) {
	p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
	a := val2017(t, p)
	b := evaluate(t, a.d, without(a.r, func(i int) bool { return i%3 == 0 }), p)
	var first []byte
	for _, threads := range []int{1, 2, 5} {
		before := runtime.GOMAXPROCS(threads)
		got, err := Compare(a.s, b.s, 60, 7, .9)
		runtime.GOMAXPROCS(before)
		require.NoError(t, err)
		text, err := json.Marshal(got)
		require.NoError(t, err)
		if first == nil {
			first = text
		}
		require.Equal(t, string(first), string(text), "the same bytes for any number of threads")
	}
	got, err := Compare(a.s, b.s, 60, 7, .9)
	require.NoError(t, err)
	for i, s := range got.Stats {
		require.Equal(t, a.e.Stats()[i].Name, s.Name)
		require.InDelta(t, a.e.Stats()[i].Value, s.A, 1e-12)
		require.InDelta(t, b.e.Stats()[i].Value, s.B, 1e-12)
		require.LessOrEqual(t, s.Low, s.High)
		require.Equal(t, 60, s.Resamples)
	}
	require.Negative(t, got.Stats[0].High, "a model that lacks a third of the detections is worse, surely")
	require.Zero(t, got.Stats[0].P)
	less := 0
	for k, c := range got.Classes {
		require.InDelta(t, a.e.ClassStats(k)[0].Value, c.A, 1e-12)
		if c.Resamples < 60 {
			less++ // rare classes are not in every resample
		}
	}
	require.Positive(t, less)

	same, err := Compare(a.s, a.s, 10, 1, .95)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0, 0, 1}, []float64{same.Stats[0].Delta, same.Stats[0].Low, same.Stats[0].High, same.Stats[0].P})
	p.ImageIDs = a.s.ImageIDs()[1:]
	_, err = Compare(a.s, evaluate(t, a.d, a.r, p).s, 10, 1, .95)
	require.ErrorContains(t, err, "different images")
	for _, n := range []int{0, -1, 1 << 40} {
		_, err = Compare(a.s, a.s, n, 1, .95)
		require.Error(t, err)
	}
	_, err = Compare(a.s, a.s, 10, 1, 1)
	require.Error(t, err)
}

func TestQuantileAndBinomial(t *testing.T) {
	// numpy.quantile([1, 2, 4, 8], [0, .1, .5, .95, 1])
	for i, q := range []float64{0, .1, .5, .95, 1} {
		require.InDelta(t, []float64{1, 1.3, 3, 7.4, 8}[i], quantile([]float64{1, 2, 4, 8}, q), 1e-14)
	}
	// By hand: 2·(1+10)/2^10, 2·(1+8+28)/2^8; an even split says nothing.
	require.Equal(t, 22.0/1024, binomialP(1, 10))
	require.Equal(t, 74.0/256, binomialP(2, 8))
	require.Equal(t, 1.0, binomialP(4, 8))
	require.Equal(t, 1.0, binomialP(0, 0))
	require.Zero(t, binomialP(0, 10000)) // 2^-9999: no overflow on the way
}

// errorTables are golden as cocoeval's curves; here the means.
func TestErrorTable(t *testing.T) {
	eachGolden(t, "coco_error_analysis", func(t *testing.T, path, data string) {
		var x struct {
			golden
			Types []string
			Plots map[string]struct{ Mean map[string]map[string]float64 }
		}
		readJSON(t, path, &x)
		p := cocoeval.NewParams(x.kind(t), cocoeval.COCO)
		d, err := coco.OpenDataset(filepath.Join(data, x.GT), p.IoU.Fields())
		require.NoError(t, err)
		r, err := coco.OpenResults(filepath.Join(data, x.DT), p.IoU.Fields())
		require.NoError(t, err)
		curves, err := cocoeval.NewErrorCurves(d, r, p)
		require.NoError(t, err)
		mmdet, usual := NewErrorTable(curves, true), NewErrorTable(curves, false)
		e, err := cocoeval.Evaluate(d, r, p)
		require.NoError(t, err)
		for i, kind := range mmdet.Kinds {
			for a, area := range []string{"allarea", "small", "medium", "large"} {
				require.InDelta(t, x.Plots["allclass"].Mean[kind][area], mmdet.All[i][a], 1e-12)
			}
		}
		require.InDelta(t, e.Stats()[2].Value, usual.All[0][0], 1e-12, "AP75")
		require.InDelta(t, e.Stats()[1].Value, usual.All[1][0], 1e-12, "AP50")
	})
}

const flipTruth = `{
	"images": [{"id": 1, "width": 100, "height": 100, "file_name": "a.png"}, {"id": 2, "width": 100, "height": 100}],
	"categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "dog"}],
	"annotations": [
		{"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
		{"id": 2, "image_id": 1, "category_id": 5, "bbox": [60, 60, 20, 20], "area": 400, "iscrowd": 0},
		{"id": 3, "image_id": 2, "category_id": 3, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
		{"id": 4, "image_id": 2, "category_id": 3, "bbox": [10, 10, 21, 20], "area": 420, "iscrowd": 0},
		{"id": 5, "image_id": 2, "category_id": 3, "bbox": [90, 90, 30, 20], "area": 600, "iscrowd": 0},
		{"id": 6, "image_id": 2, "category_id": 5, "bbox": [50, 50, 0, 20], "area": 0, "iscrowd": 0},
		{"id": 7, "image_id": 2, "category_id": 5, "bbox": [60, 10, 20, 20], "area": 400, "iscrowd": 0}
	]}`

func small(t testing.TB, results string) evaluated {
	d, err := coco.ParseDataset([]byte(flipTruth), "gt.json", coco.Boxes)
	require.NoError(t, err)
	r, err := coco.ParseResults([]byte(results), "dt.json", coco.Boxes)
	require.NoError(t, err)
	return evaluate(t, d, r, cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO))
}

const modelA = `[
	{"image_id": 1, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.9},
	{"image_id": 1, "category_id": 5, "bbox": [0, 80, 10, 10], "score": 0.8},
	{"image_id": 2, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.4}]`

const modelB = `[
	{"image_id": 1, "category_id": 5, "bbox": [60, 60, 20, 28], "score": 0.95},
	{"image_id": 1, "category_id": 5, "bbox": [0, 80, 10, 9], "score": 0.8},
	{"image_id": 1, "category_id": 3, "bbox": [0, 80, 10, 9], "score": 0.75},
	{"image_id": 2, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.6},
	{"image_id": 2, "category_id": 3, "bbox": [60, 10, 20, 20], "score": 0.7}]`

func TestFlips(t *testing.T) {
	a, b := small(t, modelA), small(t, modelB)
	f, err := CompareOutcomes(a.a, b.a, .5, .5)
	require.NoError(t, err)
	ids := func(list []Found) (ids []any) {
		for _, x := range list {
			ids = append(ids, x.Annotation)
		}
		return ids
	}
	require.Equal(t, []any{int64(1)}, ids(f.FoundByA))
	require.Equal(t, []any{int64(2), int64(3)}, ids(f.FoundByB))
	require.Equal(t, "a.png", f.FoundByA[0].File)
	require.InDelta(t, 400.0/560, f.FoundByB[0].IoU, 1e-15)
	require.Len(t, f.Wrong, 2, "the dog in the corner is A's false positive too")
	require.Equal(t, "cat", f.Wrong[0].Class.Name)
	require.Equal(t, .75, f.Wrong[0].Score)
	require.Equal(t, .7, f.Wrong[1].Score)
	// Image 1: A has one wrong and misses the dog; B has two wrong and misses the cat. Image 2: A misses five, B four, one wrong.
	require.Equal(t, SignTest{BetterA: 1, Equal: 1, P: 1}, f.Images)

	other := evaluate(t, a.d, a.r, func() cocoeval.Params {
		p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
		p.CategoryIDs = []int64{3}
		return p
	}())
	_, err = CompareOutcomes(a.a, other.a, .5, .5)
	require.Error(t, err)
}

func TestSuspects(t *testing.T) {
	b := small(t, modelB)
	list, err := b.a.Suspects()
	require.NoError(t, err)
	var got []string
	for _, s := range list {
		got = append(got, fmt.Sprintf("%s %v %s %.3f", s.Kind, s.Annotation, s.Class.Name, s.Rank))
	}
	require.Equal(t, []string{
		"empty 6 dog 1.000",
		"outside 5 cat 1.000",
		"double 3 cat 0.952", // 400/420
		"missing <nil> dog 0.800",
		"missing <nil> cat 0.750",
		"wrong_class 7 cat 0.700",
		"ghost 1 cat 0.000",
		"ghost 5 cat 0.000",
		"ghost 6 dog 0.000",
	}, got) // the dog of image 1 has an IoU of 0.714, which is not loose
	require.Equal(t, int64(4), list[2].Twin)
	require.Equal(t, "dog", list[5].Labelled.Name)

	loose := small(t, strings.Replace(modelB, "[60, 60, 20, 28]", "[60, 60, 20, 29]", 1))
	list, err = loose.a.Suspects()
	require.NoError(t, err)
	i := slices.IndexFunc(list, func(s Suspect) bool { return s.Kind == LooseBox })
	require.InDelta(t, .95*400/580, list[i].Rank, 1e-15)

	var file bytes.Buffer
	require.NoError(t, loose.a.WriteSuspects(&file, list, loose.r))
	d, err := coco.ParseDataset(file.Bytes(), "suspects", coco.AllFields)
	require.NoError(t, err)
	require.Equal(t, len(list), d.Len())
	require.Len(t, d.Images, 2)
	var raw struct {
		Annotations []struct{ Suspect map[string]any }
	}
	require.NoError(t, json.Unmarshal(file.Bytes(), &raw))
	for i := range list {
		require.Equal(t, string(list[i].Kind), raw.Annotations[i].Suspect["kind"])
		require.Equal(t, list[i].Class.ID, d.CategoryID[i])
		require.Equal(t, list[i].Box, d.Box[i])
	}
}

func TestAgree(t *testing.T) {
	a, b := small(t, modelA), small(t, modelB)
	inA, err := a.a.Suspects()
	require.NoError(t, err)
	inB, err := b.a.Suspects()
	require.NoError(t, err)
	names := func(list []Suspect) (names []string) {
		for _, s := range list {
			names = append(names, fmt.Sprintf("%s %v %s %d", s.Kind, s.Annotation, s.Class.Name, s.Models))
		}
		return names
	}
	require.Equal(t, []string{
		"empty 6 dog 2", "outside 5 cat 2", "double 3 cat 2", "missing <nil> dog 2", "ghost 5 cat 2", "ghost 6 dog 2",
	}, names(Agree([][]Suspect{inA, inB}, 2, .5)))
	require.Len(t, Agree([][]Suspect{inA, inB}, 1, .5), len(inA)+len(inB)-6)
	require.Equal(t, names(inB), names(Agree([][]Suspect{inB}, 1, .5)))
}

// What is written is JSON also where files hold what is odd.
func TestComparisonsOfOddPairs(t *testing.T) {
	dir := filepath.Join("..", "cocoeval", "testdata", "odd_inputs")
	files, err := filepath.Glob(filepath.Join(dir, "*.gt.json"))
	require.NoError(t, err)
	n := 0
	for _, gt := range files {
		d, err := coco.OpenDataset(gt, coco.Boxes)
		if err != nil {
			continue
		}
		dt, err := os.ReadFile(strings.TrimSuffix(gt, ".gt.json") + ".dt.json")
		require.NoError(t, err)
		r, err := coco.ParseResults(dt, "dt", coco.Boxes)
		if err != nil {
			continue
		}
		for _, mode := range []cocoeval.Mode{cocoeval.Strict, cocoeval.Corrected} {
			p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
			p.Mode, p.MatchIoU = mode, .5
			ev, err := cocoeval.New(d, p)
			if err != nil || ev.AddResults(r) != nil {
				continue
			}
			n++
			o, err := ev.Outcomes()
			require.NoError(t, err)
			s, err := ev.Resampler()
			require.NoError(t, err)
			a := New(o)
			suspects, err := a.Suspects()
			require.NoError(t, err, gt)
			flips, err := CompareOutcomes(a, a, 0, 0)
			require.NoError(t, err)
			require.Empty(t, flips.FoundByA)
			bootstrap, err := Compare(s, s, 3, 1, .95)
			require.NoError(t, err)
			text, err := json.Marshal([]any{suspects, flips, bootstrap, ImageSlices(s, a.ByCrowding())})
			require.NoError(t, err, gt)
			require.True(t, json.Valid(text))
		}
	}
	require.Greater(t, n, 30)
}
