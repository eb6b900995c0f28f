package cocoeval

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// A chunk is a part of a batch of detections, all those of some images: the unit of parallel work.
type chunk struct {
	from, to int // in the order of the batch

	pieces   []piece // one per category that comes in it
	seen     *seen   // for Outcomes, or nil
	warnings warnings
	lint     coco.BoxCheck
}

// minChunk is the least number of detections that is worth a chunk.
const minChunk = 1024

// cut divides a batch into chunks.
func cut(d *detections) []chunk {
	n := d.Len()
	size := max(minChunk, n/(8*runtime.GOMAXPROCS(0)))
	var chunks []chunk
	for from := 0; from < n; {
		to := min(from+size, n)
		for to < n && d.image[d.at(to)] == d.image[d.at(to-1)] {
			to++
		}
		chunks = append(chunks, chunk{from: from, to: to})
		from = to
	}
	return chunks
}

// at returns the entry at a place of the batch's order.
func (d *detections) at(i int) int32 {
	if d.order == nil {
		return int32(i)
	}
	return d.order[i]
}

// sorter sorts the detections of a chunk by category, one image at a time, as lists that are linked through next.
type sorter struct {
	category []int32 // of each detection of the chunk, or -1
	next     []int32 // the next detection of its image and category, or -1
	first    []int32 // per category: of the current image, or -1
	last     []int32
	from, to []int32 // per category: the image's annotations in truth
	count    []int32 // per category: detections in the chunk, then the index of its piece
	present  []int32 // categories of the current image
	entries  []int32
}

func newSorter(categories int) *sorter {
	s := &sorter{}
	for _, v := range []*[]int32{&s.first, &s.last, &s.from, &s.to, &s.count} {
		*v = make([]int32, categories)
	}
	for k := range s.first {
		s.first[k] = -1
	}
	return s
}

// chunk matches the detections of c.
func (m *matcher) chunk(c *chunk) (err error) {
	defer recoverFault(&err)()
	if err := m.inspect(c); err != nil {
		return err
	}
	m.allot(c)
	if m.watch != nil {
		n := c.to - c.from
		c.seen = &seen{detections: make([]DetectionOutcome, 0, n), overlaps: make([]Overlap, 0, 2*n)}
		m.watch.seen = c.seen
	}
	s, d := m.sorter, m.d
	for i := c.from; i < c.to; {
		image := d.image[d.at(i)]
		end := i + 1
		for end < c.to && d.image[d.at(end)] == image {
			end++
		}
		if image >= 0 {
			if err := m.image(c, image, i, end); err != nil {
				return err
			}
		}
		i = end
	}
	clear(s.count)
	return nil
}

// inspect finds the categories of c's detections, counts them and looks for what is odd.
func (m *matcher) inspect(c *chunk) error {
	s, d := m.sorter, m.d
	s.category = s.category[:0]
	for i := c.from; i < c.to; i++ {
		e := int(d.at(i))
		k := int32(-1)
		if d.image[e] >= 0 && (d.dropped == nil || !d.dropped[e]) {
			if k = m.g.categoryOf(d.category[e]); k >= 0 {
				s.count[k]++
				if err := d.inspect(e, m.g, m.p, &c.warnings, &c.lint); err != nil {
					return err
				}
			} else if m.p.CategoryIDs == nil {
				c.warnings.add("unknown-category-results", "results of categories that the data set does not have; dropped", func() string { return d.CategoryName(d.CategoryID[e]) })
			}
		}
		s.category = append(s.category, k)
	}
	return nil
}

// allot makes the pieces of c, each with room for its detections, and leaves the index of each category's piece in count.
func (m *matcher) allot(c *chunk) {
	n, kinds := 0, 0
	for _, v := range m.sorter.count {
		if v > 0 {
			n += int(v)
			kinds++
		}
	}
	score, out, match, pairs := make([]float64, n), make([]uint32, n), make([]int32, n), make([]pairHead, n)
	c.pieces = make([]piece, 0, kinds)
	for k, v := range m.sorter.count {
		if v > 0 {
			m.sorter.count[k] = int32(len(c.pieces))
			c.pieces = append(c.pieces, piece{
				category: int32(k), score: score[:0:v], out: out[:0:v], match: match[:0:v], pairs: pairs[:0:v],
			})
			score, out, match, pairs = score[v:], out[v:], match[v:], pairs[v:]
		}
	}
}

// image matches the detections of an image, from … to-1 in the order of the batch.
func (m *matcher) image(c *chunk, image int32, from, to int) error {
	s, g := m.sorter, m.g
	if m.watch != nil {
		m.watch.begin(image)
	}
	s.next, s.present = s.next[:0], s.present[:0]
	if m.p.ClassAgnostic {
		m.byRank(c, from, to)
	}
	for i := from; i < to; i++ {
		s.next = append(s.next, -1)
		k := s.category[i-c.from]
		if k < 0 {
			if d := m.d; d.dropped != nil && d.dropped[d.at(i)] {
				m.watch.dropped(d.at(i), image)
			}
			continue
		}
		if s.first[k] < 0 {
			s.first[k] = int32(i - from)
			s.present = append(s.present, k)
			s.from[k], s.to[k] = 0, 0
		} else {
			s.next[s.last[k]] = int32(i - from)
		}
		s.last[k] = int32(i - from)
	}
	for j := g.start[image]; j < g.start[image+1]; {
		k := g.category[j]
		s.from[k] = j
		for j++; j < g.start[image+1] && g.category[j] == k; j++ {
		}
		s.to[k] = j
	}
	for _, k := range s.present {
		s.entries = s.entries[:0]
		for i := s.first[k]; i >= 0; i = s.next[i] {
			s.entries = append(s.entries, m.d.at(from+int(i)))
		}
		s.first[k] = -1
		m.out = &c.pieces[s.count[k]]
		first, end := s.from[k], s.to[k]
		if m.crowds != nil {
			first, end = m.withCrowds(k, image)
		}
		if err := m.pair(k, image, s.entries, first, end); err != nil {
			return err
		}
		if m.seen != nil && s.from[k] < s.to[k] {
			m.seen[s.from[k]] = true
		}
	}
	if m.watch != nil {
		m.watch.end(image)
	}
	return nil
}

// byRank orders the detections of an image by the ids of their categories, as the reference joins them.
func (m *matcher) byRank(c *chunk, from, to int) {
	d := m.d
	if d.order == nil {
		panic("cocoeval: order of a class-agnostic batch")
	}
	rank := func(e int32) int32 { return m.g.rank.of(d.category[e]) }
	slices.SortStableFunc(d.order[from:to], func(a, b int32) int { return cmp.Compare(rank(a), rank(b)) })
	for i := from; i < to; i++ {
		m.sorter.category[i-c.from] = m.g.categoryOf(d.category[d.order[i]])
	}
}
