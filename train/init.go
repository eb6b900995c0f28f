package train

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// initial gives the values with which an array begins, as the Model Garden's layers
// do. They follow from the seed and the array's name.
func initial(t graph.Tensor, seed uint64) []float32 {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	v := make([]float32, n)
	h := fnv.New64a()
	h.Write([]byte(t.Name))
	r := rand.New(rand.NewPCG(seed^forWeights<<56, h.Sum64()))
	leaf := t.Name[strings.LastIndex(t.Name, "/")+1:]
	switch leaf {
	case "gamma", "variance":
		for i := range v {
			v[i] = 1
		}
	case "bias":
		if t.Name == "retina/class/predict/bias" { // a prior of 1 %: arXiv 1708.02002 §4.1
			for i := range v {
				v[i] = float32(-portable.Log(99))
			}
		}
	case "kernel":
		kernel(v, t, r)
	}
	return v
}

// kernel draws the weights of a layer.
func kernel(v []float32, t graph.Tensor, r *rand.Rand) {
	in, out := fans(t)
	place := strings.TrimSuffix(t.Name, "/kernel")
	normal := func(deviation float64) {
		for i := range v {
			v[i] = float32(deviation * r.NormFloat64())
		}
	}
	switch {
	case place == "rpn/objectness", place == "rpn/deltas", strings.HasPrefix(place, "retina/") && strings.HasSuffix(place, "/predict"):
		normal(1e-5)
	case strings.HasPrefix(place, "rpn/"), strings.HasPrefix(place, "retina/"), place == "box/class":
		normal(0.01)
	case place == "box/deltas":
		normal(0.001)
	case strings.HasPrefix(place, "box/fc"): // VarianceScaling(1/3, fan_out, uniform)
		limit := math.Sqrt(3 * (1. / 3) / out)
		for i := range v {
			v[i] = float32(limit * (2*float64(r.Float64()) - 1))
		}
	case strings.HasPrefix(place, "box/"), strings.HasPrefix(place, "mask/"): // VarianceScaling(2, fan_out, untruncated normal)
		normal(math.Sqrt(2 / out))
	default: // VarianceScaling(1, fan_in, truncated normal)
		const truncated = 0.87962566103423978 // deviation of a normal cut at two deviations
		deviation := math.Sqrt(1/in) / truncated
		for i := range v {
			x := r.NormFloat64()
			for math.Abs(x) > 2 {
				x = r.NormFloat64()
			}
			v[i] = float32(deviation * x)
		}
	}
}

// fans are the inputs and outputs of a layer's kernel: of a window, its size times
// the channels.
func fans(t graph.Tensor) (in, out float64) {
	s := t.Shape
	window := 1
	for _, d := range s[:len(s)-2] {
		window *= d
	}
	a, b := s[len(s)-2], s[len(s)-1]
	if strings.HasSuffix(t.Name, "deconv/kernel") {
		a, b = b, a // [size][size][out][in]
	}
	return float64(window * a), float64(window * b)
}
