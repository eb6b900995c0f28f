// Package boxhead is the second stage: its head as a graph, and the choice of detections from its outputs.
package boxhead

import (
	"cmp"
	"math"
	"slices"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// Detection is a box of one class.
type Detection struct {
	Box      box.Box // input pixels, clipped
	Score    float32 // probability of the class
	Class    int     // row of the head's outputs, see config.Config.CategoryAt
	Proposal int     // index of the proposal that it was made from
}

// Detector chooses detections. Its memory is used again by the next call; it is not safe for concurrent use.
type Detector struct {
	// PhotoScale is the number of input pixels in a photo pixel. mmdetection 1.x and 2.x suppress in the photo's frame (models/bbox_heads/bbox_head.py,
	// get_det_bboxes, get_bboxes): NMS with sides one longer depends on it. The zero Size, and all other models, mean the input's.
	PhotoScale box.Size

	c     *config.Config
	coder box.Coder
	nms   box.NMS

	probabilities []float32 // per class row, per proposal
	ranks         []box.Rank
	boxes         []box.Box // candidates, class after class, by falling score
	scores        []float32
	proposals     []int
	ends          []int     // per class: end of its candidates
	scaled        []box.Box // boxes of a class in the frame of NMS
	kept          []Detection
	leaders       box.Leaders // of kept
	result        []Detection
}

// NewDetector makes a detector for models of config c.
func NewDetector(c *config.Config) *Detector {
	w := c.BoxHead.Weights
	return &Detector{c: c, coder: box.Coder{
		PlusOne:    c.Boxes.Coding == config.BoxCodingPlusOne,
		LimitBelow: c.Boxes.DeltaLimit == config.DeltaLimitBoth,
		Weights:    box.Delta{Y: float32(w[0]), X: float32(w[1]), H: float32(w[2]), W: float32(w[3])},
	}}
}

// Detect returns the best detections by falling score, at most Detections.Max of them. logits are R×C, deltas R×4C (R×4 where boxes do not depend on
// the class), for R proposals in input pixels; boxes are clipped to clip. The result is valid until the next call.
//
// The steps are those of tpu's ops/postprocess_ops.py, GenericDetectionGenerator: softmax; in each class but the background the candidates above
// ScoreThreshold, the best PreNMSPerClass of them, NMS; then the best of all. Of equal scores the lower class, then the lower proposal comes first;
// for torchvision the lower proposal, then the lower class.
func (d *Detector) Detect(logits, deltas []float32, proposals []box.Box, clip box.Size) []Detection {
	classes := d.c.Classes()
	boxClasses := 1
	if d.c.BoxHead.ClassSpecific {
		boxClasses = classes
	}
	if len(logits) != len(proposals)*classes || len(deltas) != len(proposals)*4*boxClasses {
		panic("boxhead: lengths of logits, deltas and proposals disagree")
	}
	d.softmax(logits, len(proposals), classes)
	d.boxes, d.scores, d.proposals, d.ends = d.boxes[:0], d.scores[:0], d.proposals[:0], d.ends[:0]
	d.kept = d.kept[:0]
	d.leaders.Reset(d.c.Detections.Max)
	rule := d.c.Detections.NMSRule
	together := rule == config.NMSRuleOffsetGT || rule == config.NMSRuleOffsetAllGT // PyTorch's systems handle all classes at once
	for class := range classes {
		if class != d.c.BackgroundRow() {
			d.candidates(class, deltas, min(class, boxClasses-1), boxClasses, proposals, clip)
		}
		d.ends = append(d.ends, len(d.boxes))
		if !together {
			from := len(d.kept)
			d.suppress(class)
			d.lead(from)
		}
	}
	if together {
		d.suppressTogether()
		d.lead(0)
	}
	d.result = d.result[:0]
	for _, r := range d.leaders.Best() {
		d.result = append(d.result, d.kept[r.Index()])
	}
	return d.result
}

// softmax fills probabilities with those of n proposals, class by class.
func (d *Detector) softmax(logits []float32, n, classes int) {
	if cap(d.probabilities) < n*classes {
		d.probabilities = make([]float32, n*classes)
	}
	d.probabilities = d.probabilities[:n*classes]
	for i := range n {
		row := logits[i*classes:][:classes]
		top := row[0]
		for _, l := range row {
			top = max(top, l)
		}
		sum := 0.0
		for class, l := range row {
			e := portable.Exp(float64(l - top))
			d.probabilities[class*n+i] = float32(e)
			sum += e
		}
		for class := range row {
			d.probabilities[class*n+i] /= float32(sum)
		}
	}
}

// candidates appends the candidates of a class; its deltas are number boxClass of boxClasses.
func (d *Detector) candidates(class int, deltas []float32, boxClass, boxClasses int, proposals []box.Box, clip box.Size) {
	o := &d.c.Detections
	n := len(proposals)
	probabilities := d.probabilities[class*n:][:n]
	d.ranks = d.ranks[:0]
	for i, p := range probabilities {
		if p > float32(o.ScoreThreshold) && p >= d.leaders.Least() {
			d.ranks = append(d.ranks, box.NewRank(p, i))
		}
	}
	limit := o.PreNMSPerClass
	if limit == 0 {
		limit = n
	}
	for _, r := range box.Best(d.ranks, limit) {
		i := r.Index()
		v := deltas[4*(i*boxClasses+boxClass):][:4]
		b := d.coder.Decode(box.Delta{Y: v[0], X: v[1], H: v[2], W: v[3]}, proposals[i]).Clip(clip)
		if o.MinSize > 0 && !b.AtLeast(float32(o.MinSize)) {
			continue
		}
		d.boxes, d.scores, d.proposals = append(d.boxes, b), append(d.scores, probabilities[i]), append(d.proposals, i)
	}
}

// suppress appends the candidates of a class that NMS keeps to kept.
func (d *Detector) suppress(class int) {
	o := &d.c.Detections
	start, end := 0, d.ends[class]
	if class > 0 {
		start = d.ends[class-1]
	}
	for _, k := range d.nms.Suppress(d.framed(d.boxes[start:end]), box.Rule(o.NMSRule), float32(o.NMSIoU), o.Max) {
		i := start + int(k)
		d.kept = append(d.kept, Detection{d.boxes[i], d.scores[i], class, d.proposals[i]})
	}
}

// framed are boxes in the frame of NMS; they are valid until the next call.
func (d *Detector) framed(boxes []box.Box) []box.Box {
	s := d.PhotoScale
	if o := &d.c.Detections; s == (box.Size{}) || !o.PhotoFrame && o.NMSRule != config.NMSRulePlusOneGT {
		return boxes
	}
	d.scaled = d.scaled[:0]
	for _, b := range boxes {
		d.scaled = append(d.scaled, box.Box{Y1: b.Y1 / s.Height, X1: b.X1 / s.Width, Y2: b.Y2 / s.Height, X2: b.X2 / s.Width})
	}
	return d.scaled
}

// suppressTogether does this for all classes, in a frame in which boxes of different classes are far from each other, and puts kept into the order of
// the head's outputs.
func (d *Detector) suppressTogether() {
	offset := len(d.boxes) <= box.OffsetLimit || d.c.Detections.NMSRule == config.NMSRuleOffsetAllGT
	far := box.Farthest(d.framed(d.boxes), float32(math.Inf(-1)))
	for class := range d.ends {
		d.nms.Offset = 0
		if offset {
			d.nms.Offset = float32(class) * (far + 1)
		}
		d.suppress(class)
	}
	slices.SortFunc(d.kept, func(a, b Detection) int {
		return cmp.Or(cmp.Compare(a.Proposal, b.Proposal), cmp.Compare(a.Class, b.Class))
	})
}

// lead shows the leaders what kept has from an index on. What is below their least can neither become a detection of another class nor suppress one, since
// NMS goes by falling score, and need not be decoded.
func (d *Detector) lead(from int) {
	for i := from; i < len(d.kept); i++ {
		d.leaders.Add(d.kept[i].Score, i)
	}
	d.leaders.Settle()
}
