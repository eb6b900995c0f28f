package cocoeval

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// expectation is an expected_*.json: what pycocotools 2.0.11 made of a pair of files.
type expectation struct {
	GT, DT  string
	IouType string
	Params  struct {
		MaxDets    []int
		UseCats    *int
		CatIDs     []int64 `json:"catIds"`
		AreaRng    [][2]float64
		AreaRngLbl []string
	}
	Stats     []float64
	Hex1      []string `json:"stats_hex"`        // numpy 1.24.2
	Hex2      []string `json:"stats_hex_numpy2"` // numpy 2.4.6
	Counts    []int    `json:"counts_TRKAM"`
	Precision string   `json:"sha256_precision_f64le_C_order"`
	Recall    string   `json:"sha256_recall"`
	Scores    string   `json:"sha256_scores"`
	Matches   string   `json:"sha256_matches"`
	Summary   []string `json:"summary_text"`
	PerClass  []struct {
		ID                 int64 `json:"category_id"`
		AP, AP50, AP75, AR float64
	} `json:"per_category"`
}

func readExpectation(t *testing.T, path string) (x expectation) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &x))
	return x
}

// params returns the settings that an expectation was made with.
func (x *expectation) params(t *testing.T) Params {
	iou, err := ParseIoUType(x.IouType)
	require.NoError(t, err)
	p := NewParams(iou, COCO)
	if x.Params.MaxDets != nil {
		p.MaxDets = x.Params.MaxDets
	}
	p.ClassAgnostic = x.Params.UseCats != nil && *x.Params.UseCats == 0
	p.CategoryIDs = x.Params.CatIDs
	if x.Params.AreaRng != nil {
		p.Areas = nil
		for i, r := range x.Params.AreaRng {
			p.Areas = append(p.Areas, AreaRange{x.Params.AreaRngLbl[i], r[0], r[1]})
		}
	}
	return p
}

// open finds name or name.gz in a folder.
func open(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		path += ".gz"
	}
	return path
}

func sum(v []float64) string {
	h := sha256.New()
	for _, x := range v {
		h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func floats(t *testing.T, text []string) []float64 {
	var v []float64
	for _, s := range text {
		f, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		v = append(v, f)
	}
	return v
}

func values(stats []Stat) []float64 {
	var v []float64
	for _, s := range stats {
		v = append(v, s.Value)
	}
	return v
}

// matchLines collects Observe's matches as the lines that sha256_matches is made of.
type matchLines struct {
	sync.Mutex
	p     *Params
	d     *coco.Dataset
	lines []matchLine
}

type matchLine struct {
	category int64
	area     int
	image    int64
	text     string
}

func (l *matchLines) observe(m *Match) {
	nd, ng := len(m.Detections), len(m.Annotations)
	order := make([]int, ng) // annotations that count first
	for g := range order {
		order[g] = g
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(btoi(m.Ignored[a]), btoi(m.Ignored[b])) })
	at := make([]int, ng)
	for i, g := range order {
		at[g] = i
	}
	nt := len(l.p.IoUThresholds)
	var dtIDs, gtIDs, gtIgnore, dtMatches, dtIgnore []int64
	gtMatches := make([]int64, nt*ng)
	for _, d := range m.Detections {
		dtIDs = append(dtIDs, int64(d)+1)
	}
	for _, g := range order {
		gtIDs = append(gtIDs, l.d.ID[m.Annotations[g]])
		gtIgnore = append(gtIgnore, int64(btoi(m.Ignored[g])))
	}
	for i, g := range m.Matched {
		id := int64(0)
		if g >= 0 {
			id = l.d.ID[m.Annotations[g]]
			gtMatches[i/nd*ng+at[g]] = int64(m.Detections[i%nd]) + 1
		}
		dtMatches = append(dtMatches, id)
		dtIgnore = append(dtIgnore, int64(btoi(m.DetectionIgnored[i])))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d|%d", m.ImageID, m.CategoryID)
	for _, list := range [][]int64{dtIDs, gtIDs, gtIgnore, dtMatches, gtMatches, dtIgnore} {
		b.WriteByte('|')
		for i, v := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(v, 10))
		}
	}
	b.WriteByte('\n')
	l.Lock()
	defer l.Unlock()
	l.lines = append(l.lines, matchLine{m.CategoryID, m.Area, m.ImageID, b.String()})
}

