package classifier

import (
	"math"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// Class is a class of a photo.
type Class struct {
	Row         int // of the head's outputs, see config.Config.CategoryAt
	Logit       float32
	Probability float32 // softmax of the logits
}

// Best returns the k best classes by falling logit, all if k is 0 or more than there are. Of equal logits the lower row comes first, as in tf.math.top_k.
func Best(logits []float32, k int) []Class {
	if k < 1 {
		k = len(logits)
	}
	ranks := make([]box.Rank, len(logits))
	top := float32(math.Inf(-1))
	for i, l := range logits {
		ranks[i] = box.NewRank(l, i)
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range logits {
		sum += portable.Exp(float64(l - top))
	}
	var classes []Class
	for _, r := range box.Best(ranks, k) {
		row := r.Index()
		classes = append(classes, Class{row, logits[row], float32(portable.Exp(float64(logits[row]-top)) / sum)})
	}
	return classes
}
