package cocoeval

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// oddInput is an entry of odd_inputs/manifest.json.
type oddInput struct {
	Name, GT, DT, IoU string
	Strict, Corrected string // advice
	Pycocotools       struct {
		Hex []string `json:"stats_hex"`
	}
}

// outcome is what an odd input should give in a mode.
type outcome struct {
	stats string // "same": those of pycocotools for this input; "base": those of the input without the oddity; "": an error
	ap    float64
	text  string // part of the error, or the code of a warning
}

// What each odd input gives, beside those that give in both modes what pycocotools gives, without a warning.
var oddOutcomes = map[string][2]outcome{
	"gt_id0":              {{stats: "same", text: "id-0"}, {stats: "base", text: "id-0"}},
	"gt_dup_ids":          {{stats: "same", text: "duplicate-ids"}, {stats: "base", text: "duplicate-ids"}},
	"gt_no_iscrowd":       {{stats: "base", text: "no-iscrowd"}, {stats: "base", text: "no-iscrowd"}},
	"gt_no_area":          {{text: "gt_no_area.gt.json: byte 347: annotations[0] (id 1): area: missing"}, {stats: "base", text: "no-area"}},
	"gt_no_categories":    {{text: "gt_no_categories.gt.json: categories: missing"}, {stats: "base", text: "no-categories"}},
	"ids_string":          {{stats: "same"}, {stats: "same"}},
	"dt_ids_string":       {{text: "dt_ids_string.dt.json: byte 1: results[0]: image_id: strings in one file"}, {stats: "base", text: "image-id-type"}},
	"gt_seg_null":         {{text: "annotations[0] (id 1): segmentation: null"}, {stats: "base", text: "box-as-mask"}},
	"gt_seg_empty":        {{text: "annotations[0] (id 1): segmentation: empty list"}, {ap: .45, stats: "ap", text: "empty-mask"}},
	"gt_poly4":            {{text: "annotations[0] (id 1): segmentation: polygon of 4 numbers"}, {ap: .45, stats: "ap", text: "short-polygon"}},
	"gt_poly_odd":         {{stats: "same"}, {stats: "same", text: "odd-polygon"}},
	"gt_poly_outside":     {{stats: "same"}, {stats: "same", text: "polygon-outside"}},
	"dt_rle_list":         {{stats: "base", text: "listed-runs"}, {stats: "base", text: "listed-runs"}},
	"dt_rle_size":         {{stats: "same", text: "rle-size"}, {text: "results[0]: segmentation: size 100×80, want the image's 80×100"}},
	"dt_rle_short":        {{stats: "same", text: "rle-sum"}, {text: "results[0]: segmentation: runs do not sum to 80×100"}},
	"dt_rle_long":         {{text: "results[0]: segmentation: the runs sum to another number than those of annotation 1"}, {text: "results[0]: segmentation: runs do not sum to 80×100"}},
	"dt_rle_garbage":      {{text: "dt_rle_garbage.dt.json: byte 84: results[0]: segmentation: counts: rle: offset 0: character"}, {text: "results[0]: segmentation: counts: rle: offset 0: character"}},
	"dt_rle_open":         {{text: "results[0]: segmentation: counts: rle: offset 0: number is cut off"}, {text: "results[0]: segmentation: counts: rle: offset 0: number is cut off"}},
	"dt_unknown_image":    {{text: "results[0]: image_id: not an image of the data set; so are those of 1 results, the first ids: 99"}, {ap: .5331683168316832, stats: "ap", text: "unknown-image-results"}},
	"dt_unknown_category": {{stats: "same", text: "unknown-category-results"}, {stats: "same", text: "unknown-category-results"}},
	"dt_empty":            {{ap: 0, stats: "ap", text: "no-results"}, {ap: 0, stats: "ap", text: "no-results"}},
	"dt_dict":             {{text: "dt_dict.dt.json: object, want a list of results"}, {stats: "base", text: "results-in-object"}},
	"dt_score_nan":        {{stats: "same", text: "score"}, {text: "results[0]: score: NaN"}},
	"dt_bbox_inf":         {{stats: "same", text: "box"}, {text: "results[0]: bbox: [+Inf 10 40 30]: not finite"}},
	"dt_1e400":            {{stats: "same", text: "box"}, {text: "results[0]: bbox: [+Inf 10 40 30]: not finite"}},
	"dt_neg_width":        {{stats: "same", text: "box-size"}, {stats: "same", text: "box-size"}},
	"dt_zero_area":        {{stats: "same", text: "box-size"}, {stats: "same", text: "box-size"}},
	"dt_xyxy":             {{stats: "same", text: "xyxy"}, {stats: "same", text: "xyxy"}},
	"dt_cat0":             {{stats: "same", text: "categories-from-0"}, {stats: "same", text: "categories-from-0"}},
	"dt_mixed":            {{text: "results[1]: bbox: missing"}, {stats: "base"}},
	"dt_mixed_rev":        {{text: "results[1]: segmentation: missing"}, {stats: "base"}},
	"gt_dup_images":       {{stats: "same", text: "duplicate-images"}, {stats: "same", text: "duplicate-images"}},
	"dt_truncated":        {{text: "dt_truncated.dt.json: byte 406: results[5]: unexpected end of file"}, {text: "byte 406: results[5]: unexpected end of file"}},
	"gt_gz":               {{stats: "base"}, {stats: "base"}},
	"dt_bom":              {{stats: "base", text: "byte-order-mark"}, {stats: "base", text: "byte-order-mark"}},
	"dt_deep":             {{stats: "base"}, {stats: "base"}},
	"dt_no_score":         {{text: "dt_no_score.dt.json: byte 129: results[2]: score: missing"}, {text: "results[2]: score: missing"}},
	"dt_score_null":       {{text: "results[2]: score: missing"}, {text: "results[2]: score: missing"}},
	"dt_kpts_len":         {{text: "results[0]: keypoints: 15 numbers, want 51"}, {text: "results[0]: keypoints: 15 numbers, want 51"}},
	"dt_bbox3":            {{text: "results[0]: bbox: 3 numbers, want 4"}, {text: "results[0]: bbox: 3 numbers, want 4"}},
	"gt_bbox_string":      {{text: "results[0]: bbox: string, want a number"}, {text: "results[0]: bbox: string, want a number"}},
}

