package train

import (
	"context"
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/train/loss"
	"github.com/spinemask/spinemask/train/target"
)

// Values of RetinaNet's losses (configs/retinanet.py of the Model Garden: Losses).
const (
	focalAlpha     = 0.25
	focalGamma     = 1.5
	retinaDelta    = float64(float32(0.1))
	retinaBoxShare = 50 // weight of the boxes' loss
)

// retinaNet computes the losses of batches and the gradients of the weights.
type retinaNet struct {
	config  *config.Config
	team    *parallel.Team
	trunk   *backprop.Program
	anchors *anchors
	parts   [][2]float64 // losses of the rows of a level
}

func newRetinaNet(c *config.Config, params *backprop.Params, s sizes, team *parallel.Team, o backprop.Options) (*retinaNet, error) {
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	m := &retinaNet{config: c, team: team}
	if m.trunk, err = backprop.New(n.Trunk, params, s.batch, s.height, s.width, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	m.anchors = newAnchors(c, s.height, s.width) // after the check of the memory
	return m, nil
}

func (m *retinaNet) input() *backprop.Map          { return m.trunk.Input("image") }
func (m *retinaNet) programs() []*backprop.Program { return []*backprop.Program{m.trunk} }

// denseTargets are those of the anchors of one image, level by level.
type denseTargets struct {
	class  [][]int16   // row of the class, −1: none, −2: ignored
	deltas [][]float32 // four for each anchor; of no meaning where there is no class
}

// label says what the network should give for an image (ops/anchor.py,
// AnchorLabeler).
func (a *anchors) denseLabel(t *truth) (out denseTargets) {
	matches := make([]target.Match, len(a.all))
	target.Assign(matches, len(t.boxes), func(i, j int) float32 { return target.IoU(a.all[i], t.boxes[j]) }, target.RetinaThresholds, true)
	first := 0
	for _, list := range a.levels {
		class, deltas := make([]int16, len(list)), make([]float32, 4*len(list))
		for i := range list {
			switch m := matches[first+i]; m.Kind {
			case target.Positive:
				class[i] = int16(t.classes[m.Truth])
				d := a.encode(t.boxes[m.Truth], list[i])
				copy(deltas[4*i:], d[:])
			case target.Ignored:
				class[i] = -2
			default:
				class[i] = -1
			}
		}
		out.class, out.deltas = append(out.class, class), append(out.deltas, deltas)
		first += len(list)
	}
	return out
}

func (m *retinaNet) count(_ context.Context, _ batch, truths []truth, d *divisors) error {
	for i := range truths {
		d.addAnchors(m.anchors.denseLabel(&truths[i]))
	}
	return nil
}

// addAnchors counts the anchors with a class.
func (d *divisors) addAnchors(t denseTargets) {
	for _, level := range t.class {
		for _, c := range level {
			if c >= 0 {
				d.assigned++
			}
		}
	}
}

func (m *retinaNet) learn(ctx context.Context, _ batch, truths []truth, d *divisors) (Losses, error) {
	of := make([]denseTargets, len(truths))
	m.team.Do(len(of), parallel.Func(func(_, i int) { of[i] = m.anchors.denseLabel(&truths[i]) }))
	if err := m.trunk.Forward(ctx); err != nil {
		return nil, err
	}
	return m.backward(ctx, of, d)
}

// backward sets the gradients of the outputs and runs the network backward.
func (m *retinaNet) backward(ctx context.Context, of []denseTargets, d *divisors) (Losses, error) {
	if d == nil {
		d = &divisors{parts: 1}
		for _, t := range of {
			d.addAnchors(t)
		}
	}
	normalizer := 1 + float64(d.assigned)
	losses := Losses{"cls_loss": 0, "box_loss": 0}
	b := &m.config.Backbone
	for l := b.MinLevel; l <= b.MaxLevel; l++ {
		level := l - b.MinLevel
		name := fmt.Sprintf("classes%d", l)
		logits, logitsGrad := m.trunk.Output(name), m.trunk.OutputGrad(name)
		name = fmt.Sprintf("deltas%d", l)
		deltas, deltasGrad := m.trunk.Output(name), m.trunk.OutputGrad(name)
		row := deltas.Width * deltas.Channels / 4 // anchors
		m.parts = sized(m.parts, len(of)*deltas.Height)
		m.team.Do(len(m.parts), parallel.Func(func(_, part int) {
			i, y := part/deltas.Height, part%deltas.Height
			class, want := of[i].class[level][y*row:][:row], of[i].deltas[level][4*y*row:][:4*row]
			m.parts[part][0] = loss.Focal(logits.Row(i, y), class, m.config.Classes(), focalAlpha, focalGamma, normalizer, logitsGrad.Row(i, y))
			g := deltasGrad.Row(i, y)
			m.parts[part][1] = loss.RetinaBox(deltas.Row(i, y), want, class, retinaDelta, normalizer, g)
			for k := range g {
				g[k] *= retinaBoxShare
			}
		}))
		for _, p := range m.parts {
			losses["cls_loss"] += p[0]
			losses["box_loss"] += p[1]
		}
	}
	losses["model_loss"] = losses["cls_loss"] + float64(retinaBoxShare*losses["box_loss"])
	return losses, m.trunk.Backward(ctx)
}
