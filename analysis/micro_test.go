package analysis

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// microCase is a random pair of tiny boxes on the edges of every rule.
type microCase struct {
	Name     string
	GT, DT   json.RawMessage
	Expected struct {
		TIDECV      goldenTIDECV           `json:"tidecv"`
		TIDE        goldenTIDE             `json:"tide_coco"`
		Supervision map[string][][3]*int64 `json:"supervision_confusion"`
		Hotcoco     struct {
			Confusion [][3]*int64
			ECE, MCE  float64
		}
		Matching struct {
			DT    string
			Micro *goldenOperating `json:"micro_best_f1"`
		} `json:"coco_matching_50"`
		Confusion struct {
			Cells [][3]*int64
			Dets  string `json:"dt_status"`
		} `json:"confusion_class_first"`
	}
}

func (x *microCase) analysis(t *testing.T, iou float64) *Analysis {
	p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
	p.MatchIoU = iou
	d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
	require.NoError(t, err)
	return New(outcomesOf(t, d, r, p))
}

// supervisionThresholds are the names of the matrices of supervision in the file.
var supervisionThresholds = map[string][2]float64{"conf>=0.3,iou>0.5": {.3, .5}, "conf>=0,iou>0.5": {0, .5}, "conf>=0.25,iou>0.45": {.25, .45}}

func (x *microCase) check(t *testing.T) {
	a := x.analysis(t, 0.5)
	x.Expected.TIDE.check(t, a.TIDE())
	if x.Expected.TIDECV.Error == "" {
		x.Expected.TIDECV.check(t, a.TIDECV())
	} else {
		got := a.TIDECV()
		require.Zero(t, got.Errors[Bkg].DeltaAP)
	}
	c := a.Confusion(0, ClassFirst)
	requireCells(t, x.Expected.Confusion.Cells, c)
	require.Equal(t, x.Expected.Confusion.Dets, c.Detections)
	requireCells(t, x.Expected.Hotcoco.Confusion, a.Confusion(0, ScoreFirst))
	for name, want := range x.Expected.Supervision {
		s, ok := supervisionThresholds[name]
		require.True(t, ok)
		requireCells(t, want, x.analysis(t, s[1]).Confusion(s[0], IoUFirst))
	}
	x.Expected.Matching.Micro.check(t, a.Thresholds(1).Micro)
	e := a.Calibration(10)
	require.InDeltaSlice(t, []float64{x.Expected.Hotcoco.ECE, x.Expected.Hotcoco.MCE}, []float64{e.ECE, e.MCE}, 1e-12)
}

func microCases(t *testing.T, path string) (list []microCase) {
	var file struct{ Cases []microCase }
	readJSON(t, path, &file)
	return file.Cases
}

func TestMicroCases(t *testing.T) {
	path := filepath.Join("testdata", "micro_cases.json")
	if dir := shared(); dir != "" {
		path = filepath.Join(dir, "analytics", "micro_cases.json")
	}
	for _, x := range microCases(t, path) {
		t.Run(x.Name, x.check)
	}
}
