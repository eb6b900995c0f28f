package analysis

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// shared returns the folder of the larger golden data, or "" where there is none.
func shared() string {
	dir := os.Getenv("SPINEMASK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	dir = filepath.Join(dir, "cocoeval")
	if _, err := os.Stat(filepath.Join(dir, "analytics")); err != nil {
		return ""
	}
	return dir
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into), path)
}

// golden is what all golden files hold: what they were made of.
type golden struct {
	GT, DT string
	IoU    string
	Mode   string
	Loader string
	ID0    string `json:"gt_id_0"`
}

// eachGolden calls f for each file NAME_bbox.json and NAME_segm.json, with the folder of the data that it is about.
func eachGolden(t *testing.T, name string, f func(t *testing.T, path, data string)) {
	folders := map[string]string{"testdata": filepath.Join("..", "cocoeval", "testdata")}
	if dir := shared(); dir != "" {
		folders[filepath.Join(dir, "analytics")] = dir
	}
	for golden, data := range folders {
		for _, kind := range []string{"bbox", "segm"} {
			paths, err := filepath.Glob(filepath.Join(golden, "*", name+"_"+kind+".json"))
			require.NoError(t, err)
			for _, path := range paths {
				t.Run(filepath.Base(golden)+"/"+filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) { f(t, path, data) })
			}
		}
	}
}

// kind returns the kind of comparison that a golden file was made with.
func (g *golden) kind(t *testing.T) cocoeval.IoUType {
	kind, err := cocoeval.ParseIoUType(map[string]string{"": g.IoU, "bbox": "bbox", "mask": "segm", "segm": "segm"}[g.Mode])
	require.NoError(t, err)
	return kind
}

// outcomes evaluates the pair that a golden file was made of.
func (g *golden) outcomes(t *testing.T, data string, change func(p *cocoeval.Params)) *cocoeval.Outcomes {
	t.Helper()
	p := cocoeval.NewParams(g.kind(t), cocoeval.COCO)
	p.MatchIoU = 0.5
	if change != nil {
		change(&p)
	}
	d, r := g.open(t, data)
	return outcomesOf(t, d, r, p)
}

// open reads the pair that a golden file was made of.
func (g *golden) open(t *testing.T, data string) (*coco.Dataset, *coco.Results) {
	t.Helper()
	kind := g.kind(t)
	open := func(name string) string {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			name += ".gz"
		}
		return filepath.Join(data, name)
	}
	d, err := coco.OpenDataset(open(g.GT), kind.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(open(g.DT), kind.Fields())
	require.NoError(t, err)
	if kind == cocoeval.Segm { // the generators drop the boxes of results with masks
		for i := range r.Has {
			if r.Mask[i].Kind != coco.NoMask {
				r.Has[i] &^= coco.HasBox | coco.EmptyBox | coco.NullBox
			}
		}
	}
	return d, r
}

func outcomesOf(t testing.TB, d *coco.Dataset, r *coco.Results, p cocoeval.Params) *cocoeval.Outcomes {
	t.Helper()
	e, err := cocoeval.New(d, p)
	require.NoError(t, err)
	require.NoError(t, e.AddResults(r))
	o, err := e.Outcomes()
	require.NoError(t, err)
	return o
}

func corrected(p *cocoeval.Params) { p.Mode = cocoeval.Corrected }

// goldenTIDE is a file of TIDE by COCO's matching.
type goldenTIDE struct {
	golden
	AP       float64
	Classes  int
	Counts   map[string]int
	DAP      map[string]float64 `json:"dAP_signed"`
	FP, FN   float64
	Dets     string `json:"dt_status"`
	GTs      string `json:"gt_status"`
	PerClass map[string]struct {
		N   int `json:"n_gt"`
		AP  float64
		DAP map[string]float64 `json:"dAP"`
	} `json:"per_class"`
}

