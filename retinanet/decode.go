// Package retinanet is the one-stage detector (arXiv 1708.02002): its head as a graph, and the choice of detections from its outputs. Its anchors are those
// of package rpn.
package retinanet

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/portable"
	"github.com/spinemask/spinemask/rpn"
)

// Output is what the head says about one level: classes as Height×Width×A·C logits and deltas as Height×Width×4A, with A anchors at a place and C class
// rows, the background among them.
type Output struct {
	Height, Width         int
	Classes, Deltas       []float32
	ClassesRow, DeltasRow int // floats from one row to the next
}

// Detection is a box of one class.
type Detection struct {
	Box   box.Box // input pixels, clipped
	Score float32 // probability of the class
	Class int     // row of the head's outputs, see config.Config.CategoryAt
}

// Detector chooses detections. Its memory is used again by the next call; it is not safe for concurrent use.
type Detector struct {
	c     *config.Config
	coder box.Coder
	nms   box.NMS

	input   box.Size
	levels  []level
	outputs []Output
	classes []candidates // per class row
	boxes   []box.Box    // of a class, by falling score
	scores  []float32
	kept    []Detection
	first   []int       // per class row: its first in kept
	order   []box.Rank  // of the classes
	leaders box.Leaders // of all classes; detection k of a class has index class·Max + k
	result  []Detection
}

// level is where the anchors of a level are counted from.
type level struct {
	height, width int
	first         int // index of its first anchor among those of all levels
	anchors       rpn.Anchors
}

// NewDetector makes a detector for models of config c.
func NewDetector(c *config.Config) *Detector {
	return &Detector{
		c: c,
		coder: box.Coder{
			PlusOne:    c.Boxes.Coding == config.BoxCodingPlusOne,
			LimitBelow: c.Boxes.DeltaLimit == config.DeltaLimitBoth,
			Weights:    box.Delta{Y: 1, X: 1, H: 1, W: 1},
		},
		classes: make([]candidates, c.Classes()),
		first:   make([]int, c.Classes()),
	}
}

// Detect returns the best detections by falling score, at most Detections.Max of them. outputs are those of levels MinLevel…MaxLevel for an input of the
// given size; boxes are clipped to clip. The result is valid until the next call.
//
// The steps are those of tpu's ops/postprocess_ops.py, MultilevelDetectionGenerator, and of the Garden's modeling/layers/detection_generator.py: sigmoid of
// every class but the background; in each class the candidates above ScoreThreshold on all levels together, the best PreNMSPerClass of them, NMS; then the
// best of all. Of equal scores the lower class, then the lower index (level, row, column, anchor) comes first.
func (d *Detector) Detect(outputs []Output, input, clip box.Size) []Detection {
	d.Start(outputs, input)
	d.Collect(0, 1)
	return d.Choose(clip)
}

// Start, Collect and Choose are Detect in three steps, for callers with several goroutines: Start, then Collect of all parts, in any order or side by side, then
// Choose. The detections do not depend on the number of parts. Start keeps outputs until Choose has returned.
func (d *Detector) Start(outputs []Output, input box.Size) {
	d.place(outputs, input)
	d.outputs = outputs
}

// Collect looks at the logits of one part of the classes.
func (d *Detector) Collect(part, parts int) {
	n := len(d.classes)
	d.collect(part*n/parts, (part+1)*n/parts)
}

// Choose makes the detections.
func (d *Detector) Choose(clip box.Size) []Detection {
	d.kept = d.kept[:0]
	limit := d.c.Detections.Max
	d.leaders.Reset(limit)
	// The class with the best score goes first, so that few candidates of the others can still lead.
	d.order = d.order[:0]
	for class := range d.classes {
		if k := &d.classes[class]; len(k.ranks) > 0 {
			d.order = append(d.order, box.NewRank(k.top.Score(), class))
		}
	}
	for _, r := range box.Best(d.order, len(d.order)) {
		d.detectClass(r.Index(), clip)
	}
	d.result = d.result[:0]
	for _, r := range d.leaders.Best() {
		class, k := r.Index()/limit, r.Index()%limit
		d.result = append(d.result, d.kept[d.first[class]+k])
	}
	return d.result
}

