package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/graph"
)

// text lists the nodes.
func (d *decoded) text() string {
	var lines []string
	for _, n := range d.nodes {
		line := fmt.Sprintf("%s = %s(%s)", strings.Join(n.out, ", "), n.op, strings.Join(n.in, ", "))
		var attributes []string
		for name, v := range n.attributes {
			attributes = append(attributes, " "+name+"="+v)
		}
		slices.Sort(attributes)
		lines = append(lines, line+strings.Join(attributes, ""))
	}
	return strings.Join(lines, "\n")
}

// requireWeights looks for every array of a graph in a file, at its place in ONNX's
// layout: kernels [out][in/group][y][x], of transposed convolutions [in][out][y][x],
// of dense layers [out][channel·y·x].
func requireWeights(t *testing.T, d *decoded, g *graph.Graph) {
	w := countedOf(g)
	kinds := map[string]graph.Op{}
	for _, n := range g.Nodes() {
		kinds[n.Weights] = n.Op
	}
	for name, shape := range w.shapes {
		x, ok := d.tensors[name]
		require.True(t, ok, name)
		require.EqualValues(t, elementFloat, x.element)
		got := x.floats()
		want, err := w.Float32(name)
		require.NoError(t, err)
		place := strings.TrimSuffix(name, "/kernel")
		if place == name {
			require.Equal(t, shape, x.shape, name)
			require.Equal(t, want, got, name)
			continue
		}
		kh, kw, a, b := 1, 1, shape[len(shape)-2], shape[len(shape)-1]
		switch op := kinds[place].(type) {
		case graph.Dense:
			kh, kw = op.Height, op.Width
			a /= kh * kw
			require.Equal(t, []int{b, a * kh * kw}, x.shape, name)
		case graph.Depthwise:
			kh, kw = shape[0], shape[1]
			require.Equal(t, []int{a, 1, kh, kw}, x.shape, name)
			a, b = b, a // as a kernel [y][x][1][channel]
		default: // of a transposed convolution the last but one is the output, which comes second here, too
			kh, kw = shape[0], shape[1]
			require.Equal(t, []int{b, a, kh, kw}, x.shape, name)
		}
		i := 0
		for last := range b {
			for first := range a {
				for y := range kh {
					for xx := range kw {
						if at := ((y*kw+xx)*a+first)*b + last; got[i] != want[at] {
							require.Equal(t, want[at], got[i], "%s: %d %d %d %d", name, last, first, y, xx)
						}
						i++
					}
				}
			}
		}
	}
}

// requireGraph compares a file with a graph and returns the number of its arrays.
func requireGraph(t *testing.T, d *decoded, g *graph.Graph, h, w, rows int) int {
	shapes, err := g.Shapes(h, w)
	require.NoError(t, err)
	outputs := map[graph.Value]string{}
	for i, o := range g.Outputs() {
		require.True(t, strings.HasPrefix(d.outputs[i], o.Name+" ["), d.outputs[i])
		outputs[o.Value] = o.Name
	}
	made := map[string]bool{}
	for _, n := range d.nodes {
		require.Equal(t, []string{n.name}, n.out)
		made[n.name] = true
	}
	flat := map[graph.Value]bool{}
	for i, n := range g.Nodes() {
		name := n.Name
		if o := outputs[graph.Value(i)]; o != "" {
			name = o
		}
		_, input := n.Op.(graph.Input)
		require.Equal(t, !input, made[name], name)
		_, dense := n.Op.(graph.Dense)
		flat[graph.Value(i)] = dense || len(n.In) > 0 && flat[n.In[0]]
		s := shapes[i]
		count := "1"
		if rows < 0 {
			count = rois
		}
		want := fmt.Sprintf("[%s, %d, %d, %d]", count, s.C, s.H, s.W)
		if flat[graph.Value(i)] {
			want = fmt.Sprintf("[%s, %d]", count, s.C)
		}
		require.Equal(t, want, d.values[name], name)
	}
	requireWeights(t, d, g)
	return len(g.Tensors())
}

// requireOnly wants so many arrays of the graph beside constants.
func requireOnly(t *testing.T, d *decoded, arrays int) {
	for _, name := range d.order {
		if !strings.HasPrefix(name, "constant/") {
			arrays--
		}
	}
	require.Zero(t, arrays)
}

// requireShapes follows the shapes through the nodes by the rules of ONNX's operator
// reference, whatever the graph says.
func requireShapes(t *testing.T, d *decoded) {
	shape := map[string][]int{}
	read := func(name string) []int {
		var s []int
		for _, f := range strings.Split(strings.Trim(d.values[name], "[]"), ", ") {
			n := 1 // of rows
			fmt.Sscan(f, &n)
			s = append(s, n)
		}
		return s
	}
	for _, in := range d.inputs {
		name := strings.Fields(in)[0]
		shape[name] = read(name)
	}
	for name, x := range d.tensors {
		shape[name] = x.shape
	}
	for _, n := range d.nodes {
		var in [][]int
		for _, name := range n.in {
			s, known := shape[name]
			require.True(t, known || name == "", "%s reads %q before it is made", n.name, name)
			in = append(in, s)
		}
		ints := func(attribute string) (v [4]int) {
			for i, f := range strings.Fields(strings.Trim(strings.TrimPrefix(n.attributes[attribute], "ints "), "[]")) {
				fmt.Sscan(f, &v[i])
			}
			return v
		}
		x := slices.Clone(in[0])
		window := func() {
			k, pads, strides := ints("kernel_shape"), ints("pads"), ints("strides")
			for i := range 2 {
				x[2+i] = (x[2+i]+pads[i]+pads[2+i]-k[i])/strides[i] + 1
			}
		}
		switch n.op {
		case "Conv":
			window()
			group := 1
			fmt.Sscanf(n.attributes["group"], "int %d", &group)
			require.Equal(t, x[1], in[1][1]*group, n.name)
			require.Equal(t, ints("kernel_shape"), [4]int{in[1][2], in[1][3]}, n.name)
			x[1] = in[1][0]
		case "ConvTranspose":
			require.Equal(t, x[1], in[1][0], n.name)
			k, strides := ints("kernel_shape"), ints("strides")
			x[1], x[2], x[3] = in[1][1], (x[2]-1)*strides[0]+k[0], (x[3]-1)*strides[1]+k[1]
		case "MaxPool":
			window()
		case "GlobalAveragePool":
			x[2], x[3] = 1, 1
		case "Resize":
			for i, f := range d.tensors[n.in[2]].floats() {
				x[i] *= int(f)
			}
		case "Gather":
			var axis int
			fmt.Sscanf(n.attributes["axis"], "int %d", &axis)
			for _, i := range d.tensors[n.in[1]].integers() {
				require.Less(t, i, x[axis], n.name)
			}
			x[axis] = in[1][0]
		case "Flatten":
			x = []int{x[0], x[1] * x[2] * x[3]}
		case "Gemm":
			require.Equal(t, x[1], in[1][1], n.name)
			x = []int{x[0], in[1][0]}
		case "Add":
			require.Equal(t, x, in[1], n.name)
		case "Mul", "Div":
			for i, side := range in[1] {
				require.True(t, side == 1 || side == x[i], n.name)
			}
		case "BatchNormalization":
			for _, s := range in[1:] {
				require.Equal(t, []int{x[1]}, s, n.name)
			}
		case "Relu", "Sigmoid", "HardSwish", "HardSigmoid", "Identity":
		default:
			require.Fail(t, "an operator without a rule here", n.op)
		}
		require.Equal(t, read(n.name), x, n.name)
		shape[n.name] = x
	}
}
