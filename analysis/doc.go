// Package analysis tells what is wrong with a model's detections: which kinds of errors cost how much average precision
// (TIDE), which classes are taken for which, which score threshold to use, whether scores are probabilities, and which images
// are the worst.
//
// All of it reads one matching, the [cocoeval.Outcomes] of an evaluation, so that the numbers fit together:
//
//	p := cocoeval.NewParams(cocoeval.Segm, cocoeval.COCO)
//	p.MatchIoU = 0.5
//	ev, err := cocoeval.New(d, p)
//	...
//	err = ev.AddResults(r)
//	...
//	o, err := ev.Outcomes()
//	...
//	a := analysis.New(o)
//	score := a.Score()
//	a.TIDE()
//	a.Confusion(score, analysis.ClassFirst)
//	a.Thresholds(1)
//	a.Calibration(10)
//	a.Images(score)
//
// Two models are compared by resampling the images ([Compare], of [cocoeval.Evaluator.Resampler]) and annotation by annotation
// ([CompareOutcomes]). [ObjectSlices] and [ImageSlices] are about some of the objects or images, [NewErrorTable] is COCO's own
// error analysis, and [Analysis.Suspects] lists annotations that may be wrong themselves.
//
// No result holds a number that is not finite, whatever the files are.
package analysis
