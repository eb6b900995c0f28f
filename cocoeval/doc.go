// Package cocoeval compares detections with annotations as COCO does: average
// precision and recall of boxes, masks, boundaries and keypoints, by the COCO
// or the LVIS protocol.
//
// Two functions do the work: [Evaluate] compares a results file with a data
// set, and [Evaluation.WriteText] prints the numbers that everybody prints:
//
//	p := cocoeval.NewParams(cocoeval.Segm, cocoeval.COCO)
//	d, err := coco.OpenDataset("instances_val2017.json", p.IoU.Fields())
//	...
//	r, err := coco.OpenResults("results.json", p.IoU.Fields())
//	...
//	e, err := cocoeval.Evaluate(d, r, p)
//	...
//	e.WriteText(os.Stdout)
//
// Who evaluates while a model runs uses an [Evaluator]: [Evaluator.Add] takes the
// detections of an image, from many goroutines and in any order; what several
// processes found is merged by [Evaluator.WritePartial] and [Evaluator.Merge].
//
// In the default mode, [Strict], all arrays and statistics equal those of
// pycocotools 2.0.11 on x86-64 bit for bit, on every processor and for any number
// of threads; [Corrected] repairs what is known to be wrong there and says so in
// [Evaluation.Warnings].
package cocoeval
