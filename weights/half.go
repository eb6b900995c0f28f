package weights

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/weights/internal/dtype"
)

// Half returns the tensor with its values rounded to float16, the nearest and of two the even one
// (IEEE 754 binary16). It is an error if one would become infinite.
func (t Tensor) Half() (Tensor, error) {
	values, err := t.Float32(nil)
	if err != nil {
		return Tensor{}, err
	}
	rounded := make([]float32, len(values))
	for i, v := range values {
		rounded[i] = nearestHalf(v)
		if math.IsInf(float64(rounded[i]), 0) {
			return Tensor{}, fmt.Errorf("weights: %s: %g is beyond float16", t.Name, v)
		}
	}
	b := dtype.F16.Encode(rounded)
	return Tensor{Name: t.Name, Shape: t.Shape, dtype: dtype.F16, stored: storage{memory: b, size: int64(len(b))}}, nil
}

// nearestHalf is the float16 nearest to v, as float32.
func nearestHalf(v float32) float32 {
	const (
		step   = 1.0 / (1 << 24) // between the smallest float16
		normal = 1.0 / (1 << 14) // from here on they have 11 significant bits
		most   = 65520           // from here on they are infinite
	)
	switch a := math.Abs(float64(v)); {
	case a >= most:
		return float32(math.Inf(int(math.Copysign(1, float64(v)))))
	case a < normal:
		return float32(math.RoundToEven(float64(v)/step) * step)
	}
	const cut = 13 // bits that float32 has more
	bits := math.Float32bits(v)
	bits += 1<<(cut-1) - 1 + bits>>cut&1
	return math.Float32frombits(bits &^ (1<<cut - 1))
}
