package cocoeval

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// outcomes evaluates with outcomes at an IoU.
func outcomes(t *testing.T, d *coco.Dataset, r *coco.Results, p Params) (*Outcomes, *Evaluation) {
	t.Helper()
	e, err := New(d, p)
	require.NoError(t, err)
	require.NoError(t, e.AddResults(r))
	o, err := e.Outcomes()
	require.NoError(t, err)
	x, err := e.Evaluate()
	require.NoError(t, err)
	return o, x
}

// What Observe is told, whose matches equal pycocotools', is what Outcomes says, at a threshold of the evaluation and at one
// that is none; and the arrays are those of an evaluation without outcomes.
func TestOutcomesAreTheMatches(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "random", "*.jsonl.gz"))
	require.NoError(t, err)
	for _, path := range paths {
		for _, x := range readPairs(t, path) {
			p := x.params(t)
			if p.IoU == Keypoints || x.Error != "" {
				continue
			}
			t.Run(x.Seed, func(t *testing.T) {
				d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
				require.NoError(t, err)
				r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
				require.NoError(t, err)
				plain, err := Evaluate(d, r, p)
				require.NoError(t, err)
				for _, iou := range []float64{p.IoUThresholds[0], 0.6180339887} {
					checkOutcomes(t, d, r, p, iou, plain)
				}
			})
		}
	}
}

func checkOutcomes(t *testing.T, d *coco.Dataset, r *coco.Results, p Params, iou float64, plain *Evaluation) {
	p.MatchIoU = max(iou, MinOverlap)
	o, got := outcomes(t, d, r, p)
	require.Equal(t, plain.Precision(), got.Precision())
	require.Equal(t, plain.Recall(), got.Recall())
	require.Equal(t, plain.Warnings, got.Warnings)

	q := p
	q.MatchIoU, q.IoUThresholds = 0, []float64{p.MatchIoU}
	of := map[int32]*DetectionOutcome{}
	for i := range o.Detections {
		of[o.Detections[i].Entry] = &o.Detections[i]
	}
	twins := map[int32]int{} // annotations that a strict evaluation counts more than once
	for i := range o.Annotations {
		twins[o.Annotations[i].Entry]++
	}
	var mu sync.Mutex
	q.Observe = func(m *Match) {
		mu.Lock()
		defer mu.Unlock()
		if m.Area != 0 {
			return
		}
		for i, e := range m.Detections {
			x := of[e]
			require.NotNil(t, x)
			require.Equal(t, m.DetectionIgnored[i], x.Ignored)
			if g := m.Matched[i]; g < 0 {
				require.EqualValues(t, -1, x.Annotation)
			} else if d.ID[m.Annotations[g]] != 0 || p.Mode == Corrected { // strictly, who matches id 0 stays unmatched
				require.Equal(t, m.Annotations[g], o.Annotations[x.Annotation].Entry)
			}
			for g, entry := range m.Annotations {
				want := m.IoU[i*len(m.Annotations)+g]
				k := slices.IndexFunc(o.Overlaps(slices.Index(entriesOf(o), e)), func(v Overlap) bool {
					return o.Annotations[v.Annotation].Entry == entry
				})
				require.Equal(t, want >= MinOverlap, k >= 0)
				if k >= 0 && twins[entry] == 1 {
					require.Equal(t, want, o.Overlaps(slices.Index(entriesOf(o), e))[k].IoU)
				}
			}
		}
	}
	_, err := Evaluate(d, r, q)
	require.NoError(t, err)
	for i, j := range o.Ranked[min(1, len(o.Ranked)):] {
		require.LessOrEqual(t, compareScores(o.Detections[o.Ranked[i]].Score, o.Detections[j].Score), 0)
	}
}

func entriesOf(o *Outcomes) (list []int32) {
	for i := range o.Detections {
		list = append(list, o.Detections[i].Entry)
	}
	return list
}