func TestOddInputs(t *testing.T) {
	dir := filepath.Join("testdata", "odd_inputs")
	var manifest []oddInput
	readJSON(t, filepath.Join(dir, "manifest.json"), &manifest)
	require.Len(t, manifest, 49)
	base := floats(t, manifest[0].Pycocotools.Hex)
	for _, in := range manifest {
		want, ok := oddOutcomes[in.Name]
		if !ok {
			want = [2]outcome{{stats: "same"}, {stats: "same"}}
		}
		for mode, want := range want {
			t.Run(in.Name+"/"+[]string{"strict", "corrected"}[mode], func(t *testing.T) {
				iou, err := ParseIoUType(in.IoU)
				require.NoError(t, err)
				p := NewParams(iou, COCO)
				p.Mode = Mode(mode)
				e, err := tryFiles(filepath.Join(dir, in.GT), filepath.Join(dir, in.DT), p)
				if want.stats == "" {
					require.ErrorContains(t, err, want.text)
					return
				}
				require.NoError(t, err)
				switch want.stats {
				case "same":
					require.NotEmpty(t, in.Pycocotools.Hex)
					require.Equal(t, floats(t, in.Pycocotools.Hex), values(e.Stats()))
				case "base":
					require.Equal(t, base, values(e.Stats()))
				case "ap":
					require.InDelta(t, want.ap, e.Stats()[0].Value, 1e-15)
				}
				var codes []string
				for _, w := range e.Warnings {
					codes = append(codes, w.Code)
				}
				if want.text == "" {
					require.Empty(t, codes)
				} else {
					require.Contains(t, codes, want.text)
				}
			})
		}
	}
}

// tryFiles evaluates a pair of files.
func tryFiles(gt, dt string, p Params) (*Evaluation, error) {
	d, err := coco.OpenDataset(gt, p.IoU.Fields())
	if err != nil {
		return nil, err
	}
	r, err := coco.OpenResults(dt, p.IoU.Fields())
	if err != nil {
		return nil, err
	}
	return Evaluate(d, r, p)
}
