package cocoeval_test

import (
	"fmt"
	"os"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

const annotations = `{
	"images": [{"id": 1, "width": 100, "height": 100}],
	"categories": [{"id": 1, "name": "nucleus"}],
	"annotations": [
		{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
		{"id": 2, "image_id": 1, "category_id": 1, "bbox": [60, 60, 20, 20], "area": 400, "iscrowd": 0}
	]
}`

// A model that runs gives its detections image by image.
func ExampleEvaluator() {
	p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
	d, err := coco.ParseDataset([]byte(annotations), "annotations", p.IoU.Fields())
	if err != nil {
		panic(err)
	}
	ev, err := cocoeval.New(d, p)
	if err != nil {
		panic(err)
	}
	err = ev.Add(1, []cocoeval.Detection{
		{CategoryID: 1, Score: 0.9, Box: [4]float64{10, 10, 20, 20}},
		{CategoryID: 1, Score: 0.8, Box: [4]float64{30, 60, 20, 20}},
	})
	if err != nil {
		panic(err)
	}
	e, err := ev.Evaluate()
	if err != nil {
		panic(err)
	}
	for _, s := range e.Stats()[:3] {
		fmt.Printf("%s %.3f\n", s.Name, s.Value)
	}
	fmt.Fprintln(os.Stdout, len(e.Categories), "category")
	// Output:
	// AP 0.505
	// AP50 0.505
	// AP75 0.505
	// 1 category
}
