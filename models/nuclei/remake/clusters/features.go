package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// names of the features, in their order.
var names = []string{"background", "dark", "bright", "red-green", "blue-green", "colour", "log2 diameter", "log2 side", "log2 objects"}

// features say what an image looks like: the median, the 5th and the 95th percentile of its
// grey values, its mean colour and how far the channels are apart, from 0 to 1, and the
// logarithms of the median diameter of its objects in pixels, of its longer side in pixels and of the number of objects.
func features(photo *imageio.Image, areas []float64) []float64 {
	n := photo.Width * photo.Height
	grey := make([]float64, n)
	var red, blue, apart float64
	for i := range n {
		r, g, b := float64(photo.Pix[3*i])/255, float64(photo.Pix[3*i+1])/255, float64(photo.Pix[3*i+2])/255
		grey[i] = (r + g + b) / 3
		red += (r - g) / float64(n)
		blue += (b - g) / float64(n)
		apart += (max(r, g, b) - min(r, g, b)) / float64(n)
	}
	slices.Sort(grey)
	slices.Sort(areas)
	diameter := 1.0
	if len(areas) > 0 {
		diameter = max(2*math.Sqrt(areas[len(areas)/2]/math.Pi), 1)
	}
	return []float64{
		grey[n/2], grey[n/20], grey[n-1-n/20], red, blue, apart,
		math.Log2(diameter), math.Log2(float64(max(photo.Width, photo.Height))), math.Log2(float64(1 + len(areas))),
	}
}

// standardised gives each feature the mean 0 and the deviation 1 over the rows.
func standardised(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows))
	for i := range rows {
		out[i] = slices.Clone(rows[i])
	}
	for f := range rows[0] {
		var sum, squares float64
		for _, r := range rows {
			sum += r[f]
		}
		mean := sum / float64(len(rows))
		for _, r := range rows {
			squares += (r[f] - mean) * (r[f] - mean)
		}
		deviation := math.Sqrt(squares / float64(len(rows)))
		for _, r := range out {
			r[f] -= mean
			if deviation > 0 {
				r[f] /= deviation
			}
		}
	}
	return out
}

// describe lists the clusters with the means of their features.
func describe(w io.Writer, rows [][]float64, cluster []int, k int) {
	fmt.Fprintf(w, "%-7s %6s", "cluster", "images")
	for _, n := range names {
		fmt.Fprintf(w, " %13s", n)
	}
	fmt.Fprintln(w)
	for c := range k {
		mean, n := make([]float64, len(names)), 0
		for i, r := range rows {
			if cluster[i] != c {
				continue
			}
			n++
			for f, v := range r {
				mean[f] += v
			}
		}
		fmt.Fprintf(w, "%02d      %6d", c, n)
		for _, v := range mean {
			fmt.Fprintf(w, " %13.2f", v/float64(max(n, 1)))
		}
		fmt.Fprintln(w)
	}
}
