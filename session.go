package spinemask

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/boxhead"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/maskhead"
	"github.com/spinemask/spinemask/roialign"
	"github.com/spinemask/spinemask/rpn"
)

// A session is the memory and the threads of one picture in work.
type session struct {
	m    *Model
	team *parallel.Team

	trunk         *engine.Workspace
	trunkArena    engine.Arena
	height, width int // of the input that trunk is bound to
	boxes, masks  *engine.Workspace

	resizer  *preprocess.Resizer
	scratch  []preprocess.Scratch // per worker
	proposer *rpn.Proposer
	levels   []rpn.Output
	aligner  *roialign.Aligner
	maps     []roialign.Map // of the levels that RoIs are cut from
	detector *boxhead.Detector
	pasters  []maskhead.Paster // per worker

	classes, deltas []float32 // the box head's outputs for all proposals
	rois            []box.Box // the boxes of the detections
	classRows       []int     // their rows of the mask head
	probabilities   []float32 // their masks

	stages []Stage
	clock  time.Time
}

// newSession takes the memory that does not depend on the picture's size.
func newSession(ctx context.Context, m *Model) (*session, error) {
	c := m.config
	s := &session{
		m:        m,
		team:     parallel.NewTeam(m.options.threads()),
		resizer:  preprocess.NewResizer(&c.Input),
		proposer: rpn.NewProposer(c),
		aligner:  roialign.New(&c.RoIAlign, m.kernels),
		detector: boxhead.NewDetector(c),
	}
	s.scratch = make([]preprocess.Scratch, s.team.Workers())
	s.pasters = make([]maskhead.Paster, s.team.Workers())
	for i := range s.pasters {
		s.pasters[i] = maskhead.NewPaster(&c.Masks)
	}
	for _, head := range []*engine.Plan{m.boxPlan, m.maskPlan} {
		if err := head.Warm(ctx, s.team); err != nil {
			return nil, err
		}
	}
	s.trunkArena.Scratch = new(engine.Scratch)
	s.boxes = m.boxPlan.NewWorkspace(s.team, &engine.Arena{Scratch: s.trunkArena.Scratch})
	s.masks = m.maskPlan.NewWorkspace(s.team, &engine.Arena{Scratch: s.trunkArena.Scratch})
	return s, nil
}

// segment is the way of a picture, in the order of the package's architecture:
// input, backbone and RPN head, proposals, box head, detections, mask head,
// masks in the picture.
func (s *session) segment(ctx context.Context, img *imageio.Image) (*Result, error) {
	g, err := s.features(ctx, img)
	if err != nil {
		return nil, err
	}
	c := s.m.config
	clip := g.Clip(c.Boxes.Clip)
	proposals, _ := s.proposer.Propose(s.levels, g.Input(), clip)
	s.done("proposals")
	photo := box.Size{Height: float32(g.ScaledHeight), Width: float32(g.ScaledWidth)}
	if err := s.classify(ctx, photo, proposals); err != nil {
		return nil, err
	}
	s.done("box head")
	s.detector.PhotoScale = g.Scale()
	detections := s.choose(s.detector.Detect(s.classes, s.deltas, proposals, clip))
	s.done("detections")
	if err := s.mask(ctx, photo, detections); err != nil {
		return nil, err
	}
	s.done("mask head")
	result := s.paste(g, detections)
	if !s.m.options.Raw {
		result.clip()
	}
	s.done("paste")
	result.Stages = s.stages
	return result, nil
}

// features runs the trunk over a picture.
func (s *session) features(ctx context.Context, img *imageio.Image) (preprocess.Geometry, error) {
	s.stages, s.clock = nil, time.Now()
	g, err := preprocess.Fit(&s.m.config.Input, img.Height, img.Width)
	if err != nil {
		return g, err
	}
	if err := s.resize(ctx, g, img); err != nil {
		return g, err
	}
	s.done("resize")
	if err := s.trunk.Run(ctx, 1); err != nil {
		return g, err
	}
	s.done("backbone")
	return g, nil
}

// done ends a stage.
func (s *session) done(name string) {
	now := time.Now()
	s.stages = append(s.stages, Stage{name, now.Sub(s.clock)})
	s.clock = now
}

// resize fills the network's input, which is bound anew when its size changes.
func (s *session) resize(ctx context.Context, g preprocess.Geometry, img *imageio.Image) error {
	if s.trunk == nil || s.height != g.InputHeight || s.width != g.InputWidth {
		plan, err := s.m.trunk.Plan(g.InputHeight, g.InputWidth, 1)
		if err != nil {
			return err
		}
		if err := s.m.checkMemory(plan); err != nil {
			return fmt.Errorf("spinemask: %w", err)
		}
		if err := plan.Warm(ctx, s.team); err != nil {
			return err
		}
		s.trunk = plan.NewWorkspace(s.team, &s.trunkArena)
		s.height, s.width = g.InputHeight, g.InputWidth
		s.bindOutputs()
	}
	in := s.trunk.Input("image")
	s.resizer.Start(g, img.Pix)
	const block = 16 // rows
	s.team.Do((g.InputHeight+block-1)/block, parallel.Func(func(worker, part int) {
		s.resizer.Rows(in.Data, in.RowStride, part*block, min((part+1)*block, g.InputHeight), &s.scratch[worker])
	}))
	return nil
}

