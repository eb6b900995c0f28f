package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spinemask/spinemask/graph"
)

// A translator appends graphs to a file.
type translator struct {
	file    *File
	rows    string // name of the number of rows, "" if it is one
	used    map[string]bool
	tensors map[string]*tensor
}

// value is a value of the file.
type value struct {
	name string
	graph.Shape
	flat bool // N×C, as dense layers make it, else N×C×H×W
}

func newTranslator(name, rows string) *translator {
	return &translator{file: &File{Name: name}, rows: rows, used: map[string]bool{}, tensors: map[string]*tensor{}}
}

// shape is that of a value in the file.
func (t *translator) shape(v value) []int {
	if v.flat {
		return []int{1, v.C}
	}
	return []int{1, v.C, v.H, v.W}
}

// node appends a node, which makes out, and returns out. Of one that makes a part
// of a graph's node the name has a suffix.
func (t *translator) node(op string, in []string, out value, attributes ...attribute) (value, error) {
	if t.used[out.name] {
		return value{}, fmt.Errorf("the name %s is used twice", out.name)
	}
	t.used[out.name] = true
	t.file.nodes.message(1, encodeNode(op, out.name, in, out.name, attributes))
	t.file.values = append(t.file.values, Value{out.name, t.shape(out), t.rows})
	return out, nil
}

// tensor adds an initializer and returns its name. Weights that several nodes
// share are there once.
func (t *translator) tensor(x *tensor) (string, error) {
	if had := t.tensors[x.name]; had != nil {
		if !had.equal(x) {
			return "", fmt.Errorf("%s is used in two ways", x.name)
		}
		return x.name, nil
	}
	t.tensors[x.name] = x
	t.file.tensors = append(t.file.tensors, x)
	return x.name, nil
}

// weight is a stored array. Axis i of the file is axis axes[i] of the graph's; of
// several axes that become one, shape is the graph's before that and merged the
// file's.
func (t *translator) weight(name string, shape, axes []int, merged ...int) (string, error) {
	if merged == nil {
		for _, a := range axes {
			merged = append(merged, shape[a])
		}
	}
	return t.tensor(&tensor{name: name, shape: merged, element: elementFloat, stored: &stored{shape, axes}})
}

// vector is a stored array of one value a channel.
func (t *translator) vector(name string, n int) (string, error) {
	return t.weight(name, []int{n}, []int{0})
}

// floats is a constant, a number if there is one.
func (t *translator) floats(name string, v ...float32) (string, error) {
	x := &tensor{name: "constant/" + name, element: elementFloat}
	if len(v) > 1 {
		x.shape = []int{len(v)}
	}
	for _, f := range v {
		x.constant = binary.LittleEndian.AppendUint32(x.constant, math.Float32bits(f))
	}
	return t.tensor(x)
}

// integers is a constant.
func (t *translator) integers(name string, v []int) (string, error) {
	x := &tensor{name: "constant/" + name, shape: []int{len(v)}, element: elementInt64}
	for _, i := range v {
		x.constant = binary.LittleEndian.AppendUint64(x.constant, uint64(i))
	}
	return t.tensor(x)
}

// graph appends a graph that is run at h×w and returns its values. Inputs that
// bound does not have are inputs of the file; outputs of the graph have their
// names.
func (t *translator) graph(g *graph.Graph, h, w int, bound map[string]value) ([]value, error) {
	shapes, err := g.Shapes(h, w)
	if err != nil {
		return nil, err
	}
	names := map[graph.Value]string{}
	for _, o := range g.Outputs() {
		if names[o.Value] == "" {
			names[o.Value] = o.Name
		}
	}
	values := make([]value, len(shapes))
	for i, n := range g.Nodes() {
		out := value{name: n.Name, Shape: shapes[i]}
		if name := names[graph.Value(i)]; name != "" {
			out.name = name
		}
		if _, ok := n.Op.(graph.Input); ok {
			values[i], err = t.input(n.Name, shapes[i], bound)
		} else {
			in := make([]value, len(n.In))
			for k, v := range n.In {
				in[k] = values[v]
			}
			values[i], err = t.operation(n, in, out)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %v: %w", n.Name, n.Op, err)
		}
	}
	for _, o := range g.Outputs() {
		v := values[o.Value]
		if v.name != o.Name { // an input, or a value that has another name already
			named := v
			named.name = o.Name
			if v, err = t.node("Identity", []string{v.name}, named); err != nil {
				return nil, fmt.Errorf("output %s: %w", o.Name, err)
			}
		}
		t.file.Outputs = append(t.file.Outputs, Value{o.Name, t.shape(v), t.rows})
	}
	return values, nil
}

