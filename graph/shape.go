package graph

import (
	"errors"
	"fmt"
)

// Shape is the size of a value: rows, columns, channels.
type Shape struct{ H, W, C int }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.H, s.W, s.C) }

// Size returns the number of elements.
func (s Shape) Size() int { return s.H * s.W * s.C }

// Shapes returns the shape of every value for inputs of h×w pixels. An error
// names the node where two sizes do not fit.
func (g *Graph) Shapes(h, w int) ([]Shape, error) {
	if g.err != nil {
		return nil, g.err
	}
	shapes := make([]Shape, len(g.nodes))
	for i, n := range g.nodes {
		if op, ok := n.Op.(Input); ok {
			shapes[i] = op.Size(h, w)
			continue
		}
		in := make([]Shape, len(n.In))
		for j, v := range n.In {
			in[j] = shapes[v]
		}
		s, err := n.Op.Shape(in)
		if err == nil && (s.H < 1 || s.W < 1) {
			err = fmt.Errorf("%v is too small", in[0])
		}
		if err != nil {
			return nil, fmt.Errorf("graph: %s: %s: %w", n.Name, n.Op.kind(), err)
		}
		shapes[i] = s
	}
	return shapes, nil
}

var (
	errInputs   = errors.New("wrong number of inputs")
	errChannels = errors.New("number of channels must be positive")
	errWindow   = errors.New("window and stride must be positive")
)

// one returns the channels of a single input.
func one(in []int) (int, error) {
	if len(in) != 1 {
		return 0, errInputs
	}
	return in[0], nil
}

// windowed checks the attributes of an operation with one input and a window.
func windowed(in []int, out int, positive ...int) (int, error) {
	if len(in) != 1 {
		return 0, errInputs
	}
	for _, p := range positive {
		if p < 1 {
			return 0, errWindow
		}
	}
	if out < 1 {
		return 0, errChannels
	}
	return out, nil
}

func (o Input) channels(in []int) (int, error) {
	if len(in) != 0 {
		return 0, errInputs
	}
	return windowed(make([]int, 1), o.Channels, o.Stride)
}

func (o Conv) channels(in []int) (int, error) { return windowed(in, o.Out, o.Size, o.Stride) }
func (o Norm) channels(in []int) (int, error) { return one(in) }
func (o Mean) channels(in []int) (int, error) { return one(in) }

func (o Depthwise) channels(in []int) (int, error) {
	c, err := one(in)
	if err != nil {
		return 0, err
	}
	return windowed(in, c, o.Size, o.Stride)
}

func (o Gate) channels(in []int) (int, error) {
	if len(in) != 2 {
		return 0, errInputs
	}
	if in[0] != in[1] {
		return 0, fmt.Errorf("%d and %d channels", in[0], in[1])
	}
	return in[0], nil
}

func (o Activate) channels(in []int) (int, error) {
	switch o.Func {
	case Relu, Swish, HardSwish, Sigmoid, HardSigmoid:
		return one(in)
	}
	return 0, fmt.Errorf("no activation %q", string(o.Func))
}

func (o Add) channels(in []int) (int, error) {
	if len(in) < 2 {
		return 0, errInputs
	}
	for _, c := range in[1:] {
		if c != in[0] {
			return 0, fmt.Errorf("%d and %d channels", in[0], c)
		}
	}
	return in[0], nil
}

func (o MaxPool) channels(in []int) (int, error) {
	c, err := one(in)
	if err != nil {
		return 0, err
	}
	return windowed(in, c, o.Size, o.Stride)
}

func (o Upsample) channels(in []int) (int, error) {
	c, err := one(in)
	if err != nil {
		return 0, err
	}
	return windowed(in, c, o.Factor)
}

func (o Nearest) channels(in []int) (int, error) {
	c, err := one(in)
	if err != nil {
		return 0, err
	}
	return windowed(in, c, o.Height, o.Width)
}

func (o Deconv) channels(in []int) (int, error) { return windowed(in, o.Out, o.Size) }
func (o Dense) channels(in []int) (int, error)  { return windowed(in, o.Out, o.Height, o.Width) }

// Size is the shape of the input when the graph is run at h×w.
func (o Input) Size(h, w int) Shape { return Shape{h / o.Stride, w / o.Stride, o.Channels} }

func (o Input) Shape([]Shape) (Shape, error) {
	panic("graph: the shape of an input is given, see Size")
}
func (o Norm) Shape(in []Shape) (Shape, error)     { return in[0], nil }
func (o Activate) Shape(in []Shape) (Shape, error) { return in[0], nil }

func (o Conv) Shape(in []Shape) (Shape, error) {
	h, _, _ := o.Padding.Window(in[0].H, o.Size, o.Stride)
	w, _, _ := o.Padding.Window(in[0].W, o.Size, o.Stride)
	return Shape{h, w, o.Out}, nil
}

func (o Depthwise) Shape(in []Shape) (Shape, error) {
	h, _, _ := o.Padding.Window(in[0].H, o.Size, o.Stride)
	w, _, _ := o.Padding.Window(in[0].W, o.Size, o.Stride)
	return Shape{h, w, in[0].C}, nil
}

func (o Mean) Shape(in []Shape) (Shape, error) { return Shape{1, 1, in[0].C}, nil }

func (o Gate) Shape(in []Shape) (Shape, error) {
	if in[1].H != 1 || in[1].W != 1 {
		return Shape{}, fmt.Errorf("a gate of %v, want one pixel", in[1])
	}
	return in[0], nil
}

func (o Add) Shape(in []Shape) (Shape, error) {
	for _, s := range in[1:] {
		if s != in[0] {
			return Shape{}, fmt.Errorf("%v and %v", in[0], s)
		}
	}
	return in[0], nil
}

func (o MaxPool) Shape(in []Shape) (Shape, error) {
	h, _, _ := o.Padding.Window(in[0].H, o.Size, o.Stride)
	w, _, _ := o.Padding.Window(in[0].W, o.Size, o.Stride)
	return Shape{h, w, in[0].C}, nil
}

func (o Upsample) Shape(in []Shape) (Shape, error) {
	return Shape{in[0].H * o.Factor, in[0].W * o.Factor, in[0].C}, nil
}

func (o Nearest) Shape(in []Shape) (Shape, error) { return Shape{o.Height, o.Width, in[0].C}, nil }

func (o Deconv) Shape(in []Shape) (Shape, error) {
	return Shape{in[0].H * o.Size, in[0].W * o.Size, o.Out}, nil
}

func (o Dense) Shape(in []Shape) (Shape, error) {
	if in[0].H != o.Height || in[0].W != o.Width {
		return Shape{}, fmt.Errorf("input %v, want %d×%d", in[0], o.Height, o.Width)
	}
	return Shape{1, 1, o.Out}, nil
}