// bindOutputs looks up the trunk's outputs once for all pictures of a size.
func (s *session) bindOutputs() {
	c := s.m.config
	s.levels, s.maps = s.levels[:0], s.maps[:0]
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		o, d := s.trunk.Output(fmt.Sprintf("objectness%d", l)), s.trunk.Output(fmt.Sprintf("deltas%d", l))
		s.levels = append(s.levels, rpn.Output{
			Height: o.Height, Width: o.Width,
			Objectness: o.Data, ObjectnessRow: o.RowStride,
			Deltas: d.Data, DeltasRow: d.RowStride,
		})
	}
	for l := c.RoIAlign.MinLevel; l <= c.RoIAlign.MaxLevel; l++ {
		p := s.trunk.Output(network.PName(l))
		s.maps = append(s.maps, roialign.Map{Data: p.Data, Height: p.Height, Width: p.Width, Channels: p.Channels, RowStride: p.RowStride})
	}
}

// align cuts the features of RoIs into the input of a head.
func (s *session) align(head *engine.Workspace, photo box.Size, rois []box.Box) {
	in := head.Input("features")
	const block = 4 // RoIs
	s.team.Do((len(rois)+block-1)/block, parallel.Func(func(_, part int) {
		first := part * block
		dst := roialign.Crops{Data: in.Data[first*in.ItemStride:], ItemStride: in.ItemStride, RowStride: in.RowStride}
		s.aligner.Align(dst, in.Height, s.maps, photo, rois[first:min(first+block, len(rois))])
	}))
}

// classify runs the box head over all proposals, a chunk at a time.
func (s *session) classify(ctx context.Context, photo box.Size, proposals []box.Box) error {
	s.classes, s.deltas = s.classes[:0], s.deltas[:0]
	size := network.Chunk(len(proposals), s.m.boxRows, s.m.group())
	for first := 0; first < len(proposals); first += size {
		chunk := proposals[first:min(first+size, len(proposals))]
		s.align(s.boxes, photo, chunk)
		if err := s.boxes.Run(ctx, len(chunk)); err != nil {
			return err
		}
		s.classes = appendRows(s.classes, s.boxes.Output("classes"), len(chunk))
		s.deltas = appendRows(s.deltas, s.boxes.Output("deltas"), len(chunk))
	}
	return nil
}

func appendRows(dst []float32, m engine.Map, rows int) []float32 {
	for i := range rows {
		dst = append(dst, m.Pixel(i, 0, 0)...)
	}
	return dst
}

// choose drops what scores too low of the model's detections, which come by
// falling score.
func (s *session) choose(detections []boxhead.Detection) []boxhead.Detection {
	n := len(detections)
	for n > 0 && float64(detections[n-1].Score) < s.m.options.MinScore {
		n--
	}
	return detections[:n]
}

// mask runs the mask head over the detections and keeps the probabilities of
// each one's own class.
func (s *session) mask(ctx context.Context, photo box.Size, detections []boxhead.Detection) error {
	logits := s.masks.Output("logits")
	pixels := logits.Height * logits.Width
	s.rois, s.classRows = s.rois[:0], s.classRows[:0]
	for _, d := range detections {
		s.rois = append(s.rois, d.Box)
		class := 0
		if s.m.config.MaskHead.ClassSpecific {
			class = d.Class
		}
		s.classRows = append(s.classRows, class)
	}
	s.probabilities = slices.Grow(s.probabilities[:0], pixels*len(s.rois))[:pixels*len(s.rois)]
	size := network.Chunk(len(s.rois), s.m.maskRows, s.m.group())
	for first := 0; first < len(s.rois); first += size {
		last := min(first+size, len(s.rois))
		s.align(s.masks, photo, s.rois[first:last])
		s.masks.Pick(s.classRows[first:last])
		if err := s.masks.Run(ctx, last-first); err != nil {
			return err
		}
		s.team.Do(last-first, parallel.Func(func(_, i int) {
			out := s.probabilities[(first+i)*pixels:][:pixels]
			for y := range logits.Height {
				copy(out[y*logits.Width:], logits.Data[i*logits.ItemStride+y*logits.RowStride:][:logits.Width])
			}
			s.m.kernels.Activate(out, kernels.Sigmoid)
		}))
	}
	return nil
}

// paste turns detections into instances of the picture.
func (s *session) paste(g preprocess.Geometry, detections []boxhead.Detection) *Result {
	r := &Result{Height: g.Height, Width: g.Width, Instances: make([]Instance, len(detections))}
	size := 2 * s.m.config.RoIAlign.MaskSize
	s.team.Do(len(detections), parallel.Func(func(worker, i int) {
		d := &detections[i]
		category := s.m.config.CategoryAt(d.Class)
		b := g.ToPhoto(d.Box)
		r.Instances[i] = Instance{
			Category: category.ID,
			Name:     categoryName(category),
			Score:    d.Score,
			Box:      b,
			Mask:     s.pasters[worker].Paste(s.probabilities[i*size*size:(i+1)*size*size], size, b, g.Height, g.Width),
		}
	}))
	return r
}

// categoryName is never empty: a row of the network that the data set does not
// use is called by its number.
func categoryName(c config.Category) string {
	if c.Name == "" {
		return fmt.Sprintf("category %d", c.ID)
	}
	return c.Name
}