func (t *translator) input(name string, shape graph.Shape, bound map[string]value) (value, error) {
	if v, ok := bound[name]; ok {
		if v.Shape != shape {
			return v, fmt.Errorf("shape %v, want %v", v.Shape, shape)
		}
		return v, nil
	}
	if t.used[name] {
		return value{}, errors.New("the name is used twice")
	}
	t.used[name] = true
	v := value{name: name, Shape: shape}
	t.file.Inputs = append(t.file.Inputs, Value{name, t.shape(v), t.rows})
	return v, nil
}

var errFlat = errors.New("behind a dense layer, which is not written")

// operation appends a node of a graph.
func (t *translator) operation(n graph.Node, in []value, out value) (value, error) {
	x := in[0]
	switch op := n.Op.(type) { // those that take what a dense layer makes
	case graph.Norm:
		out.flat = x.flat
		return t.norm(n.Weights, op, x, out)
	case graph.Activate:
		out.flat = x.flat
		return t.activate(op.Func, x, out)
	case graph.Add:
		out.flat = x.flat
		return t.add(in, out)
	case graph.Dense:
		out.flat = true
		return t.dense(n.Weights, op, x, out)
	}
	if slices.ContainsFunc(in, func(v value) bool { return v.flat }) {
		return value{}, errFlat
	}
	switch op := n.Op.(type) {
	case graph.Conv:
		return t.conv(n.Weights, op, x, out)
	case graph.Depthwise:
		return t.depthwise(n.Weights, op, x, out)
	case graph.Deconv:
		return t.deconv(n.Weights, op, x, out)
	case graph.MaxPool:
		return t.node("MaxPool", []string{x.name}, out, window(op.Size, op.Stride, op.Padding, x.Shape)...)
	case graph.Upsample:
		return t.upsample(op, x, out)
	case graph.Nearest:
		return t.nearest(x, out)
	case graph.Mean:
		return t.node("GlobalAveragePool", []string{x.name}, out)
	case graph.Gate:
		return t.node("Mul", []string{x.name, in[1].name}, out)
	}
	return value{}, errors.New("has no translation to ONNX")
}

// window are the attributes of an operation with a window. Padding of SAME may
// have one pixel more behind.
func window(size, stride int, padding graph.Padding, in graph.Shape) []attribute {
	_, top, bottom := padding.Window(in.H, size, stride)
	_, left, right := padding.Window(in.W, size, stride)
	return []attribute{
		{"kernel_shape", []int{size, size}},
		{"pads", []int{top, left, bottom, right}},
		{"strides", []int{stride, stride}},
	}
}

// biased appends the bias of a layer, if it has one, to its inputs.
func (t *translator) biased(in []string, place string, bias bool, n int) ([]string, error) {
	if !bias {
		return in, nil
	}
	b, err := t.vector(place+"/bias", n)
	return append(in, b), err
}

// conv: kernels are [out][in][y][x] in the file.
func (t *translator) conv(place string, op graph.Conv, x, out value) (value, error) {
	k, err := t.weight(place+"/kernel", []int{op.Size, op.Size, x.C, op.Out}, []int{3, 2, 0, 1})
	if err != nil {
		return value{}, err
	}
	in, err := t.biased([]string{x.name, k}, place, op.Bias, op.Out)
	if err != nil {
		return value{}, err
	}
	return t.node("Conv", in, out, window(op.Size, op.Stride, op.Padding, x.Shape)...)
}

// depthwise is a convolution with as many groups as channels.
func (t *translator) depthwise(place string, op graph.Depthwise, x, out value) (value, error) {
	k, err := t.weight(place+"/kernel", []int{op.Size, op.Size, x.C, 1}, []int{2, 3, 0, 1})
	if err != nil {
		return value{}, err
	}
	return t.node("Conv", []string{x.name, k}, out, append(window(op.Size, op.Stride, op.Padding, x.Shape), attribute{"group", x.C})...)
}

// deconv: kernels are [in][out][y][x] in the file.
func (t *translator) deconv(place string, op graph.Deconv, x, out value) (value, error) {
	k, err := t.weight(place+"/kernel", []int{op.Size, op.Size, op.Out, x.C}, []int{3, 2, 0, 1})
	if err != nil {
		return value{}, err
	}
	in, err := t.biased([]string{x.name, k}, place, op.Bias, op.Out)
	if err != nil {
		return value{}, err
	}
	return t.node("ConvTranspose", in, out, window(op.Size, op.Size, graph.Valid, out.Shape)...)
}

