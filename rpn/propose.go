// Package rpn is the region proposal network: its head as a graph, its anchors, and the choice of proposals from its outputs.
package rpn

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// Output is what the head says about one level: objectness as Height×Width×A logits and deltas as Height×Width×4A, A anchors at a place.
type Output struct {
	Height, Width            int
	Objectness, Deltas       []float32
	ObjectnessRow, DeltasRow int // floats from one row to the next
}

// Proposer chooses proposals. Its memory is used again by the next call; it is not safe for concurrent use.
type Proposer struct {
	c     *config.Config
	coder box.Coder

	ranks  []box.Rank
	groups []group // per level
	nms    box.NMS
	boxes  []box.Box
	scores []float32
}

// group holds the candidates of one level by falling score.
type group struct {
	geometry geometry
	anchors  Anchors

	boxes  []box.Box
	scores []float32
	kept   []int32
	next   int // in kept: what merge looks at
}

// geometry is what anchors depend on.
type geometry struct {
	height, width int
	input         box.Size
}

// best is the score of the next box.
func (g *group) best() float32 { return g.scores[g.kept[g.next]] }

// NewProposer makes a proposer for models of config c.
func NewProposer(c *config.Config) *Proposer {
	return &Proposer{
		c: c,
		coder: box.Coder{
			PlusOne:    c.Boxes.Coding == config.BoxCodingPlusOne,
			LimitBelow: c.Boxes.DeltaLimit == config.DeltaLimitBoth,
			Weights:    box.Delta{Y: 1, X: 1, H: 1, W: 1},
		},
		groups: make([]group, c.Backbone.Levels()),
	}
}

// Propose returns the best boxes (input pixels) and their objectness in [0, 1], or its logit with config.RPNScoreLogit, by falling score, at most RPN.PostNMS of them. levels are the outputs
// of levels MinLevel…MaxLevel for an input of the given size; boxes are clipped to clip. The result is valid until the next call.
//
// The steps are those of tpu's ops/roi_ops.py, multilevel_propose_rois: in each level the best PreNMSPerLevel, decode, clip, NMS; then the best of all.
// Of equal scores the one at the lower index (level, row, column, anchor) comes first.
func (p *Proposer) Propose(levels []Output, input, clip box.Size) ([]box.Box, []float32) {
	total, far := 0, float32(math.Inf(-1))
	for l, out := range levels {
		p.candidates(&p.groups[l], &out, p.anchorsOf(l, &out, input), clip)
		total += len(p.groups[l].boxes)
		far = box.Farthest(p.groups[l].boxes, far)
	}
	rule := box.Rule(p.c.RPN.NMSRule)
	for l := range p.groups {
		g := &p.groups[l]
		p.nms.Offset = 0
		if rule == box.OffsetGT && total <= box.OffsetLimit || rule == box.OffsetAllGT {
			p.nms.Offset = float32(l) * (far + 1)
		}
		g.kept = append(g.kept[:0], p.nms.Suppress(g.boxes, rule, float32(p.c.RPN.NMSIoU), p.c.RPN.PostNMS)...)
		g.next = 0
	}
	return p.merge()
}

// anchorsOf are the anchors of a level, those of the last call if the sizes are the same.
func (p *Proposer) anchorsOf(l int, out *Output, input box.Size) *Anchors {
	g := &p.groups[l]
	if key := (geometry{out.Height, out.Width, input}); key != g.geometry {
		g.geometry, g.anchors = key, NewAnchors(&p.c.Anchors, p.c.Backbone.MinLevel+l, out.Height, out.Width, input)
	}
	return &g.anchors
}

// candidates fills g with the best boxes of a level.
func (p *Proposer) candidates(g *group, out *Output, anchors *Anchors, clip box.Size) {
	rpn := &p.c.RPN
	perPlace := anchors.PerPlace()
	// The NMS rule tells the system. torchvision ranks by logit; TF and mmdetection by float32 probability, where large logits are equal.
	byLogit, sigmoid := rpn.NMSRule == config.NMSRuleOffsetGT, sigmoidTorch
	if rpn.NMSRule == config.NMSRuleGE || rpn.NMSRule == config.NMSRuleGETiled {
		sigmoid = SigmoidTF
	}
	p.ranks = p.ranks[:0]
	for y := range out.Height {
		for i, logit := range out.Objectness[y*out.ObjectnessRow:][:out.Width*perPlace] {
			score := logit
			if !byLogit {
				score = sigmoid(logit)
			}
			p.ranks = append(p.ranks, box.NewRank(score, y*out.Width*perPlace+i))
		}
	}
	g.boxes, g.scores = g.boxes[:0], g.scores[:0]
	for _, r := range box.Best(p.ranks, rpn.PreNMSPerLevel) {
		place, k := r.Index()/perPlace, r.Index()%perPlace
		y, x := place/out.Width, place%out.Width
		score := sigmoid(out.Objectness[y*out.ObjectnessRow+x*perPlace+k])
		if rpn.ScoreThreshold > 0 && !(score > float32(rpn.ScoreThreshold)) {
			continue
		}
		d := out.Deltas[y*out.DeltasRow+4*(x*perPlace+k):][:4]
		b := p.coder.Decode(box.Delta{Y: d[0], X: d[1], H: d[2], W: d[3]}, anchors.At(y, x, k)).Clip(clip)
		if rpn.MinSize > 0 && !b.AtLeast(float32(rpn.MinSize)) || rpn.DropEmpty && !(b.Y2 > b.Y1 && b.X2 > b.X1) {
			continue
		}
		if rpn.Score == config.RPNScoreLogit {
			score = out.Objectness[y*out.ObjectnessRow+x*perPlace+k]
		}
		g.boxes, g.scores = append(g.boxes, b), append(g.scores, score)
	}
}

// SigmoidTF is Eigen's float32 logistic function (functors/UnaryFunctors.h, scalar_logistic_op): 1 from ln(2^24) on, so that large logits are equal.
func SigmoidTF(x float32) float32 {
	e := float32(portable.Exp(float64(min(x, 16.6355324))))
	return e / (1 + e)
}

// sigmoidTorch is PyTorch's float32 sigmoid (ATen: native/cpu/UnaryOpsKernel.cpp), which rounds otherwise near 1.
func sigmoidTorch(x float32) float32 { return 1 / (1 + float32(portable.Exp(-float64(x)))) }

// merge collects the best kept boxes of all levels; each level is in order already.
func (p *Proposer) merge() ([]box.Box, []float32) {
	p.boxes, p.scores = p.boxes[:0], p.scores[:0]
	for len(p.boxes) < p.c.RPN.PostNMS {
		var from *group
		for l := range p.groups {
			if g := &p.groups[l]; g.next < len(g.kept) && (from == nil || g.best() > from.best()) {
				from = g
			}
		}
		if from == nil {
			break
		}
		p.boxes, p.scores = append(p.boxes, from.boxes[from.kept[from.next]]), append(p.scores, from.best())
		from.next++
	}
	return p.boxes, p.scores
}
