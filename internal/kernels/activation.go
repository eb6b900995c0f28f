package kernels

import "math"

// Activation is the function at the end of a layer.
type Activation uint8

const (
	None        Activation = iota
	Relu                   // if x < 0 { x = 0 }: NaN and -0 pass
	Swish                  // x * sigmoid(x)
	HardSwish              // x * relu6(x+3) * (1/6)
	Sigmoid                // 1 / (1 + exp(-x))
	HardSigmoid            // relu6(x+3) * 0.16667, the constant of TensorFlow's Model Garden
)

var activationNames = [...]string{"none", "relu", "swish", "hard_swish", "sigmoid", "hard_sigmoid"}

func (a Activation) String() string { return activationNames[a] }

// Activate replaces each x[i] by act(x[i]). The exponential of Swish and Sigmoid is a polynomial in the assembly
// sets; the result is within 4 units in the last place of the exact one.
func (s *Set) Activate(x []float32, act Activation) {
	if act == None || len(x) == 0 {
		return
	}
	raceWrite(x)
	s.activate(x, act)
}

func activateGeneric(x []float32, act Activation) {
	for i, v := range x {
		x[i] = apply(act, v)
	}
}

// apply is the reference of every activation.
func apply(act Activation, x float32) float32 {
	switch act {
	case Relu:
		if x < 0 {
			return 0
		}
		return x
	case Swish:
		return x * sigmoid(x)
	case HardSwish:
		return float32(x*relu6(x+3)) * float32(1./6)
	case Sigmoid:
		return sigmoid(x)
	case HardSigmoid:
		return relu6(x+3) * 0.16667
	}
	return x
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func relu6(x float32) float32 {
	if x < 0 {
		return 0
	}
	if x > 6 {
		return 6
	}
	return x
}
