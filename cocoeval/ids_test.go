package cocoeval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

type object = map[string]any

// pairOfFiles is a data set and results that a test changes.
type pairOfFiles struct {
	gt object
	dt []any
}

// readJSONPair reads testdata/ids. Numbers keep their digits.
func readJSONPair(t *testing.T) *pairOfFiles {
	t.Helper()
	p := &pairOfFiles{}
	for name, into := range map[string]any{"gt.json": &p.gt, "dt.json": &p.dt} {
		data, err := os.ReadFile(filepath.Join("testdata", "ids", name))
		require.NoError(t, err)
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		require.NoError(t, d.Decode(into))
	}
	return p
}

// list is a list of the data set.
func (p *pairOfFiles) list(name string) (out []object) {
	for _, x := range p.gt[name].([]any) {
		out = append(out, x.(object))
	}
	return out
}

func (p *pairOfFiles) results() (out []object) {
	for _, x := range p.dt {
		out = append(out, x.(object))
	}
	return out
}

// replace puts other values for those of a key, by what they are now.
func replace(list []object, key string, values map[string]any) {
	for _, x := range list {
		if v, ok := values[fmt.Sprint(x[key])]; ok {
			x[key] = v
		}
	}
}

// images gives images other ids, everywhere; categories does that for categories.
func (p *pairOfFiles) images(ids map[string]any) {
	replace(p.list("images"), "id", ids)
	replace(p.list("annotations"), "image_id", ids)
	replace(p.results(), "image_id", ids)
}

func (p *pairOfFiles) categories(ids map[string]any) {
	replace(p.list("categories"), "id", ids)
	replace(p.list("annotations"), "category_id", ids)
	replace(p.results(), "category_id", ids)
}

func (p *pairOfFiles) annotationIDs(f func(i int) any) {
	for i, a := range p.list("annotations") {
		a["id"] = f(i + 1)
	}
}

// evaluate evaluates the pair, written as JSON.
func (p *pairOfFiles) evaluate(t *testing.T, params Params) (*Evaluation, error) {
	t.Helper()
	gt, err := json.Marshal(p.gt)
	require.NoError(t, err)
	dt, err := json.Marshal(p.dt)
	require.NoError(t, err)
	d, err := coco.ParseDataset(gt, "gt.json", params.IoU.Fields())
	if err != nil {
		return nil, err
	}
	r, err := coco.ParseResults(dt, "dt.json", params.IoU.Fields())
	if err != nil {
		return nil, err
	}
	return Evaluate(d, r, params)
}

func codes(e *Evaluation) (list []string) {
	for _, w := range e.Warnings {
		list = append(list, w.Code)
	}
	return list
}

// What pycocotools 2.0.11 with numpy 2.4.6 gives for testdata/ids: AP and AR100 of boxes and of masks alike.
const (
	idsAP = 0x1.742bef1a3100ep-1
	idsAR = 0x1.7ffffffffffffp-1
)

// digits is a number with all its digits.
func digits(s string) json.Number { return json.Number(s) }

