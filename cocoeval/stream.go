package cocoeval

import (
	"fmt"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// A Detection is what a model found: for evaluating while it runs.
type Detection struct {
	CategoryID int64
	Score      float64
	Box        [4]float64 // x, y, width, height in pixels; all 0 says that it is that of the mask
	Mask       rle.Mask   // of the whole image; without runs, none
	Keypoints  []float64  // x, y, visibility of each
}

// Add adds the detections of an image, whose id is that of coco.Image. It does not keep list.
//
// An evaluation is that of the results file with the same detections, where Box, Mask and Keypoints stand as their fields.
// So, in strict mode, the areas of detections with a box are those of the boxes also where masks are evaluated; and the
// first detection of each list, instead of the first of the file, decides which fields all must have.
func (e *Evaluator) Add(imageID int64, list []Detection) error {
	name := func(i int) string { return fmt.Sprintf("cocoeval: image %d: detection %d: ", imageID, i) }
	var a coco.Annotations
	for i := range list {
		x := &list[i]
		entry := coco.Entry{ImageID: imageID, CategoryID: x.CategoryID, Score: x.Score, Box: x.Box, Has: coco.HasScore}
		if x.Mask.Runs != nil {
			if err := rle.CheckSize(x.Mask.H, x.Mask.W); err != nil {
				return fmt.Errorf("%s%w", name(i), err)
			}
			entry.Mask = x.Mask
		}
		if x.Box != [4]float64{} || x.Mask.Runs == nil && x.Keypoints == nil {
			entry.Has |= coco.HasBox
		}
		if x.Keypoints != nil {
			entry.Keypoints = x.Keypoints
			entry.Has |= coco.HasKeypoints
		}
		a.Append(&entry)
	}
	a.ImageNames, a.CategoryNames = e.g.data.ImageNames, e.g.data.CategoryNames
	fail := func(i int, field, msg string) error { return fmt.Errorf("%s%s: %s", name(i), field, msg) }
	var w warnings
	d, err := newDetections(&a, fail, e.g, e.p, &w)
	if err != nil {
		return err
	}
	return e.add(d, "", &w)
}
