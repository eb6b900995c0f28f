package cocoeval

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// resamplerOf evaluates a pair of files and returns its resampler and its statistics.
func resamplerOf(t testing.TB, gt, dt string, p Params) (*Resampler, []float64) {
	d, err := coco.OpenDataset(gt, p.IoU.Fields())
	require.NoError(t, err)
	r, err := coco.OpenResults(dt, p.IoU.Fields())
	require.NoError(t, err)
	return resamplerIn(t, d, r, p)
}

func resamplerIn(t testing.TB, d *coco.Dataset, r *coco.Results, p Params) (*Resampler, []float64) {
	ev, err := New(d, p)
	require.NoError(t, err)
	require.NoError(t, ev.AddResults(r))
	e, err := ev.Evaluate()
	require.NoError(t, err)
	s, err := ev.Resampler()
	require.NoError(t, err)
	return s, values(e.Stats())
}

// bootstrap.json: pycocotools 2.0.11 with numpy 2.4.6 on data sets in which the images of a resample, in its order, are
// written out with new ids; see README.md of testdata.
func TestResamplesOfPycocotools(t *testing.T) {
	n := 0
	for _, dir := range dataSets(t) {
		files, err := filepath.Glob(filepath.Join(dir, "bootstrap.json*"))
		require.NoError(t, err)
		if len(files) == 0 {
			files, err = filepath.Glob(filepath.Join(dir, "..", "analytics", filepath.Base(dir), "bootstrap.json"))
			require.NoError(t, err)
		}
		for _, f := range files {
			var x struct {
				IoU, A, B string
				Resamples []struct {
					Images []int64 `json:"image_ids_in_order"`
					A, B   []float64
				}
			}
			readJSON(t, f, &x)
			iou, err := ParseIoUType(x.IoU)
			require.NoError(t, err)
			gt := open(t, dir, "instances_val2017_subset.json")
			a, _ := resamplerOf(t, gt, open(t, dir, filepath.Base(x.A)), NewParams(iou, COCO))
			var b *Resampler
			if results := open(t, dir, filepath.Base(x.B)); exists(results) { // the small part has A alone
				b, _ = resamplerOf(t, gt, results, NewParams(iou, COCO))
			}
			for _, sample := range x.Resamples {
				n++
				for r, want := range map[*Resampler][]float64{a: sample.A, b: sample.B} {
					if r == nil {
						continue
					}
					got := make([]float64, 12)
					r.NewSampler().Sample(indices(t, r, sample.Images), got, nil)
					require.InDeltaSlice(t, want, got, 1e-12)
				}
			}
		}
	}
	require.Positive(t, n)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// indices finds image ids.
func indices(t *testing.T, r *Resampler, ids []int64) (list []int32) {
	for _, id := range ids {
		i, found := slices.BinarySearch(r.ImageIDs(), id)
		require.True(t, found)
		list = append(list, int32(i))
	}
	return list
}

// Each image once is the evaluation itself, by every protocol and with every kind of settings.
func TestSampleOfAllImages(t *testing.T) {
	check := func(t *testing.T, d *coco.Dataset, r *coco.Results, p Params) {
		if len(p.IoUThresholds) > 32 {
			return
		}
		s, want := resamplerIn(t, d, r, p)
		all := make([]int32, len(s.ImageIDs()))
		for i := range all {
			all[i] = int32(i)
		}
		got := make([]float64, len(want))
		s.NewSampler().Sample(all, got, nil)
		require.InDeltaSlice(t, want, got, 1e-12)
	}
	for _, name := range []string{"pairs", "lvis", "boundary"} {
		for _, x := range readPairs(t, filepath.Join("testdata", "random", name+".jsonl.gz")) {
			p := x.params(t)
			d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
			require.NoError(t, err)
			r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
			require.NoError(t, err)
			t.Run(x.Seed, func(t *testing.T) { check(t, d, r, p) })
		}
	}
}

// copies writes out a sample of the images, each an image of its own with its place as id.
func copies(d *coco.Dataset, r *coco.Results, sample []int64) (*coco.Dataset, *coco.Results) {
	outD, outR := &coco.Dataset{Categories: d.Categories}, &coco.Results{}
	var ids []int64
	var areas []float64
	for place, id := range sample {
		image := d.Images[slices.IndexFunc(d.Images, func(im coco.Image) bool { return im.ID == id })]
		image.ID = int64(place + 1)
		outD.Images = append(outD.Images, image)
		for i := range d.Len() {
			if e := d.Entry(i); e.ImageID == id {
				e.ImageID = image.ID
				outD.Append(&e)
				ids, areas = append(ids, int64(len(ids)+1)), append(areas, e.Area)
			}
		}
		for i := range r.Len() {
			if e := r.Entry(i); e.ImageID == id {
				e.ImageID = image.ID
				outR.Append(&e)
			}
		}
	}
	outD.ID, outD.Area = ids, areas
	return outD, outR
}

// Samples equal the evaluation of the copies written out, with many tied scores, crowds and empty images, in any order of the
// sample. The evaluation itself is compared with pycocotools in TestPycocotools.
func TestSamplesEqualCopies(t *testing.T) {
	p := NewParams(BBox, COCO)
	n := 0
	for seed, x := range readPairs(t, filepath.Join("testdata", "random", "pairs.jsonl.gz")) {
		d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
		require.NoError(t, err)
		r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
		require.NoError(t, err)
		if x.IoU != "bbox" || r.Len() == 0 {
			continue
		}
		for i := range d.ID { // those of the pairs are odd on purpose
			d.ID[i] = int64(i + 1)
		}
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		for i := range r.Score { // half of the pairs: few scores, so that there are many ties
			if seed%2 == 0 {
				r.Score[i] = float64(random.IntN(4)) / 4
			}
		}
		s, _ := resamplerIn(t, d, r, p)
		sampler := s.NewSampler()
		for round := range 4 {
			sample := make([]int32, len(s.ImageIDs()))
			for i := range sample {
				sample[i] = int32(random.IntN(len(sample)))
			}
			if round%2 == 0 {
				slices.Sort(sample)
			}
			ids := make([]int64, len(sample))
			for i, image := range sample {
				ids[i] = s.ImageIDs()[image]
			}
			got, classes := make([]float64, 12), make([]float64, len(s.Categories()))
			sampler.Sample(sample, got, classes)
			cd, cr := copies(d, r, ids)
			e, err := Evaluate(cd, cr, p)
			require.NoError(t, err)
			require.InDeltaSlice(t, values(e.Stats()), got, 1e-12, "%s, sample %v", x.Seed, sample)
			for k := range classes {
				require.InDelta(t, e.ClassStats(k)[0].Value, classes[k], 1e-12)
			}
			n++
		}
	}
	require.Greater(t, n, 40)
}

// BenchmarkSample is one sample of two models' images of the size of val2017, as bench/peers/bootstrap.py times it beside
// hotcoco.
func BenchmarkSample(b *testing.B) {
	for _, iou := range []IoUType{BBox, Segm} {
		b.Run(iou.String(), func(b *testing.B) {
			dir := filepath.Join(cmp.Or(os.Getenv("SPINEMASK_SHARED"), filepath.Join("..", "..", "shared")), "cocoeval", "val2017_size")
			files, _ := filepath.Glob(filepath.Join(dir, "gt.json*"))
			results, _ := filepath.Glob(filepath.Join(dir, "dt_"+iou.String()+"_37k.json*"))
			if len(files) == 0 || len(results) == 0 {
				b.Skip("no data")
			}
			r, _ := resamplerOf(b, files[0], results[0], NewParams(iou, COCO))
			random := rand.New(rand.NewPCG(1, 1))
			sample := make([]int32, len(r.ImageIDs()))
			for i := range sample {
				sample[i] = int32(random.IntN(len(sample)))
			}
			slices.Sort(sample)
			s, stats, classes := r.NewSampler(), make([]float64, 12), make([]float64, len(r.Categories()))
			for b.Loop() {
				s.Sample(sample, stats, classes)
			}
		})
	}
}
