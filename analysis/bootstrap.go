package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spinemask/spinemask/cocoeval"
)

// A Bootstrap says how sure the difference of two models is: both are evaluated on the same random samples of the images,
// drawn with replacement (Efron & Tibshirani 1993, §13.3: the percentile interval). Intervals and p are those of the images;
// they say nothing about what another training run would give.
type Bootstrap struct {
	Resamples  int     `json:"resamples"`
	Images     int     `json:"images"` // of each resample, as many as there are
	Confidence float64 `json:"confidence"`
	Seed       uint64  `json:"seed"`
	Generator  string  `json:"generator"`

	Stats   []Difference      `json:"stats"`   // of the summary
	Classes []ClassDifference `json:"classes"` // AP of each category alone
}

// Difference is a number of two models.
type Difference struct {
	Name  string  `json:"name"`
	A     float64 `json:"a"` // -1: no annotation counts
	B     float64 `json:"b"`
	Delta float64 `json:"delta"` // B - A; 0 where there is none

	Low       float64 `json:"low"` // interval of Delta
	High      float64 `json:"high"`
	P         float64 `json:"p"`         // share of the resamples whose difference has not the sign of Delta: it has the other, or none, as that of equal models
	Resamples int     `json:"resamples"` // those in which annotations count; with none, interval and P say nothing
}

// ClassDifference is a Difference of a category's AP.
type ClassDifference struct {
	Class Class `json:"class"`
	Difference
}

const bootstrapGenerator = "Go math/rand/v2: PCG(seed, number of the resample from 0), IntN(images) for each image"

// maxBootstrapValues bounds the differences that are kept, 8 bytes each, for the percentiles.
const maxBootstrapValues = 1 << 26

// Compare draws n resamples and compares models a and b, which must have been evaluated on the same images with the same
// settings. confidence is the share of the resamples inside the intervals, such as 0.95. The outcome is the same for any
// number of processors.
func Compare(a, b *cocoeval.Resampler, n int, seed uint64, confidence float64) (*Bootstrap, error) {
	ids := a.ImageIDs()
	stats, classes := len(a.Names()), len(a.Categories())
	switch {
	case !slices.Equal(ids, b.ImageIDs()):
		return nil, fmt.Errorf("analysis: models to compare have different images")
	case !slices.Equal(a.Names(), b.Names()) || classes != len(b.Categories()):
		return nil, fmt.Errorf("analysis: models to compare were evaluated with different settings")
	case len(ids) == 0 || len(ids) > math.MaxInt32:
		return nil, fmt.Errorf("analysis: bootstrap of %d images", len(ids))
	case n < 1 || n > maxBootstrapValues/(stats+classes):
		return nil, fmt.Errorf("analysis: %d resamples, want 1 to %d", n, maxBootstrapValues/(stats+classes))
	case !(confidence > 0 && confidence < 1):
		return nil, fmt.Errorf("analysis: confidence %v, want more than 0 and less than 1", confidence)
	}
	out := &Bootstrap{
		Resamples: n, Images: len(ids), Confidence: confidence, Seed: seed, Generator: bootstrapGenerator,
		Stats: make([]Difference, stats), Classes: make([]ClassDifference, classes),
	}
	once := newPair(a, b)
	for i := range once.sample {
		once.sample[i] = int32(i)
	}
	once.measure()
	for i := range stats {
		out.Stats[i] = difference(a.Names()[i], once.a[i], once.b[i])
	}
	for k := range classes {
		c := &a.Categories()[k]
		out.Classes[k] = ClassDifference{newClass(k, c), difference(c.Name, once.a[stats+k], once.b[stats+k])}
	}

	deltas := make([]float64, n*(stats+classes)) // by statistic, then resample; NaN: nothing counts
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			p := newPair(a, b)
			for {
				r := int(next.Add(1)) - 1
				if r >= n {
					return
				}
				p.draw(rand.New(rand.NewPCG(seed, uint64(r))))
				p.measure()
				for i := range p.a {
					deltas[i*n+r] = p.delta(i)
				}
			}
		})
	}
	wg.Wait()
	for i := range stats + classes {
		d := deltas[i*n : (i+1)*n]
		if i < stats {
			out.Stats[i].judge(d, confidence)
		} else {
			out.Classes[i-stats].judge(d, confidence)
		}
	}
	return out, nil
}

// pair is what one goroutine needs: two models' statistics on a sample.
type pair struct {
	samplers      [2]*cocoeval.Sampler
	sample, count []int32
	stats         int
	a, b          []float64 // statistics, then categories
}

func newPair(a, b *cocoeval.Resampler) *pair {
	images, stats, all := len(a.ImageIDs()), len(a.Names()), len(a.Names())+len(a.Categories())
	return &pair{
		samplers: [2]*cocoeval.Sampler{a.NewSampler(), b.NewSampler()}, stats: stats,
		sample: make([]int32, images), count: make([]int32, images), a: make([]float64, all), b: make([]float64, all),
	}
}

// draw fills sample, ascending.
func (p *pair) draw(random *rand.Rand) {
	clear(p.count)
	for range p.count {
		p.count[random.IntN(len(p.count))]++
	}
	at := 0
	for i, n := range p.count {
		for range n {
			p.sample[at] = int32(i)
			at++
		}
	}
}

func (p *pair) measure() {
	p.samplers[0].Sample(p.sample, p.a[:p.stats], p.a[p.stats:])
	p.samplers[1].Sample(p.sample, p.b[:p.stats], p.b[p.stats:])
}

// delta is b - a of number i, NaN where it does not exist.
func (p *pair) delta(i int) float64 {
	if p.a[i] < 0 || p.b[i] < 0 {
		return math.NaN()
	}
	return p.b[i] - p.a[i]
}

func difference(name string, a, b float64) Difference {
	d := Difference{Name: name, A: a, B: b}
	if a >= 0 && b >= 0 {
		d.Delta = b - a
	}
	return d
}

// judge fills the interval and p from the differences of the resamples, which it sorts.
func (d *Difference) judge(deltas []float64, confidence float64) {
	deltas = slices.DeleteFunc(deltas, math.IsNaN)
	d.P, d.Resamples = 1, len(deltas)
	if len(deltas) == 0 {
		return
	}
	slices.Sort(deltas)
	d.Low, d.High = quantile(deltas, (1-confidence)/2), quantile(deltas, (1+confidence)/2)
	same := 0
	for _, x := range deltas {
		if x > 0 && d.Delta > 0 || x < 0 && d.Delta < 0 {
			same++
		}
	}
	d.P = float64(len(deltas)-same) / float64(len(deltas))
}

// quantile is numpy's, by linear interpolation, of sorted numbers.
func quantile(sorted []float64, q float64) float64 {
	at := float64(q * float64(len(sorted)-1))
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}
