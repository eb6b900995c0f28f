package cocoeval

import (
	"math"
	"slices"
)

// A Match is what the matching of one image's annotations and detections of one category gave in one area range.
//
// Axes: t: IoU threshold, d: detection, g: annotation.
type Match struct {
	ImageID, CategoryID int64 // the category is -1 in a class-agnostic evaluation
	Area                int   // index into Params.Areas

	Detections  []int32   // entries of the results, by descending score
	Annotations []int32   // entries of the data set
	IoU         []float64 // D×G

	Ignored          []bool  // G: the annotation does not count in this area range
	Matched          []int32 // T×D: index g of the annotation that the detection was given, -1 for none
	DetectionIgnored []bool  // T×D: the detection is neither right nor wrong
}

// matcher matches detections and annotations, image by image and category by category, and writes what accumulation needs
// into a piece. Thresholds are bits of words: one pass over a detection's candidates serves up to 64 of them.
type matcher struct {
	p      *Params
	g      *truth
	d      *detections
	shapes overlap
	sorter *sorter
	out    *piece // of the current category

	limits []float64 // the least IoU that matches, per threshold, and last that of outcomes where it is no threshold
	words  int       // of 64 thresholds
	watch  *watch    // for Outcomes, or nil

	crowds func(k, other int32) bool // for error curves: whether annotations of a category are crowds of k; or nil
	own    int                       // annotations of g, behind which those of a pair with its crowds are listed

	iou        []float64   // D×G of the pair
	candidates []candidate // of all detections of the pair
	ends       []int32     // of each detection's candidates
	taken      []uint64    // G: thresholds at which the annotation has its detection
	match      Match       // for Observe
	seen       []bool      // for Observe: per annotation that begins a pair, whether the pair was matched
}

// candidate is an annotation that a detection could be given at some threshold.
type candidate struct {
	g   int32
	iou float64
	ge  uint64 // thresholds of the current word that the IoU reaches
}

func newMatcher(p *Params, g *truth, d *detections) *matcher {
	m := &matcher{p: p, g: g, d: d, words: (len(p.IoUThresholds) + 63) / 64, shapes: newOverlap(p, g, d), sorter: newSorter(len(g.categories))}
	for _, t := range p.IoUThresholds {
		m.limits = append(m.limits, leastMatch(t))
	}
	return m
}

// leastMatch is the least IoU that matches at a threshold.
func leastMatch(threshold float64) float64 { return min(threshold, 1-1e-10) }

// limitWords is the number of words that limits fill.
func (m *matcher) limitWords() int {
	return (len(m.limits) + 63) / 64
}

// reach returns the thresholds of word w that an IoU reaches.
func (m *matcher) reach(iou float64, w int) (ge uint64) {
	limits := m.limits[w*64 : min((w+1)*64, len(m.limits))]
	for t, limit := range limits {
		if !(iou < limit) {
			ge |= 1 << t
		}
	}
	return ge
}

// pair matches the detections, in place sorted by score, and the annotations from … to-1 of category k in image.
func (m *matcher) pair(k, image int32, dets []int32, from, to int32) error {
	p, g := m.p, m.g
	partial := false
	if p.Protocol == LVIS {
		if from == to && !g.absent[imageCategory{image, k}] {
			if m.watch != nil {
				m.watch.unlooked(k, image, m.best(dets, p.MaxDets[0]))
			}
			return nil // nobody looked for the category here
		}
		partial = g.partial[imageCategory{image, k}]
	}
	dets = m.best(dets, p.MaxDets[len(p.MaxDets)-1])
	base := len(m.out.score)
	m.out.add(image, len(dets))
	for _, i := range dets {
		out := uint32(0)
		area := m.d.area(i)
		for a := range p.Areas {
			r := &p.Areas[a]
			outside := area < r.Min || area > r.Max
			if r.Of != Area {
				outside = !r.holds(m.d.measure(i, r.Of, g))
			}
			if outside || partial {
				out |= 1 << a
			}
		}
		m.out.push(m.d.Score[i], out)
	}
	n := int(to - from)
	if n > 0 && len(dets) > 0 {
		m.iou = append(m.iou[:0], make([]float64, n*len(dets))...)
		if err := m.shapes.ious(dets, from, to, m.iou); err != nil {
			return err
		}
	}
	if p.Observe != nil {
		m.observe(k, image, dets, from, to)
	}
	if m.watch != nil {
		m.watch.pair(k, image, dets, partial, m.out.out[base:])
	}
	if n > 0 && len(dets) > 0 {
		if m.watch != nil {
			m.watch.same(m.iou, from, n)
		}
		m.assign(dets, from, to, base)
	}
	if p.Observe != nil {
		m.tell(base)
	}
	return nil
}

