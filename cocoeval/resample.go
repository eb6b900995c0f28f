package cocoeval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// A Resampler computes the statistics of samples of the images, in which an image may come several times and each copy is an
// image of its own. Nothing is matched again: each category's detections are sorted once, and a sample is a weight per image.
//
// The numbers are those that pycocotools gives for the copies written out as a data set, in the order of the sample and with
// ascending ids, but for the order of their sums: a few units in the last place.
//
// Axes: k: category, v: view, t: IoU threshold.
type Resampler struct {
	p          *Params
	images     []int64
	categories []coco.Category
	names      []string
	lines      []sampledLine
	views      []view
	of         []sampledCategory // K
	codes      []verdict
}

// view is an area range and a number of detections per image, which some line of the summary is about.
type view struct {
	area, maxDets int
	precision     bool // a line of precision needs it, not only lines of recall
}

// sampledLine is a line of the summary, resolved.
type sampledLine struct {
	recall     bool
	thresholds uint32
	views      []int
	group      string // LVIS
}

// sampledCategory is what a category's statistics are made of.
type sampledCategory struct {
	counted [][]imageCount   // per area range: images with annotations that count, and how many they have
	entries [][]sampledEntry // per view
	codes   [][]int16        // per view: those of the entries, ascending
}

type imageCount struct{ image, n int32 }

// sampledEntry is a detection, by descending score, equal scores by image, as the base evaluation sorts them.
type sampledEntry struct {
	image int32
	code  int16 // index into codes; 0 for the many that are wrong everywhere
	tied  bool  // the next one has the same score, and in this row of equal scores codes differ
	_     uint8
}

// verdict is what became of a detection: the thresholds at which it is right, and those at which it is right or wrong.
type verdict struct{ right, counts uint32 }

