package cocoeval

import (
	"cmp"
	"math"
	"slices"
)

// curves holds the accumulated arrays of an evaluation, category by category, so that each is written in one place:
// k: category, a: area range, m: maxDets, t: IoU threshold, r: recall threshold.
type curves struct {
	k, a, m, t, r int
	precision     []float64 // [k][a][m][t][r]
	scores        []float64 // likewise
	recall        []float64 // [k][a][m][t]
}

func newCurves(k int, p *Params) *curves {
	c := &curves{k: k, a: len(p.Areas), m: len(p.MaxDets), t: len(p.IoUThresholds), r: len(p.RecallThresholds)}
	c.recall = make([]float64, c.k*c.a*c.m*c.t)
	c.precision = make([]float64, len(c.recall)*c.r)
	c.scores = make([]float64, len(c.recall)*c.r)
	return c
}

// fill sets everything of a category, area range and maxDets to v.
func (c *curves) fill(k, a, m int, v float64) {
	i := ((k*c.a+a)*c.m + m) * c.t
	for j := i; j < i+c.t; j++ {
		c.recall[j] = v
	}
	for j := i * c.r; j < (i+c.t)*c.r; j++ {
		c.precision[j], c.scores[j] = v, v
	}
}

// accumulator turns the pieces of a category into its curves.
//
// Precision falls with every wrong detection and rises with every right one, so its maxima, which are all that the curves
// show, lie at right detections. Those are few: the sorted list is gone through once for all area ranges and maxDets,
// counting wrong ones, and only what was given an annotation somewhere is looked at threshold by threshold.
type accumulator struct {
	p     *Params
	words int
	out   *curves

	list, room []scored
	score      []float64
	where      []int32 // per detection: piece<<pieceShift … see detection
	dets       []detection
	kept       []int32 // of dets, in sorted order, that have flags
	wrong      []int32 // per kept one, area range and maxDets: wrong detections before it that have no flags
	right      [][]hit // per threshold of the current area range and maxDets
	need       []int32 // per recall threshold: right detections that reach it
}

// detection is one entry of a category's list.
type detection struct {
	piece *piece
	index int32 // in the piece
	class int16 // the first maxDets that it belongs to
}

// hit is a right detection: the number of wrong ones before it, and its place in the sorted list.
type hit struct{ wrong, at int32 }

func newAccumulator(p *Params, out *curves) *accumulator {
	return &accumulator{p: p, out: out, words: (len(p.IoUThresholds) + 63) / 64, right: make([][]hit, len(p.IoUThresholds)), need: make([]int32, len(p.RecallThresholds))}
}

// category accumulates category k. counted is, per area range, the number of annotations that count; pieces come in the
// order of their images, and seen says whether any image has annotations or detections of it.
func (c *accumulator) category(k int, pieces []*piece, counted []int) {
	o := c.out
	c.load(pieces)
	sorted := sortScores(c.list, c.room[:len(c.list)])
	first := c.sweep(sorted)
	for a := range o.a {
		if counted[a] == 0 {
			for m := range o.m {
				o.fill(k, a, m, -1)
			}
			continue
		}
		c.needs(counted[a])
		for m := range o.m {
			c.curve(k, a, m, counted[a], sorted, first)
		}
	}
}

// load lists the detections of the pieces by image.
func (c *accumulator) load(pieces []*piece) {
	n := 0
	for _, q := range pieces {
		n += len(q.score)
	}
	c.list, c.dets = slices.Grow(c.list[:0], n), slices.Grow(c.dets[:0], n)
	c.room = slices.Grow(c.room[:0], n)
	for _, q := range pieces {
		i := int32(0)
		for _, pair := range q.pairs {
			class := 0
			for rank := range int(pair.n) {
				for class < len(c.p.MaxDets) && c.p.MaxDets[class] <= rank {
					class++
				}
				c.list = append(c.list, scored{scoreKey(q.score[i]), int32(len(c.dets))})
				c.dets = append(c.dets, detection{q, i, int16(class)})
				i++
			}
		}
	}
}

// sweep goes through the sorted list and fills kept and wrong. It returns, per maxDets, the place of its first detection,
// or -1.
func (c *accumulator) sweep(sorted []scored) (first []int32) {
	na, nm := c.out.a, c.out.m
	first = make([]int32, nm)
	for m := range first {
		first[m] = -1
	}
	count := make([]int32, na*nm) // per area range and class: wrong detections without flags
	c.kept, c.wrong = c.kept[:0], c.wrong[:0]
	for i := range sorted {
		d := &c.dets[sorted[i].at]
		class := int(d.class)
		for m := class; m < nm && first[m] < 0; m++ {
			first[m] = int32(i)
		}
		if class == nm {
			continue
		}
		if d.piece.match[d.index] < 0 {
			inside := ^d.piece.out[d.index]
			for a := range na {
				count[a*nm+class] += int32(inside >> a & 1)
			}
			continue
		}
		c.kept = append(c.kept, int32(i))
		for a := range na {
			sum := int32(0)
			for m := range nm {
				sum += count[a*nm+m]
				c.wrong = append(c.wrong, sum)
			}
		}
	}
	return first
}