func (l *matchLines) sum() string {
	slices.SortFunc(l.lines, func(a, b matchLine) int {
		return cmp.Or(cmp.Compare(a.category, b.category), cmp.Compare(a.area, b.area), cmp.Compare(a.image, b.image))
	})
	h := sha256.New()
	for _, x := range l.lines {
		h.Write([]byte(x.text))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkExpectation evaluates the pair that an expected file is about and compares everything that it holds.
func checkExpectation(t *testing.T, dir, name string) {
	x := readExpectation(t, filepath.Join(dir, name))
	p := x.params(t)
	d, err := coco.OpenDataset(open(t, dir, x.GT), p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(open(t, dir, x.DT), p.IoU.Fields())
	require.NoError(t, err)
	lines := &matchLines{p: &p, d: d}
	p.Observe = lines.observe
	e, err := Evaluate(d, r, p)
	require.NoError(t, err)

	nt, nr, nk, na, nm := e.Shape()
	require.Equal(t, x.Counts, []int{nt, nr, nk, na, nm})
	require.Equal(t, x.Matches, lines.sum(), "matches")
	require.Equal(t, x.Recall, sum(e.Recall()), "recall")
	require.Equal(t, x.Precision, sum(e.Precision()), "precision")
	require.Equal(t, x.Scores, sum(e.Scores()), "scores")
	require.Equal(t, floats(t, x.Hex2), values(e.Stats()), "statistics by numpy 2")
	for k, c := range x.PerClass {
		s := e.ClassStats(k)
		if x.Params.MaxDets == nil && p.IoU != Keypoints && !p.ClassAgnostic {
			require.Equal(t, c.ID, e.Categories[k].ID)
			require.InDeltaSlice(t, []float64{c.AP, c.AP50, c.AP75, c.AR}, []float64{s[0].Value, s[1].Value, s[2].Value, s[8].Value}, 1e-15)
		}
	}
	e.Params.Summation = Numpy1_24
	require.Equal(t, floats(t, x.Hex1), values(e.Stats()), "statistics by numpy 1.24")
	var text strings.Builder
	require.NoError(t, e.WriteText(&text))
	require.Equal(t, strings.Join(x.Summary, "\n")+"\n", text.String())
}

func TestPycocotools(t *testing.T) {
	shared := os.Getenv("SPINEMASK_SHARED")
	if shared == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	for _, pattern := range []string{"*/expected_bbox*.json", "*/expected_segm*.json", "*/expected_keypoints*.json", "*/expected_cocomode*.json"} {
		files, err := filepath.Glob(filepath.Join(shared, "cocoeval", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, f := range files {
			t.Run(filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f), func(t *testing.T) { checkExpectation(t, filepath.Dir(f), filepath.Base(f)) })
		}
	}
}

func TestBoundaryIoUAPI(t *testing.T) {
	shared := os.Getenv("SPINEMASK_SHARED")
	if shared == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	for _, pair := range [][3]string{
		{"val2014_100", "instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"},
		{"val2017_162", "instances_val2017_subset.json", "dt_jitter_seed20260722_segm.json"},
	} {
		dir := filepath.Join(shared, "cocoeval", pair[0])
		x := readExpectation(t, filepath.Join(dir, "expected_boundary.json"))
		p := NewParams(Boundary, COCO)
		p.Summation = Numpy1_24 // the files were made with numpy 1.24.2
		d, err := coco.OpenDataset(filepath.Join(dir, pair[1]), p.IoU.Fields())
		require.NoError(t, err)
		r, err := coco.OpenResults(filepath.Join(dir, pair[2]), p.IoU.Fields())
		require.NoError(t, err)
		e, err := Evaluate(d, r, p)
		require.NoError(t, err)
		require.Equal(t, x.Stats, values(e.Stats()))
	}
}

func TestLVISAPI(t *testing.T) {
	shared := os.Getenv("SPINEMASK_SHARED")
	if shared == "" {
		t.Skip("SPINEMASK_SHARED is not set")
	}
	dir := filepath.Join(shared, "cocoeval/lvis_val_100")
	for _, iou := range []IoUType{BBox, Segm} {
		b, err := os.ReadFile(filepath.Join(dir, "expected_lvis_"+iou.String()+".json"))
		require.NoError(t, err)
		var x struct{ Results map[string]float64 }
		require.NoError(t, json.Unmarshal(b, &x))
		p := NewParams(iou, LVIS)
		p.Summation = Numpy1_24 // the files were made with numpy 1.24.2
		d, err := coco.OpenDataset(filepath.Join(dir, "lvis_val_100.json"), p.IoU.Fields())
		require.NoError(t, err)
		r, err := coco.OpenResults(filepath.Join(dir, "dt_jitter_seed11_"+iou.String()+".json"), p.IoU.Fields())
		require.NoError(t, err)
		e, err := Evaluate(d, r, p)
		require.NoError(t, err)
		got := map[string]float64{}
		for _, s := range e.Stats() {
			got[s.Name] = s.Value
		}
		require.Equal(t, x.Results, got)
	}
}
