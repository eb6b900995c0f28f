package classifier

import (
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// A Map is a level of the backbone's output: Height×Width×Channels values, the channel fastest.
type Map struct {
	Data                    []float32
	Height, Width, Channels int
	RowStride               int // floats from one row to the next
}

// row is a row of pixels.
func (m *Map) row(y int) []float32 { return m.Data[y*m.RowStride:][:m.Width*m.Channels] }

// Pooler takes the mean of maps. Its memory is used again by the next call; it is not safe for concurrent use.
type Pooler struct {
	features config.ClassifierFeatures
	sums     [2]Map // of the level that is at work, and of the one above
	means    []float64
}

// NewPooler makes a pooler for models of config c.
func NewPooler(c *config.Config) *Pooler { return &Pooler{features: c.Classifier.Features} }

// Pool writes the mean of every channel to dst. levels are in ascending order.
//
// ClassifierTop is the mean over the pixels of the last level. ClassifierAll begins with it, and at each level below adds the sum so far, read at the nearest
// pixels, to the level's map; the last sum is divided by the number of levels and its mean taken. So pixels of coarse levels do not have equal weights where
// one size does not divide the next.
func (p *Pooler) Pool(dst []float32, levels []Map) {
	top := levels[len(levels)-1]
	if p.features != config.ClassifierAll {
		p.mean(dst, &top, 1)
		return
	}
	sum := &top
	for i := len(levels) - 2; i >= 0; i-- {
		next := &p.sums[i%2]
		next.add(&levels[i], sum)
		sum = next
	}
	p.mean(dst, sum, float32(len(levels)))
}

// add fills m with the sum of a map and of the nearest pixels of one above.
func (m *Map) add(at, above *Map) {
	n := at.Height * at.Width * at.Channels
	if cap(m.Data) < n {
		m.Data = make([]float32, n)
	}
	*m = Map{m.Data[:n], at.Height, at.Width, at.Channels, at.Width * at.Channels}
	var nearest graph.Nearest
	c := m.Channels
	for y := range m.Height {
		out, same := m.row(y), at.row(y)
		coarse := above.row(nearest.Source(y, m.Height, above.Height))
		for x := range m.Width {
			from := coarse[c*nearest.Source(x, m.Width, above.Width):][:c]
			for k, v := range from {
				out[x*c+k] = v + same[x*c+k]
			}
		}
	}
}

// mean writes the mean over the pixels of m, each divided by count.
func (p *Pooler) mean(dst []float32, m *Map, count float32) {
	if cap(p.means) < m.Channels {
		p.means = make([]float64, m.Channels)
	}
	means := p.means[:m.Channels]
	clear(means)
	for y := range m.Height {
		for i, v := range m.row(y) {
			means[i%m.Channels] += float64(v / count)
		}
	}
	for i, sum := range means {
		dst[i] = float32(sum / float64(m.Height*m.Width))
	}
}