// needs computes how many of n annotations must be found to reach each recall threshold, by the reference's division.
func (c *accumulator) needs(n int) {
	for r, threshold := range c.p.RecallThresholds {
		k := math.Ceil(threshold * float64(n))
		for k > 0 && (k-1)/float64(n) >= threshold {
			k--
		}
		for k/float64(n) < threshold {
			k++
		}
		c.need[r] = int32(min(k, math.MaxInt32))
	}
}

// curve fills the curves of category k, area range a and maxDets m; n annotations count.
func (c *accumulator) curve(k, a, m, n int, sorted []scored, first []int32) {
	o := c.out
	if first[m] < 0 {
		o.fill(k, a, m, 0)
		return
	}
	c.hits(a, m, sorted)
	i := ((k*o.a+a)*o.m + m) * o.t
	for t, hits := range c.right {
		o.recall[i+t] = float64(len(hits)) / float64(n)
		precision := o.precision[(i+t)*o.r : (i+t+1)*o.r]
		scores := o.scores[(i+t)*o.r : (i+t+1)*o.r]
		c.sample(precision, scores, hits, sorted, first[m])
	}
}

// hits fills right for an area range and maxDets.
func (c *accumulator) hits(a, m int, sorted []scored) {
	nm, nt := c.out.m, c.out.t
	for t := range c.right {
		c.right[t] = c.right[t][:0]
	}
	extra := make([]int32, nt) // wrong detections that have flags, per threshold
	for j, i := range c.kept {
		d := &c.dets[sorted[i].at]
		if int(d.class) > m {
			continue
		}
		base := c.wrong[(j*c.out.a+a)*nm+m]
		q := d.piece
		out := q.out[d.index]>>a&1 != 0
		f := q.flags[(int(q.match[d.index])*c.out.a+a)*c.words*2:]
		for t := range c.right {
			right, ignored := f[t>>6*2]>>(t&63)&1 != 0, f[t>>6*2+1]>>(t&63)&1 != 0
			if right {
				c.right[t] = append(c.right[t], hit{base + extra[t], i})
			} else if !ignored && !out {
				extra[t]++
			}
		}
	}
}

// sample writes the highest precision from each recall threshold on, and the score at which it is reached; 0 where it is
// not reached. The highest precision is kept as a fraction, so that only what is written is divided.
func (c *accumulator) sample(precision, scores []float64, hits []hit, sorted []scored, first int32) {
	best, of := int64(0), int64(1)
	next := len(hits)
	for r := len(precision) - 1; r >= 0; r-- {
		need := int(c.need[r])
		if need > len(hits) {
			precision[r], scores[r] = 0, 0
			continue
		}
		for ; next > 0 && next >= need; next-- {
			tp := int64(next)
			if n := tp + int64(hits[next-1].wrong); tp*of > best*n {
				best, of = tp, n
			}
		}
		at := first
		if need > 0 {
			at = hits[need-1].at
		}
		d := &c.dets[sorted[at].at]
		precision[r] = ratio(best, of)
		scores[r] = d.piece.score[d.index]
	}
}

// ratio is tp/(fp+tp+2^-52) for n = tp+fp. The summand changes the divisor where n is 1 only.
func ratio(tp, n int64) float64 {
	return float64(tp) / (float64(n) + 0x1p-52)
}

// byImage cuts pieces into parts of one image where they are not in order already, and orders those.
func byImage(pieces []*piece) []*piece {
	last := int32(-1)
	for _, q := range pieces {
		for _, pair := range q.pairs {
			if pair.image < last {
				return sortedByImage(pieces)
			}
			last = pair.image
		}
	}
	return pieces
}

func sortedByImage(pieces []*piece) []*piece {
	var parts []*piece
	for _, q := range pieces {
		i := int32(0)
		for j, pair := range q.pairs {
			end := i + pair.n
			parts = append(parts, &piece{pairs: q.pairs[j : j+1], score: q.score[i:end], out: q.out[i:end], match: q.match[i:end], flags: q.flags})
			i = end
		}
	}
	slices.SortStableFunc(parts, func(a, b *piece) int { return cmp.Compare(a.pairs[0].image, b.pairs[0].image) })
	return parts
}
