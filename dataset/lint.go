package dataset

import (
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// Lint says what looks wrong with COCO's data set d, by the rules of Check, and with each of
// the results of a model on it. images is the folder of the pictures, with which sizes are
// compared; "": they are not looked at.
func Lint(d *coco.Dataset, results []*coco.Results, images string) (set []Problem, found [][]Problem) {
	r := readCOCO(d, images)
	for _, res := range results {
		var p []Problem
		if len(r.Categories) > 0 { // else there is nothing that they could be of
			p = r.results(res)
		}
		found = append(found, p)
	}
	return Check(r.Set, nil, CheckOptions{}), found
}

// results checks results on the data set of r.
func (r *cocoReader) results(res *coco.Results) []Problem {
	s := &Set{Kind: COCO, Path: res.File, Categories: r.Categories, Images: slices.Clone(r.Images)}
	for i := range s.Images {
		s.Images[i].Objects = nil
	}
	x := &cocoReader{Set: s, data: r.data, file: res.File, array: "results", image: r.image, gone: r.gone, category: r.category}
	x.entries(&res.Annotations)
	c := &checker{Set: Set{Problems: s.Problems}}
	c.objects(s)
	c.scores(res)
	return c.Problems
}

// scores warns of scores that are no parts of 1, and of those that order nothing.
func (c *checker) scores(res *coco.Results) {
	beyond := 0
	for _, v := range res.Score {
		if v < 0 || v > 1 {
			beyond++
		}
	}
	if beyond > 0 {
		c.warn("score-range", res.File, "%d of %d scores lie outside of 0 to 1, from %g to %g: thresholds and calibration want parts of 1", beyond, len(res.Score), slices.Min(res.Score), slices.Max(res.Score))
	}
	if n := len(res.Score); n >= fewExamples && slices.Min(res.Score) == slices.Max(res.Score) {
		c.warn("score-constant", res.File, "all %d scores are %g: without an order of the results, AP says nothing", n, res.Score[0])
	}
}
