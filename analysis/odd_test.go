package analysis

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// files writes a data set of classes, with boxes of some of them, and results.
func files(classes int, annotations, results []string) (gt, dt string) {
	var c []string
	for k := range classes {
		c = append(c, fmt.Sprintf(`{"id": %d, "name": "c%d"}`, k+1, k+1))
	}
	gt = fmt.Sprintf(`{"images": [{"id": 7, "width": 100, "height": 100, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}], "categories": [%s], "annotations": [%s]}`,
		strings.Join(c, ","), strings.Join(annotations, ","))
	return gt, "[" + strings.Join(results, ",") + "]"
}

func annotation(id, class, crowd int, x float64) string {
	return fmt.Sprintf(`{"id": %d, "image_id": 7, "category_id": %d, "bbox": [%g, 0, 10, 10], "area": 100, "iscrowd": %d}`, id, class, x, crowd)
}

func result(class int, x, score float64) string {
	return fmt.Sprintf(`{"image_id": 7, "category_id": %d, "bbox": [%g, 0, 10, 10], "score": %g}`, class, x, score)
}

// everything makes all tables and sees that JSON can hold them.
func everything(t *testing.T, gt, dt string) *Analysis {
	p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
	p.MatchIoU = 0.5
	d, err := coco.ParseDataset([]byte(gt), "gt", p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.ParseResults([]byte(dt), "dt", p.IoU.Fields())
	require.NoError(t, err)
	a := New(outcomesOf(t, d, r, p))
	score := a.Score()
	for _, table := range []any{
		a.TIDE(), a.TIDECV(), a.Confusion(score, ClassFirst), a.Confusion(score, ScoreFirst), a.Confusion(score, IoUFirst),
		a.Thresholds(1), a.Thresholds(2), a.Calibration(10), a.Images(score),
	} {
		_, err := json.Marshal(table)
		require.NoError(t, err)
	}
	return a
}

func TestOddInputs(t *testing.T) {
	for name, x := range map[string]struct{ annotations, results []string }{
		"nothing":        {},
		"no results":     {annotations: []string{annotation(1, 1, 0, 0)}},
		"no annotations": {results: []string{result(1, 0, .9), result(2, 0, .1)}},
		"crowds only":    {[]string{annotation(1, 1, 1, 0)}, []string{result(1, 0, .9)}},
		"odd scores":     {[]string{annotation(1, 1, 0, 0)}, []string{result(1, 0, -3), result(1, 20, 7), strings.Replace(result(1, 40, 0), "score\": 0", "score\": NaN", 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			gt, dt := files(2, x.annotations, x.results)
			everything(t, gt, dt)
		})
	}
}

func TestNoResults(t *testing.T) {
	gt, dt := files(1, []string{annotation(1, 1, 0, 0)}, nil)
	a := everything(t, gt, dt)
	require.Equal(t, 0.5, a.Score())
	require.Equal(t, 1., a.TIDE().Errors[Miss].DeltaAP+a.TIDE().AP+1)
	require.Equal(t, 1, a.TIDE().Errors[Miss].Count)
	require.Nil(t, a.Thresholds(1).Micro)
	require.Equal(t, []ImageCounts{{0, int64(7), "a.jpg", 0, 0, 1}, {1, int64(8), "b.jpg", 0, 0, 0}}, a.Images(.5))
}

// A class of which nothing is found is named, whatever TIDE says: taking all that is missed away leaves its AP at 0.
func TestUnfoundClasses(t *testing.T) {
	gt, dt := files(4, []string{annotation(1, 1, 0, 0), annotation(2, 2, 0, 20), annotation(3, 3, 0, 40), annotation(4, 3, 0, 60), annotation(5, 4, 1, 80)},
		[]string{result(1, 0, .9), result(2, 20, .3), result(3, 80, .8)})
	a := everything(t, gt, dt)
	require.Equal(t, []ClassAnnotations{{Class{2, int64(3), "c3"}, 2}}, a.Unfound(.3))
	require.Equal(t, []ClassAnnotations{{Class{2, int64(3), "c3"}, 2}, {Class{1, int64(2), "c2"}, 1}}, a.Unfound(.31))
	require.Equal(t, ErrorEffect{"Miss", 2, 0}, a.TIDE().Errors[Miss])
	require.Zero(t, a.TIDE().FalseNegatives)
}

func TestManyClasses(t *testing.T) {
	const n = 1200
	var annotations, results []string
	for k := range n {
		annotations = append(annotations, annotation(k+1, k+1, 0, float64(20*k)))
		results = append(results, result(k+1, float64(20*k), 1/float64(k+2)), result((k+1)%n+1, float64(20*k), 0.9))
	}
	gt, dt := files(n, annotations, results)
	a := everything(t, gt, dt)
	require.Equal(t, n, a.TIDE().Errors[Cls].Count)
	c := a.Confusion(0.9, ClassFirst)
	require.Equal(t, n, c.Confused)
	require.Equal(t, [2]int{0, 0}, [2]int{c.Correct, c.Background})
}

// FROC counts all images; a class without annotations is listed.
func TestFROC(t *testing.T) {
	gt, dt := files(2, []string{annotation(1, 1, 0, 0), annotation(2, 1, 0, 50)}, []string{
		result(1, 0, .9), result(2, 80, .8), result(1, 50, .7), result(1, 30, .6), result(1, 65, .5),
	})
	p := everything(t, gt, dt).Thresholds(1)
	type point struct{ fp, recall, threshold float64 }
	var got []point
	for _, x := range p.FROC {
		got = append(got, point{x.FalsePositives, x.Recall, *x.Threshold})
	}
	require.Equal(t, []point{{.125, .5, .9}, {.25, .5, .9}, {.5, 1, .7}, {1, 1, .6}, {2, 1, .5}, {4, 1, .5}, {8, 1, .5}}, got)
	require.Equal(t, []ClassDetections{{Class{1, int64(2), "c2"}, 1}}, p.Unannotated)
	require.Equal(t, .9, p.Precision90.Threshold)
	require.Equal(t, .7, p.Micro.Threshold)
	require.Equal(t, [3]int{2, 1, 0}, [3]int{p.At(.65).TP, p.At(.65).FP, p.At(.65).FN})
}

// Ids that are strings come out as they are.
func TestNamedIDs(t *testing.T) {
	gt, dt := files(2, []string{annotation(1, 1, 0, 0)}, []string{result(2, 0, .9)})
	for from, to := range map[string]string{`"image_id": 7`: `"image_id": "x"`, `"id": 7`: `"id": "x"`, `"id": 8`: `"id": "y"`, `"category_id": 1`: `"category_id": "cat"`,
		`"category_id": 2`: `"category_id": "dog"`, `"id": 1, "name"`: `"id": "cat", "name"`, `"id": 2, "name"`: `"id": "dog", "name"`} {
		gt, dt = strings.ReplaceAll(gt, from, to), strings.ReplaceAll(dt, from, to)
	}
	a := everything(t, gt, dt)
	require.Equal(t, []ConfusionCell{{0, 1, "cat", "dog", 1}}, a.Confusion(.5, ClassFirst).Cells)
	require.Equal(t, "x", a.Images(.5)[0].ID)
}