// The ids of a pair are changed. Numbers are those of pycocotools 2.0.11 with numpy 2.4.6 for the changed pair, made by
//
//	g = COCO(gt); e = COCOeval(g, g.loadRes(dt), 'bbox'); e.evaluate(); e.accumulate(); e.summarize()
//
// In corrected mode every id means what it says.
func TestIDsOfEveryType(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		name    string
		change  func(p *pairOfFiles)
		ap, ar  float64
		refused string // by strict mode, as by pycocotools
		code    string // of a warning in strict mode
	}{
		{name: "unsigned", change: func(p *pairOfFiles) {
			p.images(m{"1": digits("9223372036854775809"), "2": digits("9223372036854775811")})
		}},
		{name: "rounded by numpy", change: func(p *pairOfFiles) { p.images(m{"2": digits("9223372036854775809")}) }, ap: 0x1.86769f2d1de8bp-1, ar: 0x1.8cccccccccccdp-1, code: "large-ids"},
		{name: "not rounded", change: func(p *pairOfFiles) { p.images(m{"2": digits("9223372036854775808")}) }},
		{name: "the other one rounded", change: func(p *pairOfFiles) {
			p.images(m{"1": digits("9007199254740993"), "2": digits("9223372036854775808")})
		}, ap: 0x1.9999999999998p-1, ar: 0x1.999999999999ap-1, code: "large-ids"},
		{name: "below 0 and unsigned", change: func(p *pairOfFiles) { p.images(m{"1": -1, "2": digits("9223372036854775809")}) }, ap: 0x1.86769f2d1de8bp-1, ar: 0x1.8cccccccccccdp-1, code: "large-ids"},
		{name: "128 bits", change: func(p *pairOfFiles) {
			p.images(m{"1": digits("9007199254740993"), "2": digits("1267650600228229401496703205377")})
		}},
		{name: "below -2^63", change: func(p *pairOfFiles) { p.images(m{"1": digits("-9223372036854775809")}) }},
		{name: "fraction", change: func(p *pairOfFiles) { p.images(m{"1": 1.5}) }},
		{name: "written 1.0", change: func(p *pairOfFiles) { replace(p.list("images"), "id", m{"1": digits("1.0"), "2": digits("2e0")}) }},
		{name: "strings", change: func(p *pairOfFiles) { p.images(m{"1": "a", "2": "b"}) }},
		{name: "a string among numbers", change: func(p *pairOfFiles) { p.images(m{"1": "x"}) }, refused: "gt.json: images: ids of several types"},
		{name: "null", change: func(p *pairOfFiles) { p.images(m{"1": nil}) }, refused: "gt.json: images: ids of several types"},
		{name: "categories unsigned", change: func(p *pairOfFiles) {
			p.categories(m{"1": digits("9223372036854775809"), "2": digits("9223372036854775811"), "3": digits("9223372036854775813")})
		}},
		{name: "category rounded by numpy", change: func(p *pairOfFiles) { p.categories(m{"2": digits("9223372036854775809")}) }, ap: 0x1.5afe7aad5ecbdp-1, ar: 0x1.6666666666666p-1, code: "large-ids"},
		{name: "category a fraction", change: func(p *pairOfFiles) { p.categories(m{"2": 1.5}) }},
		{name: "category a string among numbers", change: func(p *pairOfFiles) { p.categories(m{"2": "x"}) }, refused: "gt.json: categories: ids of several types"},
		{name: "annotations unsigned", change: func(p *pairOfFiles) {
			p.annotationIDs(func(i int) any { return digits(fmt.Sprint(uint64(1)<<63 + uint64(i))) })
		}},
		{name: "annotations of 128 bits", change: func(p *pairOfFiles) {
			p.annotationIDs(func(i int) any { return digits(fmt.Sprintf("12676506002282294014967032053%02d", i)) })
		}},
		{name: "annotations strings of digits", change: func(p *pairOfFiles) { p.annotationIDs(func(i int) any { return fmt.Sprint(i) }) }},
		{name: "annotations strings", change: func(p *pairOfFiles) { p.annotationIDs(func(i int) any { return fmt.Sprintf("x%d", i) }) }, refused: `annotations[0] (id "x1"): id: string`},
		{name: "annotation null", change: func(p *pairOfFiles) { p.list("annotations")[1]["id"] = nil }},
		{name: "annotations with fractions", change: func(p *pairOfFiles) { p.annotationIDs(func(i int) any { return float64(i) + .5 }) }},
		{name: "annotation 0 among unsigned", change: func(p *pairOfFiles) {
			p.annotationIDs(func(i int) any {
				if i == 1 {
					return 0
				}
				return digits(fmt.Sprint(uint64(1)<<63 + uint64(i)))
			})
		}, ap: 0x1.3189d42dbc859p-1, ar: 0x1.582d82d82d82dp-1, code: "id-0"},
	} {
		for _, mode := range []Mode{Strict, Corrected} {
			t.Run(fmt.Sprint(c.name, mode), func(t *testing.T) {
				pair := readJSONPair(t)
				c.change(pair)
				p := NewParams(BBox, COCO)
				p.Mode = mode
				e, err := pair.evaluate(t, p)
				if mode == Strict && c.refused != "" {
					require.ErrorContains(t, err, c.refused)
					return
				}
				require.NoError(t, err)
				ap, ar := idsAP, idsAR
				if mode == Strict && c.ap != 0 {
					ap, ar = c.ap, c.ar
				}
				require.Equal(t, []float64{ap, ar}, []float64{e.Stats()[0].Value, e.Stats()[8].Value})
				if mode == Strict && c.code != "" {
					require.Contains(t, codes(e), c.code)
				} else if mode == Strict {
					require.Empty(t, codes(e))
				}
			})
		}
	}
}