// best sorts detections by descending score, equal scores in their order, NaN last, and returns the first n.
func (m *matcher) best(dets []int32, n int) []int32 {
	score := m.d.Score
	if len(dets) <= 16 {
		for i := 1; i < len(dets); i++ {
			x := dets[i]
			j := i
			for j > 0 && compareScores(score[dets[j-1]], score[x]) > 0 {
				dets[j] = dets[j-1]
				j--
			}
			dets[j] = x
		}
	} else {
		slices.SortStableFunc(dets, func(a, b int32) int { return compareScores(score[a], score[b]) })
	}
	return dets[:min(n, len(dets))]
}

// assign gives each detection, best score first, the free annotation of the highest IoU, at every threshold and in every
// area range. Of equal IoUs the later annotation wins; one that does not count is given only where no other is left.
func (m *matcher) assign(dets []int32, from, to int32, base int) {
	n := int(to - from)
	for w := range m.limitWords() {
		if nan := m.findCandidates(dets, n, w); nan {
			m.assignLiterally(dets, from, to, base, w)
			continue
		}
		if len(m.candidates) == 0 {
			continue
		}
		m.taken = append(m.taken[:0], make([]uint64, n)...)
		for a := range m.p.Areas {
			if a > 0 {
				clear(m.taken)
			}
			r := &m.p.Areas[a]
			begin := int32(0)
			for d, end := range m.ends {
				list := m.candidates[begin:end]
				begin = end
				rest := ^uint64(0)
				anyIgnored := false
				for i := range list {
					c := &list[i]
					j := from + c.g
					if m.g.ignoredIn(j, r) {
						anyIgnored = true
						continue
					}
					if take := m.free(c, j) & rest; take != 0 {
						rest &^= take
						m.give(base, d, a, w, c.g, j, take, false)
					}
				}
				if !anyIgnored {
					continue
				}
				for i := range list {
					c := &list[i]
					j := from + c.g
					if !m.g.ignoredIn(j, r) {
						continue
					}
					if take := m.free(c, j) & rest; take != 0 {
						rest &^= take
						m.give(base, d, a, w, c.g, j, take, true)
					}
				}
			}
		}
	}
}

// ignoredIn reports whether annotation j does not count in a range of areas.
func (g *truth) ignoredIn(j int32, r *AreaRange) bool {
	if r.Of != Area {
		return g.flags[j]&ignored != 0 || !r.holds(g.measure(j, r.Of))
	}
	return g.flags[j]&ignored != 0 || g.area[j] < r.Min || g.area[j] > r.Max
}

// free returns the thresholds at which candidate c, annotation j, can be given.
func (m *matcher) free(c *candidate, j int32) uint64 {
	if m.g.flags[j]&crowd != 0 {
		return c.ge
	}
	return c.ge &^ m.taken[c.g]
}

// give records that detection d of the pair gets annotation g of the pair at the thresholds of take.
func (m *matcher) give(base, d, a, w int, g, j int32, take uint64, ignored bool) {
	m.taken[g] |= take
	if m.watch != nil {
		if take = m.watch.given(d, a, w, j, take, m.g.flags[j]&unseen != 0, ignored); take == 0 {
			return
		}
	}
	if m.p.Observe != nil {
		m.note(d, a, w, g, take)
	}
	if m.g.flags[j]&unseen != 0 && !ignored {
		return
	}
	f := m.out.flagsOf(base+d, len(m.p.Areas)*m.words)
	if ignored {
		f[(a*m.words+w)*2+1] |= take
	} else {
		f[(a*m.words+w)*2] |= take
	}
}

