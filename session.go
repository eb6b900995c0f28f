package spinemask

import (
	"context"
	"fmt"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// A session is the memory and the threads of one picture in work.
type session struct {
	m    *Model
	team *parallel.Team

	trunk         *engine.Workspace
	trunkArena    engine.Arena
	height, width int // of the input that trunk is bound to

	resizer *preprocess.Resizer
	scratch []preprocess.Scratch // per worker

	tail tail

	stages []Stage
	clock  time.Time
}

// A tail is what stands behind the trunk of a kind of network.
type tail interface {
	// bind looks up the trunk's outputs, once for all pictures of a size.
	bind()
}

// A detector is the tail of a network that finds instances.
type detector interface {
	tail
	// detect finds them in the picture that the trunk has run over.
	detect(ctx context.Context, g preprocess.Geometry) (*Result, error)
}

// newSession takes the memory that does not depend on the picture's size.
func newSession(ctx context.Context, m *Model) (*session, error) {
	s := &session{
		m:       m,
		team:    parallel.NewTeam(m.options.threads()),
		resizer: preprocess.NewResizer(&m.config.Input),
	}
	s.scratch = make([]preprocess.Scratch, s.team.Workers())
	for _, h := range m.heads() {
		if err := h.plan.Warm(ctx, s.team); err != nil {
			return nil, err
		}
	}
	s.trunkArena.Scratch = new(engine.Scratch)
	switch m.config.Model {
	case config.ModelRetinaNet:
		s.tail = newOneStage(s)
	case config.ModelClassification:
		s.tail = newPhotoClassifier(s)
	default:
		s.tail = newMaskRCNN(s)
	}
	return s, nil
}

// workspace is the memory of a head, which shares its threads' scratch.
func (s *session) workspace(h *head) *engine.Workspace {
	return h.plan.NewWorkspace(s.team, &engine.Arena{Scratch: s.trunkArena.Scratch})
}

// segment is the way of a picture, in the order of the package's architecture:
// input, backbone and dense head, and what the detector's kind does with them.
func (s *session) segment(ctx context.Context, img *imageio.Image) (*Result, error) {
	d, ok := s.tail.(detector)
	if !ok {
		return nil, fmt.Errorf("spinemask: the model is for %s of whole pictures: it finds no instances; use Classify", s.m.config.Model)
	}
	g, err := s.features(ctx, img)
	if err != nil {
		return nil, err
	}
	result, err := d.detect(ctx, g)
	if err != nil {
		return nil, err
	}
	if s.m.config.Boxes.Written() == config.BoxCodingPlusOne {
		result.plusOne()
	}
	if !s.m.options.Raw {
		result.clip()
	}
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
		s.tail.bind()
	}
	in := s.trunk.Input("image")
	s.resizer.Start(g, img.Pix)
	block := max(16, g.InputHeight/(4*s.team.Workers())) // rows; each begins with two of the photo's
	s.team.Do((g.InputHeight+block-1)/block, parallel.Func(func(worker, part int) {
		s.resizer.Rows(in.Data, in.RowStride, part*block, min((part+1)*block, g.InputHeight), &s.scratch[worker])
	}))
	return nil
}

// categoryName is never empty: a row of the network that the data set does not
// use is called by its number.
func categoryName(c config.Category) string {
	if c.Name == "" {
		return fmt.Sprintf("category %d", c.ID)
	}
	return c.Name
}
