package cocoeval

import (
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
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
	readJSON(t, path, &x)
	return x
}

// readJSON reads a file that may be packed by gzip.
func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	require.NoError(t, json.NewDecoder(r).Decode(into))
}

// dataSets returns the folders with golden data: the small ones beside this file, and all where SPINEMASK_SHARED names them.
func dataSets(t *testing.T) []string {
	t.Helper()
	roots := []string{"testdata"}
	if shared := os.Getenv("SPINEMASK_SHARED"); shared != "" {
		roots = append(roots, filepath.Join(shared, "cocoeval"))
	}
	var dirs []string
	for _, root := range roots {
		entries, err := os.ReadDir(root)
		require.NoError(t, err)
		for _, e := range entries {
			if e.IsDir() {
				dirs = append(dirs, filepath.Join(root, e.Name()))
			}
		}
	}
	return dirs
}

// expectations lists the files of a folder whose names begin with one of the prefixes.
func expectations(t *testing.T, dir string, prefixes ...string) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		for _, prefix := range prefixes {
			if strings.HasPrefix(e.Name(), "expected_"+prefix) {
				files = append(files, e.Name())
			}
		}
	}
	return files
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
			p.Areas = append(p.Areas, AreaRange{Label: x.Params.AreaRngLbl[i], Min: r[0], Max: r[1]})
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
	n := 0
	for _, dir := range dataSets(t) {
		for _, f := range expectations(t, dir, "bbox", "segm", "keypoints", "cocomode") {
			n++
			t.Run(dir+"/"+f, func(t *testing.T) { checkExpectation(t, dir, f) })
		}
	}
	require.GreaterOrEqual(t, n, 15)
}

func TestBoundaryIoUAPI(t *testing.T) {
	pairs := map[string][2]string{
		"val2014_100": {"instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"},
		"val2017_162": {"instances_val2017_subset.json", "dt_jitter_seed20260722_segm.json"},
	}
	for _, dir := range dataSets(t) {
		for _, f := range expectations(t, dir, "boundary") {
			x := readExpectation(t, filepath.Join(dir, f))
			p := NewParams(Boundary, COCO)
			p.Summation = Numpy1_24
			e := evaluateFiles(t, dir, pairs[filepath.Base(dir)], p)
			require.Equal(t, x.Stats, values(e.Stats()))
		}
	}
}

func TestLVISAPI(t *testing.T) {
	for _, dir := range dataSets(t) {
		for _, f := range expectations(t, dir, "lvis_") {
			var x struct{ Results map[string]float64 }
			readJSON(t, filepath.Join(dir, f), &x)
			iou, err := ParseIoUType(strings.TrimPrefix(strings.SplitN(f, ".", 2)[0], "expected_lvis_"))
			require.NoError(t, err)
			p := NewParams(iou, LVIS)
			p.Summation = Numpy1_24
			e := evaluateFiles(t, dir, [2]string{"lvis_val_100.json", "dt_jitter_seed11_" + iou.String() + ".json"}, p)
			got := map[string]float64{}
			for _, s := range e.Stats() {
				got[s.Name] = s.Value
			}
			require.Equal(t, x.Results, got)
		}
	}
}

// evaluateFiles evaluates a pair of files of a folder.
func evaluateFiles(t *testing.T, dir string, pair [2]string, p Params) *Evaluation {
	t.Helper()
	d, err := coco.OpenDataset(open(t, dir, pair[0]), p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(open(t, dir, pair[1]), p.IoU.Fields())
	require.NoError(t, err)
	e, err := Evaluate(d, r, p)
	require.NoError(t, err)
	return e
}