// findCandidates lists, per detection, the annotations that it reaches at some threshold of word w, the best first. nan tells
// of an IoU that is none, for which no order exists.
func (m *matcher) findCandidates(dets []int32, n, w int) (nan bool) {
	m.candidates, m.ends = m.candidates[:0], m.ends[:0]
	lowest := slices.Min(m.limits)
	for d := range dets {
		begin := len(m.candidates)
		for g, iou := range m.iou[d*n : d*n+n] {
			if iou < lowest {
				continue
			}
			if math.IsNaN(iou) {
				return true
			}
			c := candidate{int32(g), iou, m.reach(iou, w)}
			at := len(m.candidates)
			m.candidates = append(m.candidates, c)
			for ; at > begin && m.candidates[at-1].iou <= iou; at-- {
				m.candidates[at] = m.candidates[at-1]
			}
			m.candidates[at] = c
		}
		m.ends = append(m.ends, int32(len(m.candidates)))
	}
	return false
}

// assignLiterally is assign for word w as pycocotools writes it, one threshold at a time.
func (m *matcher) assignLiterally(dets []int32, from, to int32, base, w int) {
	n := int(to - from)
	order := make([]int32, 0, n)
	for a := range m.p.Areas {
		r := &m.p.Areas[a]
		order = order[:0]
		for _, ignored := range []bool{false, true} {
			for g := range int32(n) {
				if m.g.ignoredIn(from+g, r) == ignored {
					order = append(order, g)
				}
			}
		}
		m.taken = append(m.taken[:0], make([]uint64, n)...)
		for t := w * 64; t < min((w+1)*64, len(m.limits)); t++ {
			bit := uint64(1) << (t & 63)
			for d := range dets {
				best, found := m.limits[t], int32(-1)
				for _, g := range order {
					if m.taken[g]&bit != 0 && m.g.flags[from+g]&crowd == 0 {
						continue
					}
					if found >= 0 && !m.g.ignoredIn(from+found, r) && m.g.ignoredIn(from+g, r) {
						break
					}
					if iou := m.iou[d*n+int(g)]; !(iou < best) {
						best, found = iou, g
					}
				}
				if found >= 0 {
					m.give(base, d, a, w, found, from+found, bit, m.g.ignoredIn(from+found, r))
				}
			}
		}
	}
}

// observe prepares match for a pair.
func (m *matcher) observe(k, image int32, dets []int32, from, to int32) {
	t, nd, na := len(m.p.IoUThresholds), len(dets), len(m.p.Areas)
	m.match = Match{
		ImageID: m.g.images.ids[image], CategoryID: m.g.categories[k].ID,
		Detections: dets, Annotations: m.g.entry[from:to], IoU: m.iou[:nd*int(to-from)],
		Ignored: make([]bool, na*int(to-from)), Matched: make([]int32, na*t*nd), DetectionIgnored: make([]bool, na*t*nd),
	}
	for i := range m.match.Matched {
		m.match.Matched[i] = -1
	}
	for a := range m.p.Areas {
		for j := from; j < to; j++ {
			m.match.Ignored[a*int(to-from)+int(j-from)] = m.g.ignoredIn(j, &m.p.Areas[a])
		}
	}
}

// note is give for match.
func (m *matcher) note(d, a, w int, g int32, take uint64) {
	nd, nt := len(m.match.Detections), len(m.p.IoUThresholds)
	for t := w * 64; t < min((w+1)*64, nt); t++ {
		if take>>(t&63)&1 != 0 {
			m.match.Matched[(a*nt+t)*nd+d] = g
		}
	}
}

// tell calls Observe with match, area range by area range. base is where the pair begins in the piece.
func (m *matcher) tell(base int) {
	t, nd, na := len(m.p.IoUThresholds), len(m.match.Detections), len(m.p.Areas)
	ng := len(m.match.Annotations)
	all := m.match
	for a := range na {
		one := all
		one.Area = a
		one.Ignored = all.Ignored[a*ng : (a+1)*ng]
		one.Matched = all.Matched[a*t*nd : (a+1)*t*nd]
		one.DetectionIgnored = all.DetectionIgnored[a*t*nd : (a+1)*t*nd]
		for i := range t * nd {
			_, one.DetectionIgnored[i] = m.out.status(base+i%nd, a, i/nd, na, m.words)
		}
		m.p.Observe(&one)
	}
}
