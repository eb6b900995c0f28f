package dataset_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/dataset"
)

// Results are looked at by the rules for annotations; each pair has one fault in its results.
func TestLintOfResults(t *testing.T) {
	result := func(x float64, more ...any) object {
		r := object{"image_id": 1, "category_id": 1, "score": 0.5 + x/100, "bbox": []any{x, 2, 5, 4}}
		for i := 0; i < len(more); i += 2 {
			r[more[i].(string)] = more[i+1]
		}
		return r
	}
	for _, c := range []struct {
		name    string
		results []object
		want    []string
	}{
		{"nothing", []object{result(2), result(7)}, nil},
		{"twice", []object{result(2), result(7), result(2)}, []string{"dt.json: results[2]: the same object is dt.json: results[0] [object-twice]"}},
		{"outside", []object{result(2), result(30)}, []string{"dt.json: results[1]: the box from (30, 2) to (35, 6) lies outside of the image of 20×10 pixels (width × height) [box-outside]"}},
		{"inverted", []object{result(2), result(7, "bbox", []any{9, 8, -3, -3})}, []string{"dt.json: results[1]: the box has a width of -3 and a height of -3; boxes are x, y, width, height [box-size]"}},
		{"corners", []object{result(12, "bbox", []any{12, 2, 17, 6}), result(8, "bbox", []any{8, 3, 16, 9})}, []string{
			"dt.json: 2 boxes of results leave their image, and none would as x1, y1, x2, y2: COCO wants x, y, width, height [xyxy]",
			"dt.json: results[0]: the box from (12, 2) to (29, 8) reaches beyond the image of 20×10 pixels (width × height) [box-beyond]",
			"dt.json: results[1]: the box from (8, 3) to (24, 12) reaches beyond the image of 20×10 pixels (width × height) [box-beyond]",
		}},
		{"fractions", []object{result(2, "bbox", []any{.1, .2, .25, .4})}, []string{"dt.json: 1 boxes of results lie between 0 and 1: they seem to be fractions of the image; COCO wants pixels [normalised]"}},
		{"a mask elsewhere", []object{result(2, "segmentation", object{"size": []any{10, 20}, "counts": []any{150, 5, 45}})}, []string{
			"dt.json: results[0]: the box from (2, 2) to (7, 6) does not fit the mask, which is from (15, 0) to (16, 5); boxes are x, y, width, height [box-mask]"}},
		{"percent", []object{result(2, "score", 99)}, []string{"dt.json: 1 of 1 scores lie outside of 0 to 1, from 99 to 99: thresholds and calibration want parts of 1 [score-range]"}},
		{"an unknown class", []object{result(2, "category_id", 4)}, []string{"dt.json: results[0]: there is no category with the id 4 [unknown-category]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := json.Marshal(object{
				"images": []object{{"id": 1, "width": 20, "height": 10}}, "categories": []object{{"id": 1, "name": "cell"}}, "annotations": []object{annotation(1, 1)},
			})
			require.NoError(t, err)
			d, err := coco.ParseDataset(set, "gt.json", coco.AllFields)
			require.NoError(t, err)
			data, err := json.Marshal(c.results)
			require.NoError(t, err)
			r, err := coco.ParseResults(data, "dt.json", coco.AllFields)
			require.NoError(t, err)
			truth, found := dataset.Lint(d, []*coco.Results{r}, "")
			require.Len(t, truth, 1, "the class has few examples")
			var lines []string
			for _, p := range found[0] {
				lines = append(lines, p.String())
			}
			require.Equal(t, c.want, lines)
		})
	}
}
