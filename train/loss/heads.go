package loss

import (
	"cmp"
	"slices"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// ClassOptions of Class. The zero value is the Garden's default.
type ClassOptions struct {
	Sigmoid bool      // cross entropy of every class for itself, in place of the softmax's
	Weights []float64 // of the classes; nil: all 1
	// TopK, if not 0, is the part of the largest losses that counts: of rows, or with
	// Sigmoid of rows and classes. Their sum is divided by their number + 1e-5.
	TopK float64
}

// Class is the loss of the box head's classes: the mean over rows of the softmax
// cross entropy of logits, rows × classes, with each row's class; 0 is the
// background (FastrcnnClassLoss).
func Class(logits []float32, targets []int, classes int, o ClassOptions, grad []float32) float64 {
	weight := func(class int) float64 {
		if o.Weights == nil {
			return 1
		}
		return o.Weights[class]
	}
	n := len(targets)
	if o.Sigmoid {
		n *= classes
	}
	terms := make([]float64, n) // one for each row, or element
	slopes := make([]float64, len(logits))
	for row, target := range targets {
		z := logits[row*classes:][:classes]
		total := 0.0
		if !o.Sigmoid {
			total = logSumExp(z)
			terms[row] = weight(target) * (total - float64(z[target]))
		}
		for class, v := range z {
			y := 0.0
			if class == target {
				y = 1
			}
			i := row*classes + class
			if o.Sigmoid {
				value, slope := crossEntropy(float64(v), y)
				terms[i], slopes[i] = weight(class)*value, weight(class)*slope
			} else {
				slopes[i] = weight(target) * (portable.Exp(float64(v)-total) - y)
			}
		}
	}
	divisor, counts := float64(n), func(int) bool { return true }
	if o.TopK > 0 {
		counts, divisor = largest(terms, int(float32(o.TopK)*float32(n)))
	}
	sum := 0.0
	for i, v := range terms {
		if counts(i) {
			sum += v
		}
	}
	for i := range slopes {
		term := i
		if !o.Sigmoid {
			term = i / classes
		}
		grad[i] = 0
		if counts(term) {
			grad[i] = float32(slopes[i] / divisor)
		}
	}
	return sum / divisor
}

// largest says which are the k largest terms; of equal ones the earlier.
func largest(terms []float64, k int) (counts func(int) bool, divisor float64) {
	order := make([]int, len(terms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(terms[b], terms[a]) })
	is := make([]bool, len(terms))
	for _, i := range order[:k] {
		is[i] = true
	}
	return func(i int) bool { return is[i] }, float64(k) + 1e-5
}

// Box is the loss of the box head's boxes: Huber's with delta 1 of the four deltas
// of each row's class against its targets, summed over the rows with a class above
// 0 and divided by 4·(their number) + 0.01. Outputs are rows × 4·classes, or, with
// agnostic, rows × 4 (FastrcnnBoxLoss).
func Box(outputs, targets []float32, class []int, delta float64, agnostic bool, grad []float32) float64 {
	width := len(outputs) / max(1, len(class))
	n := 0
	for _, c := range class {
		if c > 0 {
			n++
		}
	}
	divisor, sum := float64(4*n)+0.01, 0.0
	clear(grad[:len(outputs)])
	for row, c := range class {
		if c <= 0 {
			continue
		}
		at := row * width
		if !agnostic {
			at += 4 * c
		}
		for k := range 4 {
			v, d := huber(float64(outputs[at+k])-float64(targets[4*row+k]), delta)
			sum += v
			grad[at+k] = float32(d / divisor)
		}
	}
	return sum / divisor
}

// Mask is the loss of the masks: the sigmoid cross entropy of logits, rows × pixels
// of each row's own class, with targets in [0, 1], summed over the rows with a
// class above 0 and divided by pixels·(their number) + 0.01 (MaskrcnnLoss).
func Mask(logits, targets []float32, class []int, grad []float32) float64 {
	pixels := len(logits) / max(1, len(class))
	n := 0
	for _, c := range class {
		if c > 0 {
			n++
		}
	}
	divisor, sum := float64(pixels*n)+0.01, 0.0
	clear(grad[:len(logits)])
	for row, c := range class {
		if c <= 0 {
			continue
		}
		for i := row * pixels; i < (row+1)*pixels; i++ {
			v, d := crossEntropy(float64(logits[i]), float64(targets[i]))
			sum += v
			grad[i] = float32(d / divisor)
		}
	}
	return sum / divisor
}