func (x *goldenTIDE) check(t *testing.T, got *TIDE) {
	t.Helper()
	require.Equal(t, x.Dets, got.Detections)
	require.Equal(t, x.GTs, got.Annotations)
	require.InDelta(t, x.AP, got.AP, 1e-12)
	for e := range ErrorTypes {
		require.Equal(t, x.Counts[e.String()], got.Errors[e].Count, e.String())
		require.InDelta(t, x.DAP[e.String()], got.Errors[e].DeltaAP, 1e-12, e.String())
	}
	require.InDelta(t, x.FP, got.FalsePositives, 1e-12, "FP")
	require.InDelta(t, x.FN, got.FalseNegatives, 1e-12, "FN")
	for _, c := range got.PerClass {
		if x.PerClass == nil {
			break
		}
		want, ok := x.PerClass[fmt.Sprint(c.ID)]
		require.True(t, ok, c.ID)
		require.Equal(t, want.N, c.Annotations)
		require.InDelta(t, want.AP, c.AP, 1e-12)
		for e := range ErrorTypes {
			require.InDelta(t, want.DAP[e.String()], c.Errors[e].DeltaAP, 1e-12)
		}
	}
}

func TestTIDE(t *testing.T) {
	eachGolden(t, "tide_coco", func(t *testing.T, path, data string) {
		var x goldenTIDE
		readJSON(t, path, &x)
		got := New(x.outcomes(t, data, corrected)).TIDE()
		x.check(t, got)
		require.Equal(t, x.Classes, got.Classes)
		require.Len(t, got.PerClass, len(x.PerClass))
	})
}

// goldenTIDECV is a file of tidecv, in hundredths.
type goldenTIDECV struct {
	golden
	AP       float64
	Classes  int `json:"classes_averaged"`
	Counts   map[string]int
	Main     map[string]float64 `json:"main_dAP"`
	Special  map[string]float64 `json:"special_dAP"`
	Dets     string             `json:"dt_status"`
	GTs      string             `json:"gt_status"`
	Error    string
	PerClass map[string]struct {
		N      int `json:"n_gt"`
		AP     float64
		Counts map[string]int
		DAP    map[string]float64 `json:"dAP"`
	} `json:"per_class"`
}

func (x *goldenTIDECV) check(t *testing.T, got *TIDE) {
	t.Helper()
	require.Equal(t, x.Dets, got.Detections)
	regions := strings.Repeat("X", max(0, len(x.GTs)-len(got.Annotations))) // the loader of LVIS adds regions where nobody looked
	require.Equal(t, x.GTs, got.Annotations+regions)
	require.InDelta(t, x.AP, got.AP*100, 1e-9)
	require.Equal(t, x.Classes, got.Classes)
	for e := range ErrorTypes {
		require.Equal(t, x.Counts[e.String()], got.Errors[e].Count, e.String())
		require.InDelta(t, x.Main[e.String()], got.Errors[e].DeltaAP*100, 1e-9, e.String())
	}
	require.InDelta(t, x.Special["FalsePos"], got.FalsePositives*100, 1e-9, "FP")
	require.InDelta(t, x.Special["FalseNeg"], got.FalseNegatives*100, 1e-9, "FN")
	for _, c := range got.PerClass {
		if x.PerClass == nil {
			break
		}
		want, ok := x.PerClass[fmt.Sprint(c.ID)]
		require.True(t, ok, c.ID)
		require.Equal(t, want.N, c.Annotations)
		require.InDelta(t, want.AP, c.AP*100, 1e-9)
		for e := range ErrorTypes {
			require.Equal(t, want.Counts[e.String()], c.Errors[e].Count, e.String())
			require.InDelta(t, want.DAP[e.String()], c.Errors[e].DeltaAP*100, 1e-9, "%v %v", c.ID, e)
		}
	}
}

func TestTIDECV(t *testing.T) {
	for _, name := range []string{"tide", "tide_lvis"} {
		eachGolden(t, name, func(t *testing.T, path, data string) {
			var x goldenTIDECV
			readJSON(t, path, &x)
			x.check(t, New(x.outcomes(t, data, func(p *cocoeval.Params) {
				if x.Loader == "LVIS" {
					*p = cocoeval.NewParams(p.IoU, cocoeval.LVIS)
					p.MatchIoU = 0.5
				}
			})).TIDECV())
		})
	}
}

// cells brings a matrix into the order of the golden files' lists.
func cells(c *Confusion) (list [][3]any) {
	for _, x := range c.Cells {
		list = append(list, [3]any{x.Truth, x.Detected, x.Count})
	}
	return list
}

