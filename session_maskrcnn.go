package spinemask

import (
	"context"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/boxhead"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/maskhead"
	"github.com/spinemask/spinemask/roialign"
	"github.com/spinemask/spinemask/rpn"
)

// maskRCNN is what Mask R-CNN does behind the trunk: proposals, box head,
// detections, mask head, masks in the picture.
type maskRCNN struct {
	*session
	boxes, masks *engine.Workspace

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
}

func newMaskRCNN(s *session) *maskRCNN {
	c := s.m.config
	r := &maskRCNN{
		session:  s,
		proposer: rpn.NewProposer(c),
		aligner:  roialign.New(&c.RoIAlign, s.m.kernels),
		detector: boxhead.NewDetector(c),
		boxes:    s.workspace(s.m.box),
		masks:    s.workspace(s.m.mask),
		pasters:  make([]maskhead.Paster, s.team.Workers()),
	}
	for i := range r.pasters {
		r.pasters[i] = maskhead.NewPaster(&c.Masks)
	}
	return r
}

func (s *maskRCNN) detect(ctx context.Context, g preprocess.Geometry) (*Result, error) {
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
	if c.Detections.ClipToPhoto {
		detections = s.clipToPhoto(g, detections)
	}
	result := s.paste(g, detections)
	s.done("paste")
	return result, nil
}

func (s *maskRCNN) bind() {
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
func (s *maskRCNN) align(head *engine.Workspace, photo box.Size, rois []box.Box) {
	in := head.Input("features")
	const block = 4 // RoIs
	s.team.Do((len(rois)+block-1)/block, parallel.Func(func(_, part int) {
		first := part * block
		dst := roialign.Crops{Data: in.Data[first*in.ItemStride:], ItemStride: in.ItemStride, RowStride: in.RowStride}
		s.aligner.Align(dst, in.Height, s.maps, photo, rois[first:min(first+block, len(rois))])
	}))
}

// classify runs the box head over all proposals, a chunk at a time.
func (s *maskRCNN) classify(ctx context.Context, photo box.Size, proposals []box.Box) error {
	s.classes, s.deltas = s.classes[:0], s.deltas[:0]
	size := network.Chunk(len(proposals), s.m.box.rows, s.m.group())
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
func (s *maskRCNN) choose(detections []boxhead.Detection) []boxhead.Detection {
	n := len(detections)
	for n > 0 && float64(detections[n-1].Score) < s.m.options.MinScore {
		n--
	}
	return detections[:n]
}

// mask runs the mask head over the detections and keeps the probabilities of
// each one's own class.
func (s *maskRCNN) mask(ctx context.Context, photo box.Size, detections []boxhead.Detection) error {
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
	size := network.Chunk(len(s.rois), s.m.mask.rows, s.m.group())
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

// clipToPhoto drops the detections without area in the picture, and their masks.
func (s *maskRCNN) clipToPhoto(g preprocess.Geometry, detections []boxhead.Detection) []boxhead.Detection {
	pixels := len(s.probabilities) / max(len(detections), 1)
	kept := detections[:0]
	for i, d := range detections {
		if b := s.inPhoto(g, d.Box); b.Y2 > b.Y1 && b.X2 > b.X1 {
			copy(s.probabilities[len(kept)*pixels:][:pixels], s.probabilities[i*pixels:])
			kept = append(kept, d)
		}
	}
	return kept
}

// inPhoto is a box of the network's input in the picture.
func (s *maskRCNN) inPhoto(g preprocess.Geometry, b box.Box) box.Box {
	b = g.ToPhoto(b)
	if s.m.config.Detections.ClipToPhoto {
		b = b.Clip(box.Size{Height: float32(g.Height), Width: float32(g.Width)})
	}
	return b
}

// paste turns detections into instances of the picture.
func (s *maskRCNN) paste(g preprocess.Geometry, detections []boxhead.Detection) *Result {
	r := &Result{Height: g.Height, Width: g.Width, Instances: make([]Instance, len(detections))}
	size := 2 * s.m.config.RoIAlign.MaskSize
	s.team.Do(len(detections), parallel.Func(func(worker, i int) {
		d := &detections[i]
		category := s.m.config.CategoryAt(d.Class)
		b := s.inPhoto(g, d.Box)
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
