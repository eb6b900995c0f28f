package cocoeval

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// randomPair is a line of what testdata/random/make.py and others.py print.
type randomPair struct {
	Seed, IoU string
	Protocol  string
	GT, DT    json.RawMessage
	Params    struct {
		UseCats    *int
		MaxDets    []int
		IoUThrs    []float64 `json:"iouThrs"`
		RecThrs    []float64 `json:"recThrs"`
		AreaRng    [][2]float64
		AreaRngLbl []string
	}
	Hex                       []string `json:"stats_hex"`
	Precision, Recall, Scores string
	Error                     string
}

func (x *randomPair) params(t *testing.T) Params {
	iou, err := ParseIoUType(x.IoU)
	require.NoError(t, err)
	p := NewParams(iou, map[string]Protocol{"": COCO, "lvis": LVIS}[x.Protocol])
	p.ClassAgnostic = x.Params.UseCats != nil && *x.Params.UseCats == 0
	if x.Params.MaxDets != nil {
		p.MaxDets = x.Params.MaxDets
	}
	if x.Params.IoUThrs != nil {
		p.IoUThresholds = x.Params.IoUThrs
	}
	if x.Params.RecThrs != nil {
		p.RecallThresholds = x.Params.RecThrs
	}
	if x.Params.AreaRng != nil {
		p.Areas = nil
		for i, r := range x.Params.AreaRng {
			p.Areas = append(p.Areas, AreaRange{Label: x.Params.AreaRngLbl[i], Min: r[0], Max: r[1]})
		}
	}
	return p
}

// TestRandomPairs compares with what pycocotools, lvis-api and boundary-iou-api made of random pairs; SPINEMASK_PAIRS names a
// file with more of them.
func TestRandomPairs(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "random", "*.jsonl.gz"))
	require.NoError(t, err)
	if more := os.Getenv("SPINEMASK_PAIRS"); more != "" {
		paths = []string{more}
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, x := range readPairs(t, path) {
				t.Run(x.Seed, x.check)
			}
		})
	}
}

// check evaluates the pair and compares everything that is known of it.
func (x *randomPair) check(t *testing.T) {
	require.Empty(t, x.Error)
	p := x.params(t)
	d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
	require.NoError(t, err)
	e, err := Evaluate(d, r, p)
	require.NoError(t, err)
	require.Equal(t, x.Recall, sum(e.Recall()), "recall")
	require.Equal(t, x.Precision, sum(e.Precision()), "precision")
	if x.Scores != "" { // lvis-api has none
		require.Equal(t, x.Scores, sum(e.Scores()), "scores")
	}
	require.Equal(t, floats(t, x.Hex), values(e.Stats())[:len(x.Hex)], "statistics")
}

func readPairs(t *testing.T, path string) (all []randomPair) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		var x randomPair
		require.NoError(t, json.Unmarshal(line, &x))
		all = append(all, x)
	}
}