func requireCells(t *testing.T, want [][3]*int64, c *Confusion) {
	t.Helper()
	text := func(v any) string { return fmt.Sprint(v) }
	var a, b []string
	for _, x := range want {
		line := ""
		for _, v := range x {
			if v == nil {
				line += " <nil>"
			} else {
				line += " " + text(*v)
			}
		}
		a = append(a, line)
	}
	for _, x := range cells(c) {
		b = append(b, " "+text(x[0])+" "+text(x[1])+" "+text(x[2]))
	}
	slices.Sort(a)
	slices.Sort(b)
	require.Equal(t, a, b)
}

// goldenOwn is a file of matrices and image tables.
type goldenOwn struct {
	golden
	Confusion []struct {
		IoU   float64
		Score float64 `json:"score_min"`
		Cells [][3]*int64
		Dets  string `json:"dt_status"`
	} `json:"confusion_class_first"`
	Images struct {
		Score float64 `json:"score_min"`
		Rows  [][4]int
	} `json:"per_image"`
}

func TestConfusionAndImages(t *testing.T) {
	eachGolden(t, "own", func(t *testing.T, path, data string) {
		var x goldenOwn
		readJSON(t, path, &x)
		a := New(x.outcomes(t, data, corrected))
		for _, want := range x.Confusion {
			require.Equal(t, a.o.Params.MatchIoU, want.IoU)
			c := a.Confusion(want.Score, ClassFirst)
			requireCells(t, want.Cells, c)
			require.Equal(t, want.Dets, c.Detections)
		}
		var rows [][4]int
		for _, im := range a.Images(x.Images.Score) {
			rows = append(rows, [4]int{int(im.ID.(int64)), im.TP, im.FP, im.FN})
		}
		require.Equal(t, x.Images.Rows, rows)
	})
}

// goldenOther is a file of another tool's matrices.
type goldenOther struct {
	golden
	Confusion []struct {
		IoU   float64  `json:"iou_thr"`
		Score *float64 `json:"min_score"`
		IoU2  float64  `json:"iou_threshold"`
		Conf  float64  `json:"conf_threshold"`
		Cells [][3]*int64
	}
}

func TestConfusionOfOthers(t *testing.T) {
	for name, rule := range map[string]ConfusionRule{"hotcoco": ScoreFirst, "supervision": IoUFirst} {
		eachGolden(t, name, func(t *testing.T, path, data string) {
			var x goldenOther
			readJSON(t, path, &x)
			for _, want := range x.Confusion {
				score := want.Conf
				if want.Score != nil {
					score = *want.Score
				}
				a := New(x.outcomes(t, data, func(p *cocoeval.Params) { p.Mode, p.MatchIoU = cocoeval.Corrected, max(want.IoU, want.IoU2) }))
				requireCells(t, want.Cells, a.Confusion(score, rule))
			}
		})
	}
}

type goldenOperating struct {
	Threshold             float64
	TP, FP, FN            int
	Precision, Recall, F1 float64
	Classes               int
}

func (x *goldenOperating) check(t *testing.T, got *Operating) {
	t.Helper()
	if x == nil {
		require.Nil(t, got)
		return
	}
	require.NotNil(t, got)
	require.Equal(t, [3]any{x.Threshold, x.TP, x.FP}, [3]any{got.Threshold, got.TP, got.FP})
	require.InDeltaSlice(t, []float64{x.Precision, x.Recall, x.F1}, []float64{got.Precision, got.Recall, got.F}, 1e-12)
}

type goldenPRF struct {
	Counted  int                         `json:"n_dt_counted"`
	Ignored  int                         `json:"n_dt_ignored"`
	N        int                         `json:"n_gt"`
	Micro    *goldenOperating            `json:"micro_best_f1"`
	At       map[string]*goldenOperating `json:"micro_at"`
	PerClass map[string]struct {
		N    int              `json:"n_gt"`
		Dets int              `json:"n_dt"`
		Best *goldenOperating `json:"best_f1"`
	} `json:"per_class"`
	Macro *goldenOperating `json:"macro_best_f1"`

	Calibration *struct {
		Equal []struct {
			Bins     int
			ECE, MCE float64
			Table    [][5]float64 `json:"table_lo_hi_count_meanscore_accuracy"`
		} `json:"own_equal_width"`
		PerClass map[string]struct{ ECE, MCE float64 } `json:"own_equal_width_per_class_10"`
		Netcal   struct {
			Detection map[string]any `json:"D_ECE"`
		} `json:"netcal_1.4.0"`
	}
}

