package cocoeval

import (
	"slices"
	"sync"

	"github.com/spinemask/spinemask/coco"
)

// An Evaluation is the outcome: the curves of precision, recall and score per category, and what is made of them.
type Evaluation struct {
	Params      Params
	Categories  []coco.Category // K, ascending by id; one with id -1 in a class-agnostic evaluation
	Images      int
	Annotations int       // that were looked at
	Detections  int       // that were looked at: at most maxDets per image and category
	Warnings    []Warning // by code

	from  accumulated
	brief *curves // what the summary needs
	once  sync.Once
	full  *curves // everything
}

// summarized returns the maxDets, as indices, of which the summary shows precision.
func (e *Evaluation) summarized() (ms []int) {
	for _, l := range e.lines() {
		if m := slices.Index(e.Params.MaxDets, l.maxDets); !l.recall && m >= 0 && !slices.Contains(ms, m) {
			ms = append(ms, m)
		}
	}
	slices.Sort(ms)
	return ms
}

// all accumulates everything, once.
func (e *Evaluation) all() *curves {
	e.once.Do(func() {
		ms := make([]int, len(e.Params.MaxDets))
		for m := range ms {
			ms[m] = m
		}
		e.full = e.from.curves(ms, true)
	})
	return e.full
}

// Shape returns the lengths of the axes of the arrays: IoU thresholds T, recall thresholds R, categories K, area ranges A
// and maxDets M.
func (e *Evaluation) Shape() (t, r, k, a, m int) {
	c := e.brief
	return c.t, c.r, c.k, c.a, len(e.Params.MaxDets)
}

// Precision returns pycocotools' array eval['precision'], T×R×K×A×M with M running fastest: the highest precision at that
// recall or more; 0 where the recall is not reached, -1 where no annotation counts.
func (e *Evaluation) Precision() []float64 { return ordered(e.all(), e.all().precision) }

// Scores returns eval['scores'], T×R×K×A×M: the score at which the recall is reached.
func (e *Evaluation) Scores() []float64 { return ordered(e.all(), e.all().scores) }

// Recall returns eval['recall'], T×K×A×M.
func (e *Evaluation) Recall() []float64 {
	c := e.brief
	am := c.a * len(e.Params.MaxDets)
	out := make([]float64, 0, len(c.recall))
	for t := range c.t {
		for k := range c.k {
			for j := range am {
				out = append(out, c.recall[(k*am+j)*c.t+t])
			}
		}
	}
	return out
}

// ordered brings an array of all curves from [k][a][m][t][r] to [t][r][k][a][m].
func ordered(c *curves, v []float64) []float64 {
	out := make([]float64, len(v))
	am := c.a * len(c.ms)
	i := 0
	for t := range c.t {
		for r := range c.r {
			for k := range c.k {
				for j := range am {
					out[i] = v[((k*am+j)*c.t+t)*c.r+r]
					i++
				}
			}
		}
	}
	return out
}

// A RangeStat is what an area range gives at the highest maxDets, over all categories.
type RangeStat struct {
	Range       AreaRange
	Annotations int     // that count
	AP          float64 // over all IoU thresholds; -1 where no annotation counts
	AP50        float64 // -1 also where 0.5 is no threshold
	AR          float64
}

// RangeStats returns what each of Params.Areas gives.
func (e *Evaluation) RangeStats() []RangeStat {
	p := &e.Params
	ts, ks, m := make([]int, len(p.IoUThresholds)), make([]int, len(e.Categories)), len(p.MaxDets)-1
	for t := range ts {
		ts[t] = t
	}
	for k := range ks {
		ks[k] = k
	}
	var half []int
	if t := slices.Index(p.IoUThresholds, .5); t >= 0 {
		half = ts[t : t+1]
	}
	out := make([]RangeStat, len(p.Areas))
	for a := range p.Areas {
		s := &out[a]
		s.Range = p.Areas[a]
		for _, n := range e.from.counted {
			s.Annotations += n[a]
		}
		s.AP, s.AR = e.average(false, ts, ks, []int{a}, m), e.average(true, ts, ks, []int{a}, m)
		s.AP50 = e.average(false, half, ks, []int{a}, m)
	}
	return out
}

// average is the mean of the valid values of the area ranges as and one maxDets over the thresholds ts and the categories
// ks, in the order of pycocotools' arrays: of precision, or of recall. It is -1 without any.
func (e *Evaluation) average(recall bool, ts, ks, as []int, m int) float64 {
	c := e.brief
	if len(as) == 0 || m < 0 {
		return -1
	}
	i := slices.Index(c.ms, m)
	if i < 0 && !recall {
		c, i = e.all(), m // Params was changed
	}
	// The reference takes all area ranges of a label and all maxDets that are equal, one list beside the other as numpy
	// does, the shorter one repeated.
	times := 0
	for _, n := range e.Params.MaxDets {
		times += btoi(n == e.Params.MaxDets[m])
	}
	for len(as) < times {
		as = append(as, as[0])
	}
	v := make([]float64, 0, len(ts)*c.r*len(ks)*len(as))
	add := func(x float64) {
		if x > -1 {
			v = append(v, x)
		}
	}
	for _, t := range ts {
		if recall {
			for _, k := range ks {
				for _, a := range as {
					add(c.recall[((k*c.a+a)*len(e.Params.MaxDets)+m)*c.t+t])
				}
			}
			continue
		}
		for r := range c.r {
			for _, k := range ks {
				for _, a := range as {
					add(c.precision[(((k*c.a+a)*len(c.ms)+i)*c.t+t)*c.r+r])
				}
			}
		}
	}
	if len(v) == 0 {
		return -1
	}
	return mean(v, e.Params.Summation)
}
