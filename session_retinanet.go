package spinemask

import (
	"context"
	"fmt"

	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/retinanet"
)

// oneStage is a RetinaNet behind the trunk, which its dense head is a part of.
type oneStage struct {
	*session
	detector *retinanet.Detector
	levels   []retinanet.Output
}

func newOneStage(s *session) *oneStage {
	return &oneStage{session: s, detector: retinanet.NewDetector(s.m.config)}
}

func (o *oneStage) bind() {
	c := o.m.config
	o.levels = o.levels[:0]
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		classes, deltas := o.trunk.Output(fmt.Sprintf("classes%d", l)), o.trunk.Output(fmt.Sprintf("deltas%d", l))
		o.levels = append(o.levels, retinanet.Output{
			Height: classes.Height, Width: classes.Width,
			Classes: classes.Data, ClassesRow: classes.RowStride,
			Deltas: deltas.Data, DeltasRow: deltas.RowStride,
		})
	}
}

// detect chooses from the outputs of the dense head. Instances have no masks.
func (o *oneStage) detect(_ context.Context, g preprocess.Geometry) (*Result, error) {
	o.detector.Start(o.levels, g.Input())
	parts := o.team.Workers()
	o.team.Do(parts, parallel.Func(func(_, part int) { o.detector.Collect(part, parts) }))
	r := &Result{Height: g.Height, Width: g.Width, Instances: []Instance{}}
	for _, d := range o.detector.Choose(g.Clip(o.m.config.Boxes.Clip)) {
		if float64(d.Score) < o.m.options.MinScore {
			break
		}
		category := o.m.config.CategoryAt(d.Class)
		r.Instances = append(r.Instances, Instance{Category: category.ID, Name: categoryName(category), Score: d.Score, Box: g.ToPhoto(d.Box)})
	}
	o.done("detections")
	return r, nil
}