func TestThresholdsAndCalibration(t *testing.T) {
	eachGolden(t, "prf_calibration", func(t *testing.T, path, data string) {
		var x struct {
			golden
			Strict   map[string]*goldenPRF
			Repaired map[string]*goldenPRF `json:"id0_repaired"`
		}
		readJSON(t, path, &x)
		for _, mode := range []cocoeval.Mode{cocoeval.Strict, cocoeval.Corrected} {
			for name, want := range [...]map[string]*goldenPRF{x.Strict, x.Repaired}[mode] {
				iou := map[string]float64{"iou50": 0.5, "iou75": 0.75}[name]
				a := New(x.outcomes(t, data, func(p *cocoeval.Params) { p.Mode, p.MatchIoU = mode, iou }))
				want.check(t, a)
			}
		}
	})
}

func (x *goldenPRF) check(t *testing.T, a *Analysis) {
	p := a.Thresholds(1)
	require.Equal(t, [3]int{x.Counted, x.Ignored, x.N}, [3]int{p.Detections, p.Ignored, p.Annotations})
	x.Micro.check(t, p.Micro)
	if x.Micro != nil {
		require.Equal(t, x.Micro.Threshold, a.Score())
	}
	for s, want := range x.At {
		var score float64
		require.NoError(t, json.Unmarshal([]byte(s), &score))
		want.Threshold = score
		got := p.At(score)
		want.check(t, got)
		require.Equal(t, want.FN, got.FN)
	}
	require.Len(t, p.PerClass, len(x.PerClass))
	for _, c := range p.PerClass {
		want := x.PerClass[fmt.Sprint(c.ID)]
		require.Equal(t, [2]int{want.N, want.Dets}, [2]int{c.Annotations, c.Detections})
		want.Best.check(t, c.Best)
	}
	if x.Macro != nil {
		require.Equal(t, x.Macro.Threshold, p.Macro.Threshold)
		require.Equal(t, x.Macro.Classes, p.Macro.Classes)
		require.InDeltaSlice(t, []float64{x.Macro.Precision, x.Macro.Recall, x.Macro.F1}, []float64{p.Macro.Precision, p.Macro.Recall, p.Macro.F}, 1e-12)
	}
	if x.Calibration == nil {
		return
	}
	for _, want := range x.Calibration.Equal {
		c := a.Calibration(want.Bins)
		require.InDeltaSlice(t, []float64{want.ECE, want.MCE}, []float64{c.ECE, c.MCE}, 1e-12)
		i := 0
		for _, b := range c.Bins {
			if b.Count == 0 && len(want.Table) < len(c.Bins) {
				continue
			}
			require.InDeltaSlice(t, want.Table[i][:], []float64{b.Low, b.High, float64(b.Count), b.MeanScore, b.Accuracy}, 1e-12)
			i++
		}
		if want.Bins == 10 {
			require.Len(t, c.PerClass, len(x.Calibration.PerClass))
			for _, k := range c.PerClass {
				w := x.Calibration.PerClass[fmt.Sprint(k.ID)]
				require.InDeltaSlice(t, []float64{w.ECE, w.MCE}, []float64{k.ECE, k.MCE}, 1e-12)
			}
		}
	}
	for name, by := range map[string]DetectionECE{
		"score_only_20": {Bins: 20}, "score_cxcy_8": {Bins: 8, Center: true}, "score_wh_8": {Bins: 8, Size: true}, "full_5": {Bins: 5, Center: true, Size: true},
	} {
		for suffix, least := range map[string]float64{"": x.least(), "_no_min": 0} {
			want, ok := x.Calibration.Netcal.Detection[name+suffix].(float64)
			if !ok {
				continue
			}
			by.Least = int(least)
			got, ok := a.DetectionECE(by)
			require.True(t, ok)
			require.InDelta(t, want, got, 1e-9, name+suffix)
		}
	}
}

func (x *goldenPRF) least() float64 {
	v, _ := x.Calibration.Netcal.Detection["min_samples_per_bin"].(float64)
	return v
}