// Corrected mode takes what people write in place of ids.
func TestCorrectedModeFindsIDsByWhatTheyMean(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		name   string
		change func(p *pairOfFiles)
		code   string
	}{
		{"annotations with text for numbers", func(p *pairOfFiles) { replace(p.list("annotations"), "image_id", m{"1": "1", "2": "2"}) }, "image-id-type-annotations"},
		{"leading zeros in the data set", func(p *pairOfFiles) {
			replace(p.list("images"), "id", m{"1": "0001", "2": "0002"})
			replace(p.list("annotations"), "image_id", m{"1": "0001", "2": "0002"})
		}, "image-id-type"},
		{"leading zeros in the results", func(p *pairOfFiles) { replace(p.results(), "image_id", m{"1": "0001", "2": "2"}) }, "image-id-type"},
		{"both in the results", func(p *pairOfFiles) { replace(p.results(), "image_id", m{"2": "2"}) }, "image-id-type"},
		{"file names", func(p *pairOfFiles) { replace(p.results(), "image_id", m{"1": "img_a.png", "2": "img_b.png"}) }, "image-id-name"},
		{"stems", func(p *pairOfFiles) { replace(p.results(), "image_id", m{"1": "img_a", "2": "img_b"}) }, "image-id-name"},
		{"paths", func(p *pairOfFiles) {
			replace(p.results(), "image_id", m{"1": `C:\data\IMG_A.PNG`, "2": "/data/img_b.jpg"})
		}, "image-id-name"},
		{"numbers of files", func(p *pairOfFiles) { // by the files 1 and 2 are exchanged, and 7 is no id: the files decide
			replace(p.list("images"), "file_name", m{"img_a.png": "000002.png", "img_b.png": "000007.png"})
			replace(p.results(), "image_id", m{"1": 2, "2": 7})
		}, "image-id-name"},
		{"numbers and stems", func(p *pairOfFiles) {
			replace(p.list("images"), "file_name", m{"img_a.png": "0017.png"})
			replace(p.results(), "image_id", m{"1": 17, "2": "img_b"})
		}, "image-id-name"},
		{"names of categories", func(p *pairOfFiles) {
			replace(p.results(), "category_id", m{"1": "cell", "2": " Nucleus ", "3": "debris"})
		}, "category-id-name"},
		{"text for categories", func(p *pairOfFiles) { replace(p.results(), "category_id", m{"1": "01", "2": "2", "3": "3"}) }, "category-id-type"},
		{"text for categories of annotations", func(p *pairOfFiles) {
			replace(p.list("annotations"), "category_id", m{"1": "1", "2": "2", "3": "debris"})
		}, "category-id-type-annotations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := readJSONPair(t)
			c.change(pair)
			p := NewParams(BBox, COCO)
			p.Mode = Corrected
			e, err := pair.evaluate(t, p)
			require.NoError(t, err)
			require.Equal(t, []float64{idsAP, idsAR}, []float64{e.Stats()[0].Value, e.Stats()[8].Value})
			require.Contains(t, codes(e), c.code)
			require.NotContains(t, codes(e), "unknown-image-results")
			require.NotContains(t, codes(e), "unknown-category-results")
		})
	}
}

func TestIDsThatMeanNothingOrTwoThingsAreRefused(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		change func(p *pairOfFiles)
		want   string
	}{
		{func(p *pairOfFiles) { replace(p.results(), "image_id", m{"1": "x", "2": "y"}) },
			`results[0]: image_id: strings in one file, numbers in the other; 7 results, the first ids: "x", "y"; those of the data set: 1, 2`},
		{func(p *pairOfFiles) { replace(p.results(), "category_id", m{"1": 7, "2": 7, "3": 9}) },
			`results[0]: category_id: 7 is no category of the data set, and neither are those of the other results; it has 1 (cell), 2 (nucleus), 3 (debris)`},
		{func(p *pairOfFiles) {
			replace(p.list("images"), "file_name", m{"img_b.png": "img_a.png"})
			replace(p.results(), "image_id", m{"1": "img_a"})
		}, `image_id: "img_a" means image 1 (img_a.png) and image 2 (img_a.png) alike`},
		{func(p *pairOfFiles) {
			replace(p.list("categories"), "name", m{"nucleus": "Cell"})
			replace(p.results(), "category_id", m{"1": "CELL"})
		}, `category_id: "CELL" means category 1 (cell) and category 2 (Cell) alike`},
		{func(p *pairOfFiles) {
			replace(p.list("images"), "id", m{"1": "01", "2": "1"})
			replace(p.list("annotations"), "image_id", m{"1": "01", "2": "1"})
		}, `image_id: 1 means image "01" (img_a.png) and image "1" (img_b.png) alike`},
	} {
		pair := readJSONPair(t)
		c.change(pair)
		p := NewParams(BBox, COCO)
		p.Mode = Corrected
		_, err := pair.evaluate(t, p)
		require.ErrorContains(t, err, c.want)
	}
}

