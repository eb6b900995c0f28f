package cocoeval

// mean is numpy's mean of a contiguous float64 array, bit for bit.
func mean(v []float64, rule Summation) float64 {
	n := float64(len(v))
	var s float64
	if rule == Numpy2 {
		s = pairwiseSum(v)
	} else {
		const buffer = 8192 // elements: numpy 1's default buffer of ufuncs
		for len(v) > buffer {
			s += pairwiseSum(v[:buffer])
			v = v[buffer:]
		}
		s += pairwiseSum(v)
	}
	return s / n
}

// pairwiseSum is DOUBLE_pairwise_sum of numpy's loops: up to 128 values in eight interleaved sums, more by halves.
func pairwiseSum(v []float64) float64 {
	n := len(v)
	switch {
	case n < 8:
		s := 0.0
		for _, x := range v {
			s += x
		}
		return s
	case n <= 128:
		r := [8]float64(v)
		i := 8
		for ; i < n-n%8; i += 8 {
			for j := range r {
				r[j] += v[i+j]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			s += v[i]
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return pairwiseSum(v[:half]) + pairwiseSum(v[half:])
}
