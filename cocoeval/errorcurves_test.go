package cocoeval

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// coco_error_analysis_*.json: mmdetection 3.3.0's coco_error_analysis.py on pycocotools 2.0.11, its pool made serial and its
// plots replaced by numbers. The mean of all classes is over all categories of the file there.
func TestErrorCurvesOfMMDetection(t *testing.T) {
	n := 0
	for _, dir := range dataSets(t) {
		files, err := filepath.Glob(filepath.Join(dir, "coco_error_analysis_*.json*"))
		require.NoError(t, err)
		more, err := filepath.Glob(filepath.Join(dir, "..", "analytics", filepath.Base(dir), "coco_error_analysis_*.json"))
		require.NoError(t, err)
		for _, f := range append(files, more...) {
			n++
			t.Run(f, func(t *testing.T) { checkErrorCurves(t, dir, f) })
		}
	}
	require.Positive(t, n)
}

func checkErrorCurves(t *testing.T, dir, file string) {
	var x struct {
		GT, DT, IoU string
		Areas       []float64
		Types       []string
		Plots       map[string]struct {
			Mean   map[string]map[string]float64
			SHA256 string `json:"sha256_ps_f64"`
		}
	}
	readJSON(t, file, &x)
	iou, err := ParseIoUType(x.IoU)
	require.NoError(t, err)
	p := NewParams(iou, COCO)
	last := x.Areas[2]
	p.Areas[0].Label = "allarea"
	for a, ends := range [][2]float64{{0, last}, {0, x.Areas[0]}, {x.Areas[0], x.Areas[1]}, {x.Areas[1], last}} {
		p.Areas[a].Min, p.Areas[a].Max = ends[0], ends[1]
	}
	d, err := coco.OpenDataset(open(t, dir, filepath.Base(x.GT)), p.IoU.Fields())
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(d.Categories, func(a, b coco.Category) int { return int(a.ID - b.ID) })) // else the original mixes them up
	r, err := coco.OpenResults(open(t, dir, filepath.Base(x.DT)), p.IoU.Fields())
	require.NoError(t, err)
	c, err := NewErrorCurves(d, r, p)
	require.NoError(t, err)

	nr, nk, na := len(c.Recall), len(c.Categories), len(c.Areas)
	require.Equal(t, x.Plots["allclass"].SHA256, sum(c.Precision))
	names := map[string]int{}
	for k := range c.Categories {
		name := c.Categories[k].Name
		if names[name]++; names[name] > 1 {
			name += fmt.Sprint("#", names[name])
		}
		plot, found := x.Plots[name]
		require.True(t, found, name)
		var v []float64
		for i := range int(errorKinds) * nr {
			v = append(v, c.Precision[(i*nk+k)*na:][:na]...)
		}
		require.Equal(t, plot.SHA256, sum(v), name)
		for e, kind := range x.Types {
			require.Equal(t, kind, ErrorKind(e).String())
			for a := range c.Areas {
				require.InDelta(t, plot.Mean[kind][c.Areas[a].Label], c.Mean(ErrorKind(e), k, a), 1e-12)
			}
		}
	}
}

func TestErrorCurvesRefuse(t *testing.T) {
	for _, p := range []Params{NewParams(BBox, LVIS), NewParams(Keypoints, COCO), {}, {MaxDets: []int{1}, ClassAgnostic: true}} {
		_, err := NewErrorCurves(&coco.Dataset{}, &coco.Results{}, p)
		require.Error(t, err)
	}
}
