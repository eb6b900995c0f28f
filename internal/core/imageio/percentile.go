package imageio

import (
	"math"

	"github.com/spinemask/spinemask/internal/core/samples"
)

// percentiles gives two percentiles of all finite samples as numpy.percentile does by default: linear between the two nearest ranks. Without a finite
// sample both are 0.
//
// The values of the ranks are exact, found digit by digit in histograms of 16 bits of the samples' ordered bit patterns: one pass over samples of 16 bits,
// three over float32, seven over float64 (a few more where two ranks beside each other differ in their first digits), whatever they hold, and no copy of them.
func percentiles(s *samples.Samples, low, high float64) (lo, hi float64) {
	r := newRanks(s)
	if r.finite == 0 {
		return 0, 0
	}
	at := func(percent float64) float64 {
		rank := float64(float64(r.finite-1) * (percent / 100))
		below := math.Floor(rank)
		a := r.value(int64(below))
		if rank == below {
			return a
		}
		b, t := r.value(int64(below)+1), rank-below
		if t >= 0.5 { // as numpy rounds (_lerp)
			return b - float64((b-a)*(1-t))
		}
		return a + float64((b-a)*t)
	}
	return at(low), at(high)
}

// ranks finds samples by their place in ascending order.
type ranks struct {
	s      *samples.Samples
	digits int // of 16 bits, in an ordered bit pattern
	finite int64
	counts map[prefix][]int64 // histograms so far
}

// A prefix is the beginning of bit patterns: a number of digits and their value.
type prefix struct {
	known int
	value uint64
}

func newRanks(s *samples.Samples) *ranks {
	r := &ranks{s: s, digits: 1, counts: map[prefix][]int64{}}
	switch {
	case s.F32 != nil:
		r.digits = 2
	case s.F64 != nil:
		r.digits = 4
	}
	for _, n := range r.histogram(prefix{}) {
		r.finite += n
	}
	return r
}

// value is the sample with rank k; 0 is the smallest.
func (r *ranks) value(k int64) float64 {
	p := prefix{}
	for p.known < r.digits {
		h := r.histogram(p)
		digit := 0
		for ; k >= h[digit]; digit++ {
			k -= h[digit]
		}
		p = prefix{p.known + 1, p.value<<16 | uint64(digit)}
	}
	return r.fromKey(p.value)
}

// histogram counts the digit that follows a prefix, in all finite samples that begin with it.
func (r *ranks) histogram(p prefix) []int64 {
	if h := r.counts[p]; h != nil {
		return h
	}
	h := make([]int64, 1<<16)
	r.counts[p] = h
	rest := 16 * (r.digits - 1 - p.known)
	switch {
	case r.s.U8 != nil:
		for _, v := range r.s.U8 {
			h[v]++
		}
	case r.s.U16 != nil:
		for _, v := range r.s.U16 {
			h[v]++
		}
	case r.s.F32 != nil:
		for _, v := range r.s.F32 {
			if k := uint64(key32(v)); k>>(rest+16) == p.value && v-v == 0 {
				h[k>>rest&0xffff]++
			}
		}
	default:
		for _, v := range r.s.F64 {
			if k := key64(v); k>>(rest+16) == p.value && v-v == 0 {
				h[k>>rest&0xffff]++
			}
		}
	}
	return h
}

// key32 and key64 give bit patterns that are ordered as the numbers are: the bits of negative numbers are turned over, of others only the sign.

func key32(v float32) uint32 {
	b := math.Float32bits(v)
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

func key64(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func (r *ranks) fromKey(k uint64) float64 {
	switch r.digits {
	case 2:
		b := uint32(k)
		if b>>31 == 1 {
			return float64(math.Float32frombits(b ^ 1<<31))
		}
		return float64(math.Float32frombits(^b))
	case 4:
		if k>>63 == 1 {
			return math.Float64frombits(k ^ 1<<63)
		}
		return math.Float64frombits(^k)
	}
	return float64(k)
}
