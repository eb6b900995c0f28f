package graph

import "fmt"

// An Op is one of the operation types of this package with its attributes.
type Op interface {
	fmt.Stringer  // short, stable: "conv 3x3/2 same 64"
	kind() string // "conv"
	channels([]int) (int, error)
	Shape([]Shape) (Shape, error)
	tensors(in int) []Tensor  // in: channels of the first input
	MACs(in, out Shape) int64 // per row, from the first input
}

// Padding says how a window meets the border of its input.
type Padding string

const (
	// Same is TensorFlow's SAME: out = ⌈n/stride⌉, the padding that this needs
	// is split with the odd pixel behind.
	Same Padding = "same"
	// Fixed puts (k−1)/2 pixels before and k−1−(k−1)/2 behind, whatever the
	// size and the stride (tensorflow/tpu conv2d_fixed_padding; PyTorch's
	// symmetric padding for odd k).
	Fixed Padding = "fixed"
	// Valid pads nothing.
	Valid Padding = "valid"
)

// Window returns the number of outputs of a window of k pixels that moves by
// stride over n pixels, and the padding before and behind that it reads.
func (p Padding) Window(n, k, stride int) (out, before, after int) {
	switch p {
	case Same:
		out = (n + stride - 1) / stride
		total := max((out-1)*stride+k-n, 0)
		return out, total / 2, total - total/2
	case Fixed:
		before = (k - 1) / 2
		out = (n-1)/stride + 1
	default:
		out = (n-k)/stride + 1
	}
	return out, before, max((out-1)*stride+k-before-n, 0)
}

// Activation is a point-wise function.
type Activation string

const (
	Relu        Activation = "relu"         // max(x, 0)
	Swish       Activation = "swish"        // x·σ(x)
	HardSwish   Activation = "hard_swish"   // x·clamp(x+3, 0, 6)/6
	Sigmoid     Activation = "sigmoid"      // σ(x) = 1/(1+e^−x)
	HardSigmoid Activation = "hard_sigmoid" // clamp(x+3, 0, 6)·0.16667, the Garden's constant
)

// Input is a value that the caller of a run fills. It is Stride times smaller
// than the size that the graph is run at.
type Input struct{ Channels, Stride int }

// Conv is a convolution. Its kernel is [Size][Size][in][Out] (HWIO).
type Conv struct {
	Size, Stride int
	Padding      Padding
	Out          int // channels
	Bias         bool
}

// Depthwise is a convolution of each channel with a window of its own. Its kernel
// is [Size][Size][in][1].
type Depthwise struct {
	Size, Stride int
	Padding      Padding
}

// Mean is the mean over all pixels of a map: 1×1×in.
type Mean struct{}

// Gate multiplies every pixel of its first input by its second, which is 1×1 and
// has as many channels.
type Gate struct{}

// Norm is a batch normalisation with stored statistics:
// (x − mean)/√(variance + Epsilon)·gamma + beta, per channel.
type Norm struct{ Epsilon float64 }

// Activate applies a function to every element.
type Activate struct{ Func Activation }

// Add sums its inputs, which have one shape.
type Add struct{}

// MaxPool takes the largest value of a window; pixels of the padding do not
// take part.
type MaxPool struct {
	Size, Stride int
	Padding      Padding
}

// Upsample repeats every pixel Factor×Factor times.
type Upsample struct{ Factor int }

// Nearest changes the size to Height×Width, whatever the size of the graph's
// input: pixel i of an axis is pixel min(⌊i·(in/out)⌋, in−1), in float32
// (tf.image.resize_nearest_neighbor without half-pixel centres).
type Nearest struct{ Height, Width int }

// Source is the pixel that pixel i of n is read from, of an axis of m pixels.
func (o Nearest) Source(i, n, m int) int {
	scale := float32(m) / float32(n)
	return min(int(float32(i)*scale), m-1)
}

// Deconv is a transposed convolution whose stride equals its window, so that
// windows do not overlap. Its kernel is [Size][Size][Out][in].
type Deconv struct {
	Size int
	Out  int
	Bias bool
}

// Dense multiplies the whole map of Height×Width×in values, flattened with the
// channel fastest, by a matrix [Height·Width·in][Out]; the result is 1×1×Out.
type Dense struct {
	Height, Width int // of the input
	Out           int
	Bias          bool
}

func (Input) kind() string     { return "input" }
func (Conv) kind() string      { return "conv" }
func (Depthwise) kind() string { return "depthwise" }
func (Mean) kind() string      { return "mean" }
func (Gate) kind() string      { return "gate" }
func (Norm) kind() string      { return "norm" }
func (Activate) kind() string  { return "activate" }
func (Add) kind() string       { return "add" }
func (MaxPool) kind() string   { return "maxpool" }
func (Upsample) kind() string  { return "upsample" }
func (Nearest) kind() string   { return "nearest" }
func (Deconv) kind() string    { return "deconv" }
func (Dense) kind() string     { return "dense" }

func (o Input) String() string {
	if o.Stride > 1 {
		return fmt.Sprintf("input %d /%d", o.Channels, o.Stride)
	}
	return fmt.Sprintf("input %d", o.Channels)
}
func (o Conv) String() string {
	return fmt.Sprintf("conv %s %s %d%s", window(o.Size, o.Stride), o.Padding, o.Out, withBias(o.Bias))
}
func (o Depthwise) String() string {
	return fmt.Sprintf("depthwise %s %s", window(o.Size, o.Stride), o.Padding)
}
func (o Mean) String() string     { return "mean" }
func (o Gate) String() string     { return "gate" }
func (o Norm) String() string     { return fmt.Sprintf("norm %g", o.Epsilon) }
func (o Activate) String() string { return string(o.Func) }
func (o Add) String() string      { return "add" }
func (o MaxPool) String() string {
	return fmt.Sprintf("maxpool %s %s", window(o.Size, o.Stride), o.Padding)
}
func (o Upsample) String() string { return fmt.Sprintf("upsample %d", o.Factor) }
func (o Nearest) String() string  { return fmt.Sprintf("nearest %dx%d", o.Height, o.Width) }
func (o Deconv) String() string {
	return fmt.Sprintf("deconv %dx%d %d%s", o.Size, o.Size, o.Out, withBias(o.Bias))
}
func (o Dense) String() string { return fmt.Sprintf("dense %d%s", o.Out, withBias(o.Bias)) }

func window(size, stride int) string {
	if stride == 1 {
		return fmt.Sprintf("%dx%d", size, size)
	}
	return fmt.Sprintf("%dx%d/%d", size, size, stride)
}

func withBias(b bool) string {
	if b {
		return " +bias"
	}
	return ""
}
