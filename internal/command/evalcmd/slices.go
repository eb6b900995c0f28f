package evalcmd

import (
	"slices"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/command/analysisreport"
)

// aspectCuts part tall, square and wide boxes by width over height.
var aspectCuts = []float64{0.75, 1.33}

// slices compares objects of several sizes and shapes, and images with few and many objects or with a field of several values.
func (a *analyser) slices(t *analysis.Analysis, r *coco.Results, whole *cocoeval.Resampler) (*analysisreport.Slices, error) {
	p := a.params
	p.MatchIoU = 0
	aspects, err := analysis.Ranges(cocoeval.AspectRatio, aspectCuts)
	if err != nil {
		return nil, err
	}
	p.Areas = slices.Concat(p.Areas[1:], aspects)
	x, err := cocoeval.Evaluate(a.data, r, p)
	if err != nil {
		return nil, err
	}
	groups := t.ByCrowding()
	for _, field := range a.o.SliceBy {
		values, err := coco.ImageField(a.data.File, field)
		if err != nil {
			return nil, err
		}
		more, err := t.ByField(field, values)
		if err != nil {
			return nil, usageError{err}
		}
		groups = append(groups, more...)
	}
	return &analysisreport.Slices{Objects: analysis.ObjectSlices(x), Images: analysis.ImageSlices(whole, groups)}, nil
}
