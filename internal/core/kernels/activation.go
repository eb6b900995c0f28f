package kernels

import "github.com/spinemask/spinemask/internal/core/portable"

// Activation is the function at the end of a layer.
type Activation uint8

const (
	None        Activation = iota
	Relu                   // if x < 0 { x = 0 }: NaN and -0 pass
	Swish                  // x * sigmoid(x)
	HardSwish              // x * relu6(x+3) * (1/6)
	Sigmoid                // 1 / (1 + exp(-x))
	HardSigmoid            // relu6(x+3) * 0.16667, the constant of TensorFlow's Model Garden
	activations
)

var activationNames = [...]string{"none", "relu", "swish", "hard_swish", "sigmoid", "hard_sigmoid"}

func (a Activation) String() string { return activationNames[a] }

// Activate replaces each x[i] by act(x[i]). The exponential of Swish and Sigmoid is a polynomial in the assembly sets:
// their results are within 4 units in the last place of the exact ones, or zero where those are below 1e-36, and equal
// to each other.
func (s *Set) Activate(x []float32, act Activation) {
	if act == None || len(x) == 0 {
		return
	}
	raceWrite(x)
	s.activate[act](x)
}

// scalar holds the reference of every activation.
var scalar = [activations]func(x float32) float32{
	None: func(x float32) float32 { return x },
	Relu: func(x float32) float32 {
		if x < 0 {
			return 0
		}
		return x
	},
	Swish:       func(x float32) float32 { return x * sigmoid(x) },
	HardSwish:   func(x float32) float32 { return float32(x*relu6(x+3)) * float32(1./6) },
	Sigmoid:     sigmoid,
	HardSigmoid: func(x float32) float32 { return relu6(x+3) * 0.16667 },
}

func sigmoid(x float32) float32 { return float32(1 / (1 + portable.Exp(-float64(x)))) }

func relu6(x float32) float32 {
	if x < 0 {
		return 0
	}
	if x > 6 {
		return 6
	}
	return x
}

// eachOf applies the reference of an activation to a slice.
func eachOf(act Activation) func(x []float32) {
	return func(x []float32) {
		f := scalar[act]
		for i, v := range x {
			x[i] = f(v)
		}
	}
}