// dense: maps are flattened with the channel slowest in the file, and matrices are
// [out][in].
func (t *translator) dense(place string, op graph.Dense, x, out value) (value, error) {
	k, err := t.weight(place+"/kernel", []int{op.Height, op.Width, x.C, op.Out}, []int{3, 2, 0, 1}, op.Out, x.Size())
	if err != nil {
		return value{}, err
	}
	if !x.flat {
		flat := value{name: out.name + "/flat", Shape: graph.Shape{H: 1, W: 1, C: x.Size()}, flat: true}
		if x, err = t.node("Flatten", []string{x.name}, flat, attribute{"axis", 1}); err != nil {
			return value{}, err
		}
	}
	in, err := t.biased([]string{x.name, k}, place, op.Bias, op.Out)
	if err != nil {
		return value{}, err
	}
	return t.node("Gemm", in, out, attribute{"transB", 1})
}

func (t *translator) norm(place string, op graph.Norm, x, out value) (value, error) {
	in := []string{x.name}
	for _, leaf := range []string{"gamma", "beta", "mean", "variance"} {
		w, err := t.vector(place+"/"+leaf, x.C)
		if err != nil {
			return value{}, err
		}
		in = append(in, w)
	}
	return t.node("BatchNormalization", in, out, attribute{"epsilon", float32(op.Epsilon)})
}

func (t *translator) activate(f graph.Activation, x, out value) (value, error) {
	switch f {
	case graph.Relu:
		return t.node("Relu", []string{x.name}, out)
	case graph.Sigmoid:
		return t.node("Sigmoid", []string{x.name}, out)
	case graph.HardSwish: // x·max(0, min(1, x/6 + 1/2))
		return t.node("HardSwish", []string{x.name}, out)
	case graph.Swish:
		sigmoid := out
		sigmoid.name += "/sigmoid"
		s, err := t.node("Sigmoid", []string{x.name}, sigmoid)
		if err != nil {
			return value{}, err
		}
		return t.node("Mul", []string{x.name, s.name}, out)
	case graph.HardSigmoid:
		return t.hardSigmoid(x, out)
	}
	return value{}, errors.New("has no translation to ONNX")
}

// hardSigmoid: ONNX's ends at 1, the Garden's at 6·0.16667. (OpenVINO takes a clip
// times 0.16667 for one times 1/6.)
func (t *translator) hardSigmoid(x, out value) (value, error) {
	end, err := t.floats("1.00002", 6*0.16667)
	if err != nil {
		return value{}, err
	}
	part := out
	part.name = out.name + "/unit"
	v, err := t.node("HardSigmoid", []string{x.name}, part, attribute{"alpha", float32(1. / 6)}, attribute{"beta", float32(0.5)})
	if err != nil {
		return value{}, err
	}
	return t.node("Mul", []string{v.name, end}, out)
}

// add sums from the first value to the last.
func (t *translator) add(in []value, out value) (value, error) {
	sum := in[0]
	for i, x := range in[1:] {
		if x.flat != sum.flat {
			return value{}, errFlat
		}
		part := out
		if i+2 < len(in) {
			part.name = fmt.Sprintf("%s/sum%d", out.name, i)
		}
		var err error
		if sum, err = t.node("Add", []string{sum.name, x.name}, part); err != nil {
			return value{}, err
		}
	}
	return sum, nil
}

func (t *translator) upsample(op graph.Upsample, x, out value) (value, error) {
	f := float32(op.Factor)
	scales, err := t.floats(fmt.Sprintf("upsample%d", op.Factor), 1, 1, f, f)
	if err != nil {
		return value{}, err
	}
	return t.node("Resize", []string{x.name, "", scales}, out,
		attribute{"coordinate_transformation_mode", "asymmetric"}, attribute{"mode", "nearest"}, attribute{"nearest_mode", "floor"})
}

// nearest takes rows and then columns by their numbers, which are computed here:
// runtimes would round the ratio of the sizes in their own ways.
func (t *translator) nearest(x, out value) (value, error) {
	var op graph.Nearest
	part := out
	part.name, part.W = out.name+"/rows", x.W
	for axis, side := range []struct{ to, from int }{{out.H, x.H}, {out.W, x.W}} {
		places := make([]int, side.to)
		for i := range places {
			places[i] = op.Source(i, side.to, side.from)
		}
		index, err := t.integers(fmt.Sprintf("nearest%dof%d", side.to, side.from), places)
		if err != nil {
			return value{}, err
		}
		if axis == 1 {
			part = out
		}
		if x, err = t.node("Gather", []string{x.name, index}, part, attribute{"axis", 2 + axis}); err != nil {
			return value{}, err
		}
	}
	return x, nil
}
