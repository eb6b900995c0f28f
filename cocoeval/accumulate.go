package cocoeval

import (
	"cmp"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spinemask/spinemask/internal/core/column"
)

// curves holds the accumulated arrays of an evaluation, category by category, so that each is written in one place.
//
// Axes: k: category, a: area range, m: maxDets, t: IoU threshold, r: recall threshold.
type curves struct {
	k, a, t, r int
	ms         []int     // the maxDets, as indices into Params.MaxDets, of precision and scores
	precision  []float64 // [k][a][m of ms][t][r]
	scores     []float64 // likewise, or nil: nobody asked
	recall     []float64 // [k][a][m of all][t]
}

// accumulated is what the curves are made of; it does not change.
type accumulated struct {
	p       *Params
	pieces  [][]*piece // per category
	counted [][]int    // annotations that count: per category and area range
}

// curves accumulates precision at some maxDets, and scores if they are wanted; recall comes at all.
func (s *accumulated) curves(ms []int, scores bool) *curves {
	c := &curves{k: len(s.pieces), a: len(s.p.Areas), t: len(s.p.IoUThresholds), r: len(s.p.RecallThresholds), ms: ms}
	c.recall = make([]float64, c.k*c.a*len(s.p.MaxDets)*c.t)
	n := c.k * c.a * len(ms) * c.t * c.r
	c.precision = column.Make[float64](n)[:n]
	if scores {
		c.scores = column.Make[float64](n)[:n]
	}
	order := make([]int, c.k) // the largest category first, so that none is left alone at the end
	size := make([]int, c.k)
	for k := range order {
		order[k] = k
		for _, q := range s.pieces[k] {
			size[k] += len(q.score)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return size[b] - size[a] })
	var next atomic.Int32
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(order)) {
		wg.Go(func() {
			w := newAccumulator(s.p, c)
			for {
				n := int(next.Add(1)) - 1
				if n >= len(order) {
					return
				}
				w.category(order[n], s.pieces[order[n]], s.counted[order[n]])
			}
		})
	}
	wg.Wait()
	return c
}

// accumulator turns the pieces of a category into its curves.
//
// Precision falls with every wrong detection and rises with every right one, so its maxima, which are all that the curves
// show, lie at right detections. Those are few: the sorted list is gone through once for all area ranges and maxDets,
// counting wrong ones, and only what was given an annotation somewhere is looked at threshold by threshold.
type accumulator struct {
	p     *Params
	out   *curves
	valid []uint64 // per word of thresholds: the bits that are thresholds

	list, room []scored
	dets       []detection
	flags      []uint64
	kept       []int32 // places in the sorted list of detections that have flags
	wrong      []int32 // per kept one, area range and maxDets of ms: wrong detections before it that have no flags
	right      [][]hit // per threshold, of the current area range and maxDets
	extra      []int32 // per threshold: wrong detections that have flags
	need       []int32 // per recall threshold: right detections that reach it
}

// detection is one entry of a category's list.
type detection struct {
	score float64
	out   uint32 // bits: area ranges that it is outside of
	unit  int32  // place of its flags, or -1
	class int32  // the first maxDets that it belongs to
}

// hit is a right detection: the number of wrong ones before it, and its place in the sorted list.
type hit struct{ wrong, at int32 }

func newAccumulator(p *Params, out *curves) *accumulator {
	valid := make([]uint64, (out.t+63)/64)
	for t := range out.t {
		valid[t>>6] |= 1 << (t & 63)
	}
	return &accumulator{
		p: p, out: out, valid: valid,
		right: make([][]hit, out.t), extra: make([]int32, out.t), need: make([]int32, out.r),
	}
}

// category accumulates category k. counted is, per area range, the number of annotations that count.
func (c *accumulator) category(k int, pieces []*piece, counted []int) {
	c.load(pieces)
	sorted := sortScores(c.list, c.room[:len(c.list)])
	first := c.sweep(sorted)
	for a := range c.out.a {
		c.recall(k, a, counted[a], sorted, first)
		if counted[a] > 0 {
			c.needs(counted[a])
		}
		for i, m := range c.out.ms {
			switch {
			case counted[a] == 0:
				c.out.fill(k, a, i, -1)
			case first[m] < 0:
				c.out.fill(k, a, i, 0)
			default:
				c.curve(k, a, i, sorted, first[m])
			}
		}
	}
}

