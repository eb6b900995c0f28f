package cocoeval

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// readPair reads a pair of testdata.
func readPair(t testing.TB, dir, gt, dt string, fields coco.Fields) (*coco.Dataset, *coco.Results) {
	d, err := coco.OpenDataset("testdata/"+dir+"/"+gt+".json.gz", fields)
	require.NoError(t, err)
	r, err := coco.OpenResults("testdata/"+dir+"/"+dt+".json.gz", fields)
	require.NoError(t, err)
	return d, r
}

// images sorts results by image, as a model would hand them over.
func images(r *coco.Results) (ids []int64, lists map[int64][]Detection) {
	lists = map[int64][]Detection{}
	for i := range r.Len() {
		e := r.Entry(i)
		if lists[e.ImageID] == nil {
			ids = append(ids, e.ImageID)
		}
		lists[e.ImageID] = append(lists[e.ImageID], Detection{CategoryID: e.CategoryID, Score: e.Score, Box: e.Box, Mask: e.Mask, Keypoints: e.Keypoints})
	}
	return ids, lists
}

// same requires that two evaluations agree to the last bit.
func same(t testing.TB, want, got *Evaluation) {
	t.Helper()
	require.Equal(t, want.Stats(), got.Stats())
	require.Equal(t, sum(want.Precision()), sum(got.Precision()))
	require.Equal(t, sum(want.Scores()), sum(got.Scores()))
	require.Equal(t, sum(want.Recall()), sum(got.Recall()))
	require.Equal(t, want.Detections, got.Detections)
}

// streamed are the pairs that the tests below go through.
var streamed = []struct {
	iou      IoUType
	dir      string
	gt, dt   string
	agnostic bool
}{
	{BBox, "val2017_162", "instances_val2017_subset", "dt_jitter_seed20260722_bbox", false},
	{BBox, "val2017_162", "instances_val2017_subset", "dt_jitter_seed20260722_bbox", true},
	{Segm, "val2014_100", "instances_val2014_100", "instances_val2014_fakesegm100_results", false},
	{Keypoints, "keypoints", "gt_dataset", "dt_dataset", false},
}

