package cocoeval

import (
	"errors"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// An ErrorKind is a curve of COCO's error analysis (Hoiem et al. 2012; analyze of the COCO API for Matlab): each forgives one
// more kind of error than the one before, so that the area between two curves is what that kind costs.
type ErrorKind int

const (
	C75 ErrorKind = iota // IoU 0.75
	C50                  // IoU 0.5
	Loc                  // IoU 0.1: places are forgiven
	Sim                  // and being in an object of another category of the same supercategory
	Oth                  // and being in an object of any category
	BG                   // and all other false positives: 1 as far as the recall reaches
	FN                   // and what is missing: 1
	errorKinds
)

var errorKindNames = [...]string{"C75", "C50", "Loc", "Sim", "Oth", "BG", "FN"}

func (k ErrorKind) String() string { return errorKindNames[k] }

// ErrorKinds lists the kinds.
func ErrorKinds() []ErrorKind { return []ErrorKind{C75, C50, Loc, Sim, Oth, BG, FN} }

// ErrorCurves holds the precision of COCO's error analysis.
//
// Axes: e: error kind, r: recall threshold, k: category, a: area range.
type ErrorCurves struct {
	Categories []coco.Category // K, ascending by id
	Areas      []AreaRange
	Recall     []float64 // R
	Counted    []int     // K×A: annotations that count
	Precision  []float64 // E×R×K×A; 0 where no annotation counts
	Warnings   []Warning
}

// Mean returns the mean over the recall thresholds of a curve: its area, as COCO integrates.
func (c *ErrorCurves) Mean(e ErrorKind, k, a int) float64 {
	nr, nk, na := len(c.Recall), len(c.Categories), len(c.Areas)
	sum := 0.0
	for r := range nr {
		sum += c.Precision[((int(e)*nr+r)*nk+k)*na+a]
	}
	return sum / float64(nr)
}

// NewErrorCurves makes the curves with p's kind of IoU, images, categories, area ranges and recall thresholds, and the highest
// of its maxDets. They are those of mmdetection's coco_error_analysis.py (3.3.0), for which the annotations of other
// categories become crowds of the one that is looked at: of Sim those of its supercategory, if it has one; of Oth all.
func NewErrorCurves(d *coco.Dataset, r *coco.Results, p Params) (*ErrorCurves, error) {
	if p.Protocol != COCO || p.ClassAgnostic || p.IoU == Keypoints || len(p.MaxDets) == 0 {
		return nil, errors.New("cocoeval: error curves want boxes or masks, COCO's protocol, categories and maxDets")
	}
	p.IoUThresholds, p.MaxDets, p.MatchIoU, p.Observe = []float64{.75, .5, .1}, []int{slices.Max(p.MaxDets)}, 0, nil
	base, err := New(d, p)
	if err != nil {
		return nil, err
	}
	if err := base.AddResults(r); err != nil {
		return nil, err
	}
	e, err := base.Evaluate()
	if err != nil {
		return nil, err
	}
	nr, nk, na := len(p.RecallThresholds), len(e.Categories), len(p.Areas)
	out := &ErrorCurves{
		Categories: e.Categories, Areas: p.Areas, Recall: p.RecallThresholds, Warnings: e.Warnings,
		Precision: make([]float64, int(errorKinds)*nr*nk*na),
	}
	for _, n := range base.counted {
		out.Counted = append(out.Counted, n...)
	}
	for t := range p.IoUThresholds {
		out.fill(ErrorKind(t), e.brief, t)
	}
	p.IoUThresholds = p.IoUThresholds[2:]
	list := e.Categories
	forgiven := map[ErrorKind]func(k, other int32) bool{
		Sim: func(k, other int32) bool {
			s := list[k].Supercategory
			return s != "" && s == list[other].Supercategory
		},
		Oth: func(k, other int32) bool { return true },
	}
	for kind, crowds := range forgiven {
		ev := &Evaluator{
			p: &p, g: base.g, counted: base.counted, crowds: crowds,
			pieces: make([][]*piece, nk), added: make([]bool, len(base.added)), file: make([]string, len(base.file)),
		}
		if err := ev.AddResults(r); err != nil {
			return nil, err
		}
		from := accumulated{p: &p, pieces: ev.pieces, counted: ev.counted}
		out.fill(kind, from.curves([]int{0}, false), 0)
	}
	n := nr * nk * na
	for i, v := range out.Precision[int(Oth)*n : int(BG)*n] {
		out.Precision[int(BG)*n+i] = float64(btoi(v > 0))
		out.Precision[int(FN)*n+i] = 1
	}
	return out, nil
}

// fill sets the curves of a kind to those of c at threshold t.
func (c *ErrorCurves) fill(e ErrorKind, from *curves, t int) {
	nr, nk, na := from.r, from.k, from.a
	for k := range nk {
		for a := range na {
			for r := range nr {
				c.Precision[((int(e)*nr+r)*nk+k)*na+a] = max(from.precision[((k*na+a)*from.t+t)*nr+r], 0)
			}
		}
	}
}

// private is g with columns that can be appended to.
func (g *truth) private() *truth {
	out := *g
	out.image, out.category, out.entry = slices.Clone(g.image), slices.Clone(g.category), slices.Clone(g.entry)
	out.area, out.flags = slices.Clone(g.area), slices.Clone(g.flags)
	return &out
}

// withCrowds lists the annotations of category k in image behind all others, with those of the categories that are forgiven
// among them as crowds, in the order of the file, and returns where they are.
func (m *matcher) withCrowds(k, image int32) (from, to int32) {
	g, n := m.g, m.own
	g.image, g.category, g.entry, g.area, g.flags = g.image[:n], g.category[:n], g.entry[:n], g.area[:n], g.flags[:n]
	var list []int32
	for j := g.start[image]; j < g.start[image+1]; j++ {
		if g.category[j] == k || m.crowds(k, g.category[j]) {
			list = append(list, j)
		}
	}
	slices.SortStableFunc(list, func(a, b int32) int { return int(g.entry[a] - g.entry[b]) })
	for _, j := range list {
		f := g.flags[j]
		if g.category[j] != k {
			f |= crowd | ignored
		}
		g.image, g.category, g.entry = append(g.image, image), append(g.category, k), append(g.entry, g.entry[j])
		g.area, g.flags = append(g.area, g.area[j]), append(g.flags, f)
	}
	return int32(n), int32(len(g.entry))
}
