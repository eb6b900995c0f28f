package cocoeval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is odd is told, and changes no number: those are pycocotools 2.0.11's for the changed pair.
func TestSilentOdditiesAreTold(t *testing.T) {
	type m = map[string]any
	boxes := func(list []object, f func(b [4]float64) [4]float64) {
		for _, x := range list {
			var b [4]float64
			for i, v := range x["bbox"].([]any) {
				b[i], _ = v.(json.Number).Float64()
			}
			x["bbox"] = f(b)
		}
	}
	corners := func(b [4]float64) [4]float64 { return [4]float64{b[0], b[1], b[0] + b[2], b[1] + b[3]} }
	fractions := func(b [4]float64) [4]float64 {
		return [4]float64{b[0] / 120, b[1] / 90, b[2] / 120, b[3] / 90}
	}
	for _, c := range []struct {
		name   string
		change func(p *pairOfFiles)
		ap     float64
		codes  []string
		count  int
	}{
		{"all crowds", func(p *pairOfFiles) {
			for _, a := range p.list("annotations") {
				a["iscrowd"] = 1
			}
		}, -1, []string{"all-crowd"}, 3},
		{"a category of crowds", func(p *pairOfFiles) { p.list("annotations")[5]["iscrowd"] = 1 }, 0x1.94a84d0dafe7bp-1, []string{"all-crowd"}, 1},
		{"no annotations", func(p *pairOfFiles) { p.gt["annotations"] = []any{} }, -1, []string{"no-annotations"}, 1},
		{"annotations of corners", func(p *pairOfFiles) { boxes(p.list("annotations"), corners) }, 0x1.5555555555554p-3, []string{"annotation-xyxy"}, 3},
		{"annotations of fractions", func(p *pairOfFiles) { boxes(p.list("annotations"), fractions) }, 0, []string{"annotation-normalised"}, 6},
		{"results of fractions", func(p *pairOfFiles) { boxes(p.results(), fractions) }, 0, []string{"normalised"}, 7},
		{"fractions, sizes unknown", func(p *pairOfFiles) {
			boxes(p.results(), fractions)
			for _, im := range p.list("images") {
				delete(im, "width")
			}
		}, 0, []string{"normalised"}, 7},
		{"data set from 0", func(p *pairOfFiles) {
			replace(p.list("categories"), "id", m{"1": 0, "2": 1, "3": 2})
			replace(p.list("annotations"), "category_id", m{"1": 0, "2": 1, "3": 2})
		}, 0, []string{"categories-from-1", "unknown-category-results"}, 7},
		{"results from 0", func(p *pairOfFiles) { replace(p.results(), "category_id", m{"1": 0, "2": 1, "3": 2}) }, 0, []string{"categories-from-0", "unknown-category-results"}, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := readJSONPair(t)
			c.change(pair)
			e, err := pair.evaluate(t, NewParams(BBox, COCO))
			require.NoError(t, err)
			require.Equal(t, c.ap, e.Stats()[0].Value)
			require.Equal(t, c.codes, codes(e))
			require.Equal(t, c.count, e.Warnings[0].Count)
		})
	}
}

// Ranges of areas with labels of their own: pycocotools gives these numbers if the same ranges are called small and medium.
func TestOwnAreasAreShown(t *testing.T) {
	p := NewParams(BBox, COCO)
	p.Areas = []AreaRange{{Label: "all", Max: 1e10}, {Label: "tiny", Max: 700}, {Label: "big", Min: 700, Max: 1e10}}
	e, err := readJSONPair(t).evaluate(t, p)
	require.NoError(t, err)
	got := map[string]float64{}
	for _, s := range e.Stats() {
		got[s.Name] = s.Value
	}
	require.Equal(t, map[string]float64{
		"AP": idsAP, "AP50": 1, "AP75": 1, "APs": -1, "APm": -1, "APl": -1, "AR1": 0x1.527d27d27d27dp-1, "AR10": idsAR, "AR100": idsAR, "ARs": -1, "ARm": -1, "ARl": -1,
		"AP_tiny": 0x1.6666666666665p-1, "AP_big": 0x1.b9a9d260511bep-1, "AR_tiny": 0x1.6666666666666p-1, "AR_big": 0x1.cp-1,
	}, got)
	require.Len(t, e.ClassStats(0), len(got))
	var b bytes.Buffer
	require.NoError(t, e.WriteText(&b))
	require.Contains(t, b.String(), " Average Precision  (AP) @[ IoU=0.50:0.95 | area=  tiny | maxDets=100 ] = 0.700\n")
	require.Contains(t, b.String(), " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   big | maxDets=100 ] = 0.875\n")
}