func TestImagesMayComeInAnyOrderFromManyGoroutines(t *testing.T) {
	for _, c := range streamed {
		p := NewParams(c.iou, COCO)
		p.ClassAgnostic = c.agnostic
		d, r := readPair(t, c.dir, c.gt, c.dt, p.IoU.Fields())
		want, err := Evaluate(d, r, p)
		require.NoError(t, err)
		ids, lists := images(r)
		for seed := range uint64(3) {
			rng := rand.New(rand.NewPCG(seed, 0))
			rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			e, err := New(d, p)
			require.NoError(t, err)
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					for i := w; i < len(ids); i += 8 {
						if err := e.Add(ids[i], lists[ids[i]]); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			got, err := e.Evaluate()
			require.NoError(t, err)
			same(t, want, got)
		}
	}
}

func TestPartialResultsMerge(t *testing.T) {
	for _, c := range streamed {
		p := NewParams(c.iou, COCO)
		p.ClassAgnostic = c.agnostic
		d, r := readPair(t, c.dir, c.gt, c.dt, p.IoU.Fields())
		want, err := Evaluate(d, r, p)
		require.NoError(t, err)
		ids, lists := images(r)
		const n = 3
		var parts [n]bytes.Buffer
		for k := range n {
			e, err := New(d, p)
			require.NoError(t, err)
			for i := len(ids) - 1 - k; i >= 0; i -= n {
				require.NoError(t, e.Add(ids[i], lists[ids[i]]))
			}
			require.NoError(t, e.WritePartial(&parts[k]))
		}
		e, err := New(d, p)
		require.NoError(t, err)
		for k := range n {
			require.NoError(t, e.Merge(bytes.NewReader(parts[n-1-k].Bytes())))
		}
		got, err := e.Evaluate()
		require.NoError(t, err)
		same(t, want, got)

		// what was merged can be handed on
		var all bytes.Buffer
		require.NoError(t, e.WritePartial(&all))
		e, err = New(d, p)
		require.NoError(t, err)
		require.NoError(t, e.Merge(&all))
		got, err = e.Evaluate()
		require.NoError(t, err)
		same(t, want, got)
		require.ErrorContains(t, e.Merge(bytes.NewReader(parts[0].Bytes())), "added twice")
	}
}

func TestPartialResultsOfOtherEvaluationsAreRefused(t *testing.T) {
	p := NewParams(BBox, COCO)
	d, r := readPair(t, "val2014_100", "instances_val2014_100", "instances_val2014_fakebbox100_results", p.IoU.Fields())
	write := func(p Params) []byte {
		e, err := New(d, p)
		require.NoError(t, err)
		require.NoError(t, e.AddResults(r))
		var b bytes.Buffer
		require.NoError(t, e.WritePartial(&b))
		return b.Bytes()
	}
	other := p
	other.IoUThresholds = []float64{.5}
	e, err := New(d, p)
	require.NoError(t, err)
	require.ErrorContains(t, e.Merge(bytes.NewReader(write(other))), "other settings or other annotations")
	good := write(p)
	require.True(t, IsPartial(good))
	for n := 0; n < len(good); n += 97 {
		require.Error(t, e.Merge(bytes.NewReader(good[:n])))
		bad := bytes.Clone(good)
		bad[n] ^= 0x10
		require.Error(t, e.Merge(bytes.NewReader(bad)))
	}
	require.NoError(t, e.Merge(bytes.NewReader(good)), "nothing of the damaged ones was kept")
}

// All that matching reads of a data set must be the same where a partial result is merged.
func TestPartialResultsOfOtherAnnotationsAreRefused(t *testing.T) {
	gt := `{"images":[{"id":"x","width":50,"height":40,"neg_category_ids":[],"not_exhaustive_category_ids":[]}],"categories":[{"id":"cat","frequency":"f"},{"id":"dog","frequency":"f"}],
		"annotations":[{"id":7,"image_id":"x","category_id":"cat","bbox":[1,2,9,9],"area":81,"iscrowd":0,"num_keypoints":1,"keypoints":[` +
		strings.Repeat("3,4,2,", 16) + `3,4,2],"segmentation":SHAPE}]}`
	polygon, runs := `[[1,2,10,2,10,11]]`, `{"size":[40,50],"counts":[42,9,1949]}`
	for _, c := range []struct {
		iou             IoUType
		protocol        Protocol
		shape, from, to string
	}{
		{BBox, COCO, polygon, `"bbox":[1,2,9,9]`, `"bbox":[1,2,8,9]`},
		{BBox, COCO, polygon, `"cat"`, `"cow"`},
		{BBox, LVIS, polygon, `"not_exhaustive_category_ids":[]`, `"not_exhaustive_category_ids":[5]`},
		{Segm, COCO, polygon, `10,11]`, `10,12]`},
		{Segm, COCO, polygon, `"width":50`, `"width":9`},
		{Segm, COCO, runs, `42,9,1949`, `41,9,1950`},
		{Boundary, COCO, runs, `42,9,1949`, `42,8,1950`},
		{Keypoints, COCO, polygon, `3,4,2]`, `3,5,2]`},
	} {
		evaluator := func(text string) *Evaluator {
			d, err := coco.ParseDataset([]byte(strings.Replace(text, "SHAPE", c.shape, 1)), "gt", c.iou.Fields())
			require.NoError(t, err)
			e, err := New(d, NewParams(c.iou, c.protocol))
			require.NoError(t, err)
			return e
		}
		text := strings.Replace(gt, "SHAPE", c.shape, 1)
		require.Contains(t, text, c.from)
		var b bytes.Buffer
		require.NoError(t, evaluator(text).WritePartial(&b))
		require.NoError(t, evaluator(text).Merge(bytes.NewReader(b.Bytes())))
		require.ErrorContains(t, evaluator(strings.ReplaceAll(text, c.from, c.to)).Merge(&b), "other settings or other annotations", "%v %s", c.iou, c.to)
	}
}

func TestAnImageIsAddedOnce(t *testing.T) {
	d, r := readPair(t, "val2014_100", "instances_val2014_100", "instances_val2014_fakebbox100_results", coco.Boxes)
	e, err := New(d, NewParams(BBox, COCO))
	require.NoError(t, err)
	ids, lists := images(r)
	require.NoError(t, e.Add(ids[3], lists[ids[3]]))
	require.ErrorContains(t, e.Add(ids[3], lists[ids[3]]), "added twice")
	require.ErrorContains(t, e.AddResults(r), "added twice")
	require.ErrorContains(t, e.Add(-5, lists[ids[3]]), "not an image of the data set")
	require.NoError(t, e.Add(ids[4], nil))
	x, err := e.Evaluate()
	require.NoError(t, err)
	require.Equal(t, len(lists[ids[3]]), x.Detections)
}

func TestResultsAreTheSameForAnyNumberOfThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range streamed {
		p := NewParams(c.iou, COCO)
		p.ClassAgnostic = c.agnostic
		var want *Evaluation
		for n := 1; n <= 8; n++ {
			runtime.GOMAXPROCS(n)
			d, r := readPair(t, c.dir, c.gt, c.dt, p.IoU.Fields())
			got, err := Evaluate(d, r, p)
			require.NoError(t, err)
			if want == nil {
				want = got
			}
			same(t, want, got)
		}
	}
}

func FuzzMerge(f *testing.F) {
	p := NewParams(BBox, COCO)
	d, err := coco.ParseDataset([]byte(`{"images":[{"id":1},{"id":2}],"categories":[{"id":1}],"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[0,0,9,9],"area":81,"iscrowd":0}]}`), "", p.IoU.Fields())
	require.NoError(f, err)
	e, err := New(d, p)
	require.NoError(f, err)
	require.NoError(f, e.Add(1, []Detection{{CategoryID: 1, Score: .5, Box: [4]float64{0, 0, 9, 8}}, {CategoryID: 1, Score: .25, Box: [4]float64{0, 0, 5, 5}}}))
	var b bytes.Buffer
	require.NoError(f, e.WritePartial(&b))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := New(d, p)
		require.NoError(t, err)
		if e.merge(sealed(b)) == nil {
			_, err = e.Evaluate()
			require.NoError(t, err)
		}
	})
}

// sealed puts the right checksum at the end, so that fuzzing reaches what is behind it.
func sealed(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	return binary.LittleEndian.AppendUint32(bytes.Clone(b[:len(b)-4]), crc32.ChecksumIEEE(b[:len(b)-4]))
}