// Resampler prepares what was added until now.
func (e *Evaluator) Resampler() (*Resampler, error) {
	nt := len(e.p.IoUThresholds)
	if nt > 32 {
		return nil, fmt.Errorf("cocoeval: resampling with %d IoU thresholds, want at most 32", nt)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &Resampler{p: e.p, images: e.g.images.ids, categories: e.g.categories, of: make([]sampledCategory, len(e.pieces))}
	r.resolve(&Evaluation{Params: *e.p, Categories: e.g.categories})
	r.codes = []verdict{{0, uint32(1<<nt - 1)}}
	codes := map[verdict]int16{r.codes[0]: 0}
	for k, pieces := range e.pieces {
		c := &r.of[k]
		c.counted = make([][]imageCount, len(e.p.Areas))
		c.entries, c.codes = make([][]sampledEntry, len(r.views)), make([][]int16, len(r.views))
		if err := r.load(c, e.joined(pieces), codes); err != nil {
			return nil, err
		}
	}
	for a := range e.p.Areas {
		for j, k := range e.g.category {
			if e.g.ignoredIn(int32(j), &e.p.Areas[a]) {
				continue
			}
			list := &r.of[k].counted[a]
			if n := len(*list); n > 0 && (*list)[n-1].image == e.g.image[j] {
				(*list)[n-1].n++
			} else {
				*list = append(*list, imageCount{e.g.image[j], 1})
			}
		}
	}
	return r, nil
}

// resolve lists the lines of the summary and the views that they need.
func (r *Resampler) resolve(e *Evaluation) {
	p := r.p
	for _, l := range e.lines() {
		s := sampledLine{recall: l.recall, group: l.group}
		for t, iou := range p.IoUThresholds {
			if l.iou == 0 || l.iou == iou {
				s.thresholds |= 1 << t
			}
		}
		m := slices.Index(p.MaxDets, l.maxDets)
		for a := range p.Areas {
			if p.Areas[a].Label != l.area || m < 0 {
				continue
			}
			at := slices.IndexFunc(r.views, func(v view) bool { return v.area == a && v.maxDets == m })
			if at < 0 {
				at = len(r.views)
				r.views = append(r.views, view{area: a, maxDets: m})
			}
			r.views[at].precision = r.views[at].precision || !l.recall
			s.views = append(s.views, at)
		}
		r.lines, r.names = append(r.lines, s), append(r.names, l.name(e))
	}
}

// load fills the entries of a category, whose piece is q.
func (r *Resampler) load(c *sampledCategory, q *piece, codes map[verdict]int16) error {
	image, rank := make([]int32, 0, len(q.score)), make([]int32, 0, len(q.score))
	list := make([]scored, 0, len(q.score))
	for _, pair := range q.pairs {
		for i := range pair.n {
			list = append(list, scored{scoreKey(q.score[len(list)]), int32(len(list))})
			image, rank = append(image, pair.image), append(rank, i)
		}
	}
	list = sortScores(list, make([]scored, len(list)))
	keys := make([]uint64, 0, len(list))
	for v := range r.views {
		view, out := &r.views[v], &c.entries[v]
		keys = keys[:0]
		for _, s := range list {
			if int(rank[s.at]) >= r.p.MaxDets[view.maxDets] {
				continue
			}
			o := r.verdict(q, s.at, view.area)
			if o.counts == 0 || !view.precision && o.right == 0 {
				continue
			}
			code, known := codes[o]
			if !known {
				if len(r.codes) > math.MaxInt16 {
					return errors.New("cocoeval: resampling: more than 32768 patterns of thresholds at which detections are right")
				}
				code = int16(len(r.codes))
				codes[o], r.codes = code, append(r.codes, o)
			}
			*out, keys = append(*out, sampledEntry{image: image[s.at], code: code}), append(keys, s.key)
		}
		for i := range *out {
			c.codes[v] = append(c.codes[v], (*out)[i].code)
		}
		slices.Sort(c.codes[v])
		c.codes[v] = slices.Clone(slices.Compact(c.codes[v]))
		markTies(*out, keys)
	}
	return nil
}

// verdict tells what became of detection i in an area range.
func (r *Resampler) verdict(q *piece, i int32, area int) (o verdict) {
	na := len(r.p.Areas)
	for t := range r.p.IoUThresholds {
		right, ignored := q.status(int(i), area, t, na, 1)
		o.right |= uint32(btoi(right)) << t
		o.counts |= uint32(btoi(!ignored)) << t
	}
	return o
}

// markTies sets tied where the order of equal scores matters.
func markTies(list []sampledEntry, keys []uint64) {
	for from := 0; from < len(list); {
		to, differ := from+1, false
		for to < len(list) && keys[to] == keys[from] {
			differ = differ || list[to].code != list[from].code
			to++
		}
		for i := from; i < to-1; i++ {
			list[i].tied = differ
		}
		from = to
	}
}

// Names returns the names of the statistics, as [Evaluation.Stats] has them.
func (r *Resampler) Names() []string { return r.names }

// ImageIDs returns the ids of the images, ascending: samples hold indices into them.
func (r *Resampler) ImageIDs() []int64 { return r.images }

// Categories returns the categories, K, ascending by id.
func (r *Resampler) Categories() []coco.Category { return r.categories }

// A Sampler is a Resampler's memory for one goroutine.
type Sampler struct {
	r       *Resampler
	weight  []int32 // per image
	copies  []int32 // places in the sample, image by image; empty for an ascending sample
	start   []int32 // of each image in copies
	events  []event
	row     []copied
	amount  []int32   // per code: copies of detections that have it
	inverse []float64 // 1/n, as precision divides
	reached []float64 // per number of right detections: recall thresholds that it reaches

	precision, recall []float64 // per threshold, of the current view
	counted           []int32   // per area range: annotations that count, of the current category
	sum, n            []float64 // per line
}

// event is a detection that is not wrong everywhere, with its number of copies.
type event struct {
	wrong         int32 // copies of detections before it that are wrong everywhere
	weight        int32
	right, counts uint32 // thresholds
}

// copied is one copy of the entries from … to-1, which are those of an image.
type copied struct{ place, from, to int32 }

// NewSampler returns a Sampler. Several may work at the same time.
func (r *Resampler) NewSampler() *Sampler {
	nt := len(r.p.IoUThresholds)
	return &Sampler{
		r: r, weight: make([]int32, len(r.images)), amount: make([]int32, len(r.codes)),
		precision: make([]float64, nt), recall: make([]float64, nt),
		counted: make([]int32, len(r.p.Areas)),
		sum:     make([]float64, len(r.lines)), n: make([]float64, len(r.lines)),
	}
}

// Sample computes the statistics of a sample, which lists images by their index, and writes them to stats, in the order of
// Names; and to classes, K, if it is not nil, the first of them (AP) of each category alone. Both are -1 where no annotation
// counts. Where detections of different images have the same score, they come in the order of the sample.
func (s *Sampler) Sample(images []int32, stats, classes []float64) {
	r := s.r
	s.weigh(images)
	clear(s.sum)
	clear(s.n)
	for k := range r.of {
		if classes != nil {
			classes[k] = -1
		}
		for a, list := range r.of[k].counted {
			s.counted[a] = 0
			for _, of := range list {
				s.counted[a] += of.n * s.weight[of.image]
			}
		}
		for v := range r.views {
			n := s.counted[r.views[v].area]
			if n == 0 {
				continue
			}
			s.measure(&r.of[k], v, n)
			for i := range r.lines {
				l := &r.lines[i]
				if l.group != "" && l.group != r.categories[k].Frequency {
					continue
				}
				values := s.precision
				if l.recall {
					values = s.recall
				}
				sum, n := 0.0, float64(bits.OnesCount32(l.thresholds))
				for rest := l.thresholds; rest != 0; rest &= rest - 1 {
					sum += values[bits.TrailingZeros32(rest)]
				}
				for _, of := range l.views {
					if of == v {
						s.sum[i] += sum
						s.n[i] += n
						if i == 0 && classes != nil && n > 0 {
							classes[k] = sum / n
						}
					}
				}
			}
		}
	}
	for i := range stats {
		if stats[i] = -1; s.n[i] > 0 {
			stats[i] = s.sum[i] / s.n[i]
		}
	}
}

// weigh counts the copies of each image, and, unless they are in order, lists their places.
func (s *Sampler) weigh(images []int32) {
	clear(s.weight)
	s.copies = s.copies[:0]
	for _, i := range images {
		s.weight[i]++
	}
	if slices.IsSorted(images) {
		return
	}
	s.start = append(s.start[:0], make([]int32, len(s.weight)+1)...)
	for i, n := range s.weight {
		s.start[i+1] = s.start[i] + n
	}
	s.copies = append(s.copies, make([]int32, len(images))...)
	at := slices.Clone(s.start)
	for place, i := range images {
		s.copies[at[i]] = int32(place)
		at[i]++
	}
}

// measure fills precision, the mean over the recall thresholds, and recall of a category in view v, where n annotations
// count.
func (s *Sampler) measure(c *sampledCategory, v int, n int32) {
	precise := s.r.views[v].precision
	if precise {
		s.list(c.entries[v])
		s.reach(int(n))
	} else {
		for i := range c.entries[v] {
			e := &c.entries[v][i]
			s.amount[e.code] += s.weight[e.image]
		}
	}
	for t := range s.recall {
		tp, counts := int32(0), int32(0)
		for _, code := range c.codes[v] {
			o := &s.r.codes[code]
			tp += s.amount[code] & -int32(o.right>>t&1)
			if code > 0 {
				counts += s.amount[code] & -int32(o.counts>>t&1)
			}
		}
		s.recall[t] = float64(tp) / float64(n)
		if precise {
			s.precision[t] = s.average(t, tp, counts)
		}
	}
	for _, code := range c.codes[v] {
		s.amount[code] = 0
	}
}

// list fills events from the entries of a category and view, and adds to amount.
func (s *Sampler) list(entries []sampledEntry) {
	s.events = slices.Grow(s.events[:0], len(entries))
	events := s.events[:cap(s.events)]
	n, wrong := 0, int32(0)
	codes := s.r.codes
	for i := 0; i < len(entries); i++ {
		e := &entries[i]
		if e.tied {
			s.events = events[:n]
			next := i + 1
			for entries[next-1].tied {
				next++
			}
			wrong = s.listTied(entries[i:next], wrong)
			n = len(s.events)
			s.events = slices.Grow(s.events, len(entries)-next)
			events = s.events[:cap(s.events)]
			i = next - 1
			continue
		}
		// Without a branch on the weight or the code, neither of which a processor can guess.
		w := s.weight[e.image]
		o := codes[e.code]
		s.amount[e.code] += w
		events[n] = event{wrong, w, o.right, o.counts}
		some, special := 0, 0
		if w != 0 {
			some = 1
		}
		if e.code != 0 {
			special = 1
		}
		n += some & special
		wrong += w & int32(special-1)
	}
	s.events = events[:n]
}

// listTied appends entries of the same score, copy by copy. It returns wrong, brought up to date.
func (s *Sampler) listTied(entries []sampledEntry, wrong int32) int32 {
	push := func(e *sampledEntry, w int32) {
		s.amount[e.code] += w
		if e.code == 0 {
			wrong += w
			return
		}
		o := s.r.codes[e.code]
		s.events = append(s.events, event{wrong, w, o.right, o.counts})
	}
	s.row = s.row[:0]
	for from := 0; from < len(entries); {
		image, to := entries[from].image, from+1
		for to < len(entries) && entries[to].image == image {
			to++
		}
		w := s.weight[image]
		switch {
		case len(s.copies) > 0:
			for _, place := range s.copies[s.start[image]:s.start[image+1]] {
				s.row = append(s.row, copied{place, int32(from), int32(to)})
			}
		case to == from+1 && w > 0:
			push(&entries[from], w)
		default:
			for range w {
				for i := from; i < to; i++ {
					push(&entries[i], 1)
				}
			}
		}
		from = to
	}
	slices.SortFunc(s.row, func(a, b copied) int { return cmp.Compare(a.place, b.place) })
	for _, c := range s.row {
		for i := c.from; i < c.to; i++ {
			push(&entries[i], 1)
		}
	}
	return wrong
}

// reach fills reached for n annotations: how many recall thresholds are at most x/n, by the reference's division.
func (s *Sampler) reach(n int) {
	s.reached = slices.Grow(s.reached[:0], n+1)[:n+1]
	at := 0
	for i, threshold := range s.r.p.RecallThresholds {
		need := needOf(threshold, n)
		for ; at < min(need, n+1); at++ {
			s.reached[at] = float64(i)
		}
	}
	for ; at <= n; at++ {
		s.reached[at] = float64(len(s.r.p.RecallThresholds))
	}
}

// average is the mean, over the recall thresholds, of the highest precision from each on, at IoU threshold t, where tp copies
// are right and counts of the events are right or wrong. It goes backwards, so that the highest precision is known.
//
// A copy of a detection that is followed by another of the same reaches less recall at less precision, so the last one
// stands for all.
func (s *Sampler) average(t int, tp, counts int32) float64 {
	if tp == 0 {
		return 0
	}
	reached := s.reached
	s.invert(int(counts) + int(s.events[len(s.events)-1].wrong))
	inverse := s.inverse
	best, sum := uint64(0), 0.0 // best as bits, which order numbers from 0 on
	from := reached[tp]
	for i := len(s.events) - 1; i >= 0; i-- {
		e := &s.events[i]
		best = max(best, math.Float64bits(float64(tp)*inverse[e.wrong+counts]))
		tp -= e.weight & -int32(e.right>>t&1)
		counts -= e.weight & -int32(e.counts>>t&1)
		to := reached[tp]
		sum += float64(math.Float64frombits(best) * (from - to))
		from = to
	}
	return (sum + float64(math.Float64frombits(best)*from)) / float64(len(s.r.p.RecallThresholds))
}

// invert extends inverse to n.
func (s *Sampler) invert(n int) {
	for len(s.inverse) <= n {
		s.inverse = append(s.inverse, ratio(1, int64(len(s.inverse))))
	}
}