// place finds the anchors of the levels, if their sizes are not those of the last call.
func (d *Detector) place(outputs []Output, input box.Size) {
	same := input == d.input && len(outputs) == len(d.levels)
	for l := range d.levels {
		same = same && d.levels[l].height == outputs[l].Height && d.levels[l].width == outputs[l].Width
	}
	if same {
		return
	}
	d.input, d.levels = input, d.levels[:0]
	first := 0
	for l, out := range outputs {
		anchors := rpn.NewAnchors(&d.c.Anchors, d.c.Backbone.MinLevel+l, out.Height, out.Width, input)
		d.levels = append(d.levels, level{out.Height, out.Width, first, anchors})
		first += out.Height * out.Width * anchors.PerPlace()
	}
}

// collect fills the candidates of the classes from one row on up to another, but for the background's. Few of the millions of logits are above the threshold,
// so each is compared with a logit that is safely below it, before its score is computed.
func (d *Detector) collect(low, high int) {
	rows := d.c.Classes()
	threshold := float32(d.c.Detections.ScoreThreshold)
	cut := safeLogit(threshold)
	for class := low; class < high; class++ {
		d.classes[class].reset(d.c.Detections.PreNMSPerClass, cut)
	}
	if b := d.c.BackgroundRow(); low <= b && b < high {
		d.classes[b].cut = float32(math.Inf(1))
	}
	for l := range d.outputs {
		out := &d.outputs[l]
		index := d.levels[l].first
		for y := range out.Height {
			logits := out.Classes[y*out.ClassesRow:][:out.Width*d.c.Anchors.PerPlace()*rows]
			for ; len(logits) > 0; index++ {
				for i, logit := range logits[low:high] {
					if logit > cut && logit > d.classes[low+i].cut {
						if score := rpn.SigmoidTF(logit); score > threshold {
							d.classes[low+i].add(box.NewRank(score, index))
						}
					}
				}
				logits = logits[rows:]
			}
		}
	}
}

// safeLogit is below every logit whose score, in float32, is above a threshold.
func safeLogit(threshold float32) float32 {
	if threshold <= 0 {
		return float32(math.Inf(-1))
	}
	t := float64(float64(threshold) * (1 - 1e-5)) // far more than the rounding of a score
	return float32(portable.Log(t/(1-t))) - 1e-5
}

// detectClass appends the detections of a class to kept. What is below the least of the leaders, when there are as many as there may be detections, can
// neither become a detection nor suppress one, since NMS goes by falling score. For the same reason the first of the candidates decide the first detections:
// the others are looked at only where those do not give as many as there may be.
func (d *Detector) detectClass(class int, clip box.Size) {
	o := &d.c.Detections
	c := &d.classes[class]
	if least := d.leaders.Least(); least > 0 {
		c.atLeast(least)
	}
	if o.PreNMSPerClass > 0 {
		c.keep(o.PreNMSPerClass)
	}
	d.boxes, d.scores = d.boxes[:0], d.scores[:0]
	var kept []int32
	for n := max(firstLook, 4*o.Max); ; n *= 4 {
		done := len(d.scores)
		for _, r := range c.next(n) {
			b := d.decode(r.Index()).Clip(clip)
			if o.MinSize > 0 && !b.AtLeast(float32(o.MinSize)) {
				continue
			}
			d.boxes, d.scores = append(d.boxes, b), append(d.scores, r.Score())
		}
		if len(d.scores) > done || done == 0 {
			kept = d.nms.Suppress(d.boxes, box.Rule(o.NMSRule), float32(o.NMSIoU), o.Max)
		}
		if len(kept) == o.Max || !c.more() {
			break
		}
	}
	d.first[class] = len(d.kept)
	for k, i := range kept {
		d.kept = append(d.kept, Detection{d.boxes[i], d.scores[i], class})
		d.leaders.Add(d.scores[i], class*o.Max+k)
	}
	d.leaders.Settle()
}

// firstLook is the least number of candidates of a class that NMS begins with.
const firstLook = 256

// decode is the box of an anchor, by its index among those of all levels. It is the same for all classes.
func (d *Detector) decode(index int) box.Box {
	l := len(d.levels) - 1
	for index < d.levels[l].first {
		l--
	}
	lv, out := &d.levels[l], &d.outputs[l]
	index -= lv.first
	place, k := index/lv.anchors.PerPlace(), index%lv.anchors.PerPlace()
	y, x := place/lv.width, place%lv.width
	v := out.Deltas[y*out.DeltasRow+4*(x*lv.anchors.PerPlace()+k):][:4]
	return d.coder.Decode(box.Delta{Y: v[0], X: v[1], H: v[2], W: v[3]}, lv.anchors.At(y, x, k))
}