// Fields of null, sizes that are none: the numbers of pycocotools 2.0.11 with numpy 2.4.6 for the changed pair.
func TestOddFields(t *testing.T) {
	width := func(v any) func(p *pairOfFiles) {
		return func(p *pairOfFiles) {
			for _, im := range p.list("images") {
				im["width"] = v
			}
		}
	}
	for _, c := range []struct {
		name     string
		change   func(p *pairOfFiles)
		iou      IoUType
		agnostic bool
		ap, ar   float64
		refused  string
		code     string
	}{
		{name: "category null", change: func(p *pairOfFiles) { p.list("annotations")[5]["category_id"] = nil }, ap: 0x1.94a84d0dafe7bp-1, ar: 0x1.a666666666666p-1, code: "unknown-category-annotations"},
		{name: "category null, all taken for one", change: func(p *pairOfFiles) { p.list("annotations")[0]["category_id"] = nil }, agnostic: true, ap: 0x1.4a030aa542688p-1, ar: 0x1.999999999999ap-1, code: "unknown-category-annotations"},
		{name: "result's category null", change: func(p *pairOfFiles) { p.results()[0]["category_id"] = nil }, ap: 0x1.50afbc68c4036p-1, ar: 0x1.582d82d82d82dp-1, code: "unknown-category-results"},
		{name: "result's category null, all taken for one", change: func(p *pairOfFiles) { p.results()[0]["category_id"] = nil }, agnostic: true, ap: 0x1.4c0a237c32b17p-1, ar: 0x1.5555555555556p-1, code: "unknown-category-results"},
		{name: "annotation's image null", change: func(p *pairOfFiles) { p.list("annotations")[0]["image_id"] = nil }, ap: 0x1.51231743324c8p-1, ar: 0x1.8888888888889p-1, code: "unknown-image-annotations"},
		{name: "iscrowd null", change: func(p *pairOfFiles) { p.list("annotations")[0]["iscrowd"] = nil }, ap: idsAP, ar: idsAR, code: "no-iscrowd"}, // pycocotools: TypeError
		{name: "annotations' images as text", change: func(p *pairOfFiles) {
			replace(p.list("annotations"), "image_id", object{"1": "1", "2": "2"})
		}, ap: -1, ar: -1, code: "no-annotations"},
		{name: "width -1", change: width(-1), ap: idsAP, ar: idsAR, code: "image-size"},
		{name: "width 120.5", change: width(120.5), ap: idsAP, ar: idsAR, code: "image-size"},
		{name: "width a string", change: width("120"), ap: idsAP, ar: idsAR, code: "image-size"},
		{name: "width a list", change: width([]int{1}), ap: idsAP, ar: idsAR, code: "image-size"},
		{name: "width null", change: width(nil), ap: idsAP, ar: idsAR},
		{name: "masks, width 120.5", iou: Segm, change: width(120.5), ap: idsAP, ar: idsAR, code: "image-size"},
		{name: "masks, width -1", iou: Segm, change: width(-1), refused: "annotations[0] (id 1): segmentation: polygons in an image without height and width"},
		{name: "masks, width a string", iou: Segm, change: width("120"), refused: "polygons in an image without height and width"},
		{name: "masks, too many pixels", iou: Segm, change: width(digits("47721859")), refused: "annotations[0] (id 1): segmentation: polygons in image 1 of 90×47721859 pixels, want at most 4294967295 pixels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pair := readJSONPair(t)
			c.change(pair)
			p := NewParams(c.iou, COCO)
			p.ClassAgnostic = c.agnostic
			e, err := pair.evaluate(t, p)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []float64{c.ap, c.ar}, []float64{e.Stats()[0].Value, e.Stats()[8].Value})
			if c.code == "" {
				require.Empty(t, codes(e))
			} else {
				require.Contains(t, codes(e), c.code)
			}
		})
	}
}
