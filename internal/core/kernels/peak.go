package kernels

import (
	"runtime"
	"time"
)

// Peak measures how many floating-point operations one core does per second at most: dependent chains of fused
// multiply-adds in registers, for about 20 ms. A multiply-add counts as two.
func (s *Set) Peak() float64 {
	const short, long = 1 << 10, 20 * time.Millisecond
	n := short
	for {
		start := time.Now()
		operations := s.peak(n)
		if d := time.Since(start); d >= long {
			return float64(operations) / d.Seconds()
		}
		n *= 2
	}
}

// peakGeneric does n rounds of eight independent products and sums and returns how many operations that was.
func peakGeneric(n int) int {
	var acc [8]float32
	for range n {
		for j := range acc {
			acc[j] += float32(acc[j] * 0.5)
		}
	}
	runtime.KeepAlive(acc)
	return n * len(acc) * 2
}
