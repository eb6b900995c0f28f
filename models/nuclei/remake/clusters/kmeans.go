package main

import "math"

// kMeans is Lloyd's algorithm (Least squares quantization in PCM, 1982): the cluster, from 0, of
// each row. It begins with the row nearest to the mean and k−1 more, each farthest from those
// before (Gonzalez, Clustering to minimize the maximum intercluster distance, 1985). Ties go
// to the first.
func kMeans(rows [][]float64, k int) []int {
	mean := make([]float64, len(rows[0]))
	for _, r := range rows {
		for f, v := range r {
			mean[f] += v / float64(len(rows))
		}
	}
	centres := [][]float64{rows[nearest(mean, rows)]}
	for len(centres) < k {
		far, most := 0, -1.0
		for i, r := range rows {
			if d := distance(r, centres[nearest(r, centres)]); d > most {
				far, most = i, d
			}
		}
		centres = append(centres, rows[far])
	}
	cluster := make([]int, len(rows))
	for changed := true; changed; {
		changed = false
		for i, r := range rows {
			if c := nearest(r, centres); c != cluster[i] {
				cluster[i], changed = c, true
			}
		}
		for c := range centres {
			sum, n := make([]float64, len(rows[0])), 0.0
			for i, r := range rows {
				if cluster[i] != c {
					continue
				}
				n++
				for f, v := range r {
					sum[f] += v
				}
			}
			if n == 0 {
				continue // keeps its centre
			}
			for f := range sum {
				sum[f] /= n
			}
			centres[c] = sum
		}
	}
	return cluster
}

// nearest is the index of the point nearest to p.
func nearest(p []float64, points [][]float64) int {
	best, least := 0, math.Inf(1)
	for i, q := range points {
		if d := distance(p, q); d < least {
			best, least = i, d
		}
	}
	return best
}

// distance is squared.
func distance(p, q []float64) float64 {
	sum := 0.0
	for i := range p {
		sum += (p[i] - q[i]) * (p[i] - q[i])
	}
	return sum
}
