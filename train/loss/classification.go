package loss

import "github.com/spinemask/spinemask/internal/core/portable"

// Classification is the mean over rows of the softmax cross entropy with the
// targets y·(1 − smoothing) + smoothing/classes (tasks/image_classification.py;
// label smoothing: arXiv 1512.00567 §7).
func Classification(logits []float32, labels []int, classes int, smoothing float64, grad []float32) float64 {
	sum, n := 0.0, float64(len(labels))
	for row, label := range labels {
		z := logits[row*classes:][:classes]
		total := logSumExp(z)
		for class, v := range z {
			y := smoothing / float64(classes)
			if class == label {
				y += 1 - smoothing
			}
			sum += float64(y * (total - float64(v)))
			grad[row*classes+class] = float32((portable.Exp(float64(v)-total) - y) / n)
		}
	}
	return sum / n
}