// load lists the detections of the pieces by image.
func (c *accumulator) load(pieces []*piece) {
	n := 0
	for _, q := range pieces {
		n += len(q.score)
	}
	c.list, c.dets, c.flags = column.Grow(c.list[:0], n), column.Grow(c.dets[:0], n), c.flags[:0]
	c.room = column.Grow(c.room[:0], n)
	per := 2 * len(c.p.Areas) * len(c.valid)
	inOrder, last := true, int32(-1)
	for _, q := range pieces {
		base := int32(len(c.flags) / per)
		c.flags = append(c.flags, q.flags...)
		i := 0
		for _, pair := range q.pairs {
			inOrder = inOrder && pair.image > last
			last = pair.image
			i = c.loadPair(q, pair, i, base)
		}
	}
	if !inOrder {
		c.orderByImage(pieces)
	}
}

// loadPair lists the detections of an image, which begin at i in q, and returns where the next begin.
func (c *accumulator) loadPair(q *piece, pair pairHead, i int, base int32) int {
	class := 0
	for rank := range int(pair.n) {
		for class < len(c.p.MaxDets) && c.p.MaxDets[class] <= rank {
			class++
		}
		unit := q.match[i]
		if unit >= 0 {
			unit += base
		}
		c.list = append(c.list, scored{scoreKey(q.score[i]), int32(len(c.dets))})
		c.dets = append(c.dets, detection{q.score[i], q.out[i], unit, int32(class)})
		i++
	}
	return i
}

// orderByImage puts what load listed in the order of the images, where the pieces did not come so.
func (c *accumulator) orderByImage(pieces []*piece) {
	type span struct{ image, from, to int32 }
	var spans []span
	at := int32(0)
	for _, q := range pieces {
		for _, pair := range q.pairs {
			spans = append(spans, span{pair.image, at, at + pair.n})
			at += pair.n
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.image, b.image) })
	dets := make([]detection, 0, len(c.dets))
	for _, s := range spans {
		dets = append(dets, c.dets[s.from:s.to]...)
	}
	for i := range dets {
		c.list[i] = scored{scoreKey(dets[i].score), int32(i)}
	}
	c.dets = dets
}

// sweep goes through the sorted list and fills kept and wrong. It returns, per maxDets, the place of its first detection,
// or -1.
func (c *accumulator) sweep(sorted []scored) (first []int32) {
	na, nm := c.out.a, len(c.p.MaxDets)
	first = make([]int32, nm)
	for m := range first {
		first[m] = -1
	}
	count := make([]int32, na*(nm+1)) // per class and area range: wrong detections without flags
	c.kept, c.wrong = c.kept[:0], c.wrong[:0]
	for i := range sorted {
		d := &c.dets[sorted[i].at]
		for m := int(d.class); m < nm && first[m] < 0; m++ {
			first[m] = int32(i)
		}
		if d.unit < 0 {
			of := count[int(d.class)*na:][:na]
			for a := range of {
				of[a] += int32(^d.out >> a & 1)
			}
			continue
		}
		c.kept = append(c.kept, int32(i))
		for a := range na {
			sum, m := int32(0), 0
			for _, last := range c.out.ms {
				for ; m <= last; m++ {
					sum += count[m*na+a]
				}
				c.wrong = append(c.wrong, sum)
			}
		}
	}
	return first
}

// recall fills the recall of category k and area range a, where n annotations count.
func (c *accumulator) recall(k, a, n int, sorted []scored, first []int32) {
	nm, nt := len(c.p.MaxDets), c.out.t
	out := c.out.recall[(k*c.out.a+a)*nm*nt:][:nm*nt]
	if n == 0 {
		for i := range out {
			out[i] = -1
		}
		return
	}
	clear(out) // right detections, per class at first
	for _, i := range c.kept {
		d := &c.dets[sorted[i].at]
		if int(d.class) == nm {
			continue
		}
		f := c.flagsOf(d, a)
		for w := range c.valid {
			for right := f[2*w]; right != 0; right &= right - 1 {
				out[int(d.class)*nt+w*64+bits.TrailingZeros64(right)]++
			}
		}
	}
	for m := 1; m < nm; m++ {
		for t := range nt {
			out[m*nt+t] += out[(m-1)*nt+t]
		}
	}
	for i := range out {
		out[i] /= float64(n)
	}
}