// An image of 3·10⁹ pixels: pycocotools 2.0.11 has AP 0.9, AP50 1, AP75 1 for masks. Nothing here allocates by its pixels.
func TestImageOfMoreThan2To31Pixels(t *testing.T) {
	dir := filepath.Join("testdata", "huge")
	for _, mode := range []Mode{Strict, Corrected} {
		p := NewParams(Segm, COCO)
		p.Mode = mode
		e := evaluateFiles(t, dir, [2]string{"gt.json", "dt.json"}, p)
		require.Equal(t, []float64{.9, 1, 1}, values(e.Stats()[:3]), mode)
	}
	e := evaluateFiles(t, dir, [2]string{"gt.json", "dt.json"}, NewParams(Boundary, COCO)) // the smaller of two IoUs
	require.LessOrEqual(t, e.Stats()[0].Value, .9)
}

// Whatever sizes a file says, the answer is a number or an error, in no time.
func TestSizesOfImagesAndMasks(t *testing.T) {
	for _, size := range []string{"46341", "65535", "65536", "100000", "2147483648", "4294967296", "9223372036854775807", "1e18"} {
		for _, iou := range []IoUType{Segm, Boundary, BBox} {
			gt := fmt.Sprintf(`{"images":[{"id":1,"width":%[1]s,"height":%[1]s}],"categories":[{"id":1,"name":"c"}],
			 "annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[10,10,30,30],"area":900,"iscrowd":0,"segmentation":[[10,10,40,10,40,40,10,40]]}]}`, size)
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "gt"), []byte(gt), 0o600))
			for name, dt := range map[string]string{
				"polygon": `[{"image_id":1,"category_id":1,"score":0.9,"bbox":[10,10,30,30],"segmentation":[[10,10,40,10,40,40,10,40]]}]`,
				"box":     `[{"image_id":1,"category_id":1,"score":0.9,"bbox":[10,10,30,30]}]`,
			} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "dt"), []byte(dt), 0o600))
				e, err := tryFiles(filepath.Join(dir, "gt"), filepath.Join(dir, "dt"), NewParams(iou, COCO))
				if iou == BBox || size == "46341" || size == "65535" {
					require.NoError(t, err, name)
					require.InDelta(t, 1, e.Stats()[0].Value, 1e-12, name)
				} else {
					require.ErrorContains(t, err, "image 1 of ", name)
					require.ErrorContains(t, err, "want at most 4294967295 pixels", name)
				}
			}
		}
	}
}

func TestMasksOfPythonBytesAndFlatPolygons(t *testing.T) {
	for _, c := range []struct {
		change  func(p *pairOfFiles)
		refused string
		code    string
	}{
		{func(p *pairOfFiles) {
			for _, x := range p.results() {
				s := x["segmentation"].(object)
				s["counts"] = "b'" + strings.ReplaceAll(s["counts"].(string), `\`, `\\`) + "'"
			}
		}, "results[0]: segmentation: counts: the text of Python bytes", "bytes-counts"},
		{func(p *pairOfFiles) {
			for _, a := range p.list("annotations") {
				a["segmentation"] = a["segmentation"].([]any)[0]
			}
		}, "annotations[0] (id 1): segmentation: a flat list of numbers", "flat-polygon"},
	} {
		pair := readJSONPair(t)
		c.change(pair)
		p := NewParams(Segm, COCO)
		_, err := pair.evaluate(t, p)
		require.ErrorContains(t, err, c.refused)
		p.Mode = Corrected
		e, err := pair.evaluate(t, p)
		require.NoError(t, err)
		require.Equal(t, idsAP, e.Stats()[0].Value)
		require.Contains(t, codes(e), c.code)
		_, err = pair.evaluate(t, NewParams(BBox, COCO)) // nobody looks at the masks
		require.NoError(t, err)
	}
}

func TestMasksThatAreTurned(t *testing.T) {
	pair := readJSONPair(t)
	for _, im := range pair.list("images") {
		im["width"], im["height"] = im["height"], im["width"]
	}
	e, err := pair.evaluate(t, NewParams(Segm, COCO))
	require.NoError(t, err)
	require.Equal(t, []string{"exif-orientation", "rle-size"}, codes(e))
}