// Overlaps across categories are those of an evaluation without regard to categories: in one where all are of one category.
func TestOverlapsAcrossCategories(t *testing.T) {
	pairs := map[IoUType][2]string{
		BBox:     {"instances_val2014_100.json", "instances_val2014_fakebbox100_results.json"},
		Segm:     {"instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"},
		Boundary: {"instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"},
	}
	dir := filepath.Join("testdata", "val2014_100")
	for kind, pair := range pairs {
		t.Run(kind.String(), func(t *testing.T) {
			d, err := coco.OpenDataset(open(t, dir, pair[0]), kind.Fields())
			require.NoError(t, err)
			r, err := coco.OpenResults(open(t, dir, pair[1]), kind.Fields())
			require.NoError(t, err)
			p := NewParams(kind, COCO)
			p.MatchIoU, p.MaxDets = 0.5, []int{1000}
			o, _ := outcomes(t, d, r, p)
			p.ClassAgnostic = true
			want, _ := outcomes(t, d, r, p)
			lines := func(o *Outcomes) (list []string) {
				for i := range o.Detections {
					for _, x := range o.Overlaps(i) {
						list = append(list, fmt.Sprint(o.Detections[i].Entry, o.Annotations[x.Annotation].Entry, x.IoU))
					}
				}
				return list
			}
			require.NotEmpty(t, lines(o))
			require.Equal(t, lines(want), lines(o))
		})
	}
}

// Detections that come image by image, in any order, have the outcomes of one file.
func TestOutcomesOfAStream(t *testing.T) {
	dir := filepath.Join("testdata", "val2014_100")
	p := NewParams(Segm, COCO)
	p.MatchIoU = 0.5
	d, err := coco.OpenDataset(open(t, dir, "instances_val2014_100.json"), p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(open(t, dir, "instances_val2014_fakesegm100_results.json"), p.IoU.Fields())
	require.NoError(t, err)
	for i := range r.Has {
		r.Has[i] &^= coco.HasBox
		r.Box[i] = [4]float64{}
	}
	want, _ := outcomes(t, d, r, p)
	e, err := New(d, p)
	require.NoError(t, err)
	place := map[int32]int32{} // of the results of the file among those that were added
	n := int32(0)
	for i := len(d.Images) - 1; i >= 0; i-- {
		var list []Detection
		for j := range r.Len() {
			if r.ImageID[j] == d.Images[i].ID {
				m := rle.Mask{H: int(r.Mask[j].H), W: int(r.Mask[j].W), Runs: r.AppendRuns(nil, j)}
				list = append(list, Detection{CategoryID: r.CategoryID[j], Score: r.Score[j], Mask: m})
				place[int32(j)] = n
				n++
			}
		}
		if list != nil {
			require.NoError(t, e.Add(d.Images[i].ID, list))
		}
	}
	got, err := e.Outcomes()
	require.NoError(t, err)
	require.Equal(t, want.Annotations, got.Annotations)
	require.Equal(t, want.Results, got.Results)
	require.Len(t, got.Detections, len(want.Detections))
	for i := range got.Detections {
		x := want.Detections[i]
		x.Entry = place[x.Entry]
		require.Equal(t, x, got.Detections[i])
		require.Equal(t, want.Overlaps(i), got.Overlaps(i))
	}
}

func TestOutcomesRefused(t *testing.T) {
	text := `{"images": [{"id": 1, "height": 9, "width": 9}], "annotations": [], "categories": [{"id": 1, "name": "a"}]}`
	d, err := coco.ParseDataset([]byte(text), "gt", coco.Boxes)
	require.NoError(t, err)
	p := NewParams(BBox, COCO)
	e, err := New(d, p)
	require.NoError(t, err)
	_, err = e.Outcomes()
	require.EqualError(t, err, "cocoeval: outcomes were not asked for: Params.MatchIoU is 0")
	for _, iou := range []float64{0.05, 1.5, -1} {
		p.MatchIoU = iou
		_, err = New(d, p)
		require.ErrorContains(t, err, "match IoU")
	}
	p.MatchIoU = 0.5
	var file strings.Builder
	require.NoError(t, e.WritePartial(&file))
	e, err = New(d, p)
	require.NoError(t, err)
	o, err := e.Outcomes() // nothing was added
	require.NoError(t, err)
	require.Empty(t, o.Detections)
	from, to := o.DetectionsOf(0)
	require.Equal(t, [2]int{0, 0}, [2]int{from, to})
	require.NoError(t, e.Merge(strings.NewReader(file.String())))
	_, err = e.Outcomes()
	require.ErrorContains(t, err, "partial results")
	p = NewParams(Keypoints, COCO)
	p.MatchIoU = 0.5
	_, err = New(d, p)
	require.ErrorContains(t, err, "keypoints")
}