// flagsOf returns the words of a detection's flags in an area range: right, ignored, right, …
func (c *accumulator) flagsOf(d *detection, a int) []uint64 {
	return c.flags[(int(d.unit)*c.out.a+a)*len(c.valid)*2:][:len(c.valid)*2]
}

// needs computes how many of n annotations must be found to reach each recall threshold.
func (c *accumulator) needs(n int) {
	for r, threshold := range c.p.RecallThresholds {
		c.need[r] = int32(min(needOf(threshold, n), math.MaxInt32))
	}
}

// needOf is how many of n annotations must be found to reach a recall threshold, by the reference's division.
func needOf(threshold float64, n int) int {
	of := float64(n)
	product := float64(threshold * of)
	k := math.Ceil(product)
	if d := k - product; d > 1e-6 && d < 1-1e-6 && of < 1e9 {
		return max(int(k), 0) // far from where rounding matters
	}
	for k > 0 && (k-1)/of >= threshold {
		k--
	}
	for k/of < threshold {
		k++
	}
	return int(min(max(k, 0), math.MaxInt32))
}

// fill sets the curves of category k, area range a and ms[i] to v.
func (c *curves) fill(k, a, i int, v float64) {
	from := ((k*c.a+a)*len(c.ms) + i) * c.t * c.r
	for j := from; j < from+c.t*c.r; j++ {
		c.precision[j] = v
		if c.scores != nil {
			c.scores[j] = v
		}
	}
}

// curve fills the curves of category k, area range a and ms[i]. first is the place of the first detection.
func (c *accumulator) curve(k, a, i int, sorted []scored, first int32) {
	c.hits(a, i, sorted)
	at := ((k*c.out.a+a)*len(c.out.ms) + i) * c.out.t
	for t, hits := range c.right {
		c.sample(c.out.precision[(at+t)*c.out.r:][:c.out.r], hits)
		if c.out.scores != nil {
			c.sampleScores(c.out.scores[(at+t)*c.out.r:][:c.out.r], hits, sorted, first)
		}
	}
}

// hits fills right for area range a and maxDets ms[i].
func (c *accumulator) hits(a, i int, sorted []scored) {
	for t := range c.right {
		c.right[t] = c.right[t][:0]
	}
	clear(c.extra)
	last := int32(c.out.ms[i])
	for j, place := range c.kept {
		d := &c.dets[sorted[place].at]
		if d.class > last {
			continue
		}
		base := c.wrong[(j*c.out.a+a)*len(c.out.ms)+i]
		f := c.flagsOf(d, a)
		for w, valid := range c.valid {
			for right := f[2*w]; right != 0; right &= right - 1 {
				t := w*64 + bits.TrailingZeros64(right)
				c.right[t] = append(c.right[t], hit{base + c.extra[t], place})
			}
			if d.out>>a&1 != 0 {
				continue
			}
			for wrong := valid &^ (f[2*w] | f[2*w+1]); wrong != 0; wrong &= wrong - 1 {
				c.extra[w*64+bits.TrailingZeros64(wrong)]++
			}
		}
	}
}

// sample writes the highest precision from each recall threshold on, 0 where it is not reached. The highest precision is
// kept as a fraction, so that only what is written is divided.
func (c *accumulator) sample(precision []float64, hits []hit) {
	best, of := int64(0), int64(1)
	value := 0.0
	next := len(hits)
	for r := len(precision) - 1; r >= 0; r-- {
		need := int(c.need[r])
		if need > len(hits) {
			precision[r] = 0
			continue
		}
		before := best
		for ; next > 0 && next >= need; next-- {
			tp := int64(next)
			if n := tp + int64(hits[next-1].wrong); tp*of > best*n {
				best, of = tp, n
			}
		}
		if best != before {
			value = ratio(best, of)
		}
		precision[r] = value
	}
}

// sampleScores writes the scores at which the recall thresholds are reached, 0 where they are not.
func (c *accumulator) sampleScores(scores []float64, hits []hit, sorted []scored, first int32) {
	for r := range scores {
		switch need := int(c.need[r]); {
		case need > len(hits):
			scores[r] = 0
		case need == 0:
			scores[r] = c.dets[sorted[first].at].score
		default:
			scores[r] = c.dets[sorted[hits[need-1].at].at].score
		}
	}
}

// ratio is tp/(fp+tp+2^-52) for n = tp+fp. The summand changes the divisor where n is 1 only.
func ratio(tp, n int64) float64 {
	return float64(tp) / (float64(n) + 0x1p-52)
}
