package tabular

import (
	"math"
	"slices"
)

// Best is the network with the best score of a seed, the first of equals.
func (w *World) Best(seed int) int {
	best := 0
	for i, s := range w.Scores {
		if s[seed] > w.Scores[best][seed] {
			best = i
		}
	}
	return best
}

// Spearman is the correlation of the ranks of two lists. Equal values have the mean of their ranks.
func Spearman(a, b []float64) float64 {
	x, y := ranks(a), ranks(b)
	mean := float64(len(a)+1) / 2
	var xy, xx, yy float64
	for i := range x {
		xy += float64((x[i] - mean) * (y[i] - mean))
		xx += float64((x[i] - mean) * (x[i] - mean))
		yy += float64((y[i] - mean) * (y[i] - mean))
	}
	return xy / math.Sqrt(xx*yy)
}

// ranks are from 1 on.
func ranks(v []float64) []float64 {
	sorted := slices.Sorted(slices.Values(v))
	r := make([]float64, len(v))
	for i, x := range v {
		first, equal := slices.BinarySearch(sorted, x)
		last := first
		for equal && last+1 < len(sorted) && sorted[last+1] == x {
			last++
		}
		r[i] = float64(first+last)/2 + 1
	}
	return r
}

// Kendall is τ-b: the pairs that two lists put in the same order less those that they do not, in pairs that are not equal in one.
func Kendall(a, b []float64) float64 {
	var sum, inA, inB float64
	sign := func(x, y float64) float64 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	for i := range a {
		for j := range i {
			x, y := sign(a[i], a[j]), sign(b[i], b[j])
			sum += float64(x * y)
			inA += float64(x * x)
			inB += float64(y * y)
		}
	}
	return sum / math.Sqrt(inA*inB)
}
