// Package graph describes a network as data: typed operations on named values.
//
// Nothing in here computes. A graph is built once by the packages that know a
// network (backbone, rpn, boxhead, maskhead) and then read: by the compiler in
// package engine, by counters of parameters and multiply-adds, by printers.
//
// A value is H×W×C (height, width, channels). Channels are known when the
// graph is built; height and width follow from the size of the input, so one
// graph serves every input size. A graph whose input is a batch of regions
// (RoIs) is applied to each row of the batch alike; the number of rows is known
// only when it runs and is not part of a shape.
package graph

import (
	"errors"
	"fmt"
)

// Value names the output of a node: the node's place in the order of building,
// which is a topological order.
type Value int

// A Node is one operation, its inputs and the place of its weights.
type Node struct {
	Name    string // unique, slash-separated place in the network: "backbone/block05/unit0/conv1"
	Op      Op
	In      []Value
	Weights string // place of the weights, empty if the operation has none; nodes with equal places share them
}

// An Output is a value that a run hands out, under a name.
type Output struct {
	Name  string
	Value Value
}

// A Graph is built by its methods, each of which appends one node and returns
// its value. The first error is kept and returned by Err; building goes on with
// values of no meaning, so that builders need not check every call.
type Graph struct {
	nodes    []Node
	channels []int // per node
	outputs  []Output
	names    map[string]bool
	err      error
}

// New returns an empty graph.
func New() *Graph { return &Graph{names: map[string]bool{}} }

// Nodes returns the nodes in a topological order. Node i makes Value(i). The
// caller must not change them.
func (g *Graph) Nodes() []Node { return g.nodes }

// Outputs returns the named outputs in the order of their declaration.
func (g *Graph) Outputs() []Output { return g.outputs }

// Channels returns the number of channels of a value.
func (g *Graph) Channels(v Value) int { return g.channels[v] }

// Err returns the first error of building: it names the node.
func (g *Graph) Err() error { return g.err }

// Output declares v as an output with the given name.
func (g *Graph) Output(name string, v Value) {
	for _, o := range g.outputs {
		if o.Name == name {
			g.fail(fmt.Errorf("graph: output %s: declared twice", name))
		}
	}
	g.outputs = append(g.outputs, Output{name, v})
}

// Input adds an input with c channels.
func (g *Graph) Input(name string, c int) Value {
	return g.add(name, "", Input{Channels: c, Stride: 1})
}

// Conv adds a convolution with weights name/kernel (and name/bias if op.Bias).
func (g *Graph) Conv(name string, x Value, op Conv) Value { return g.add(name, name, op, x) }

// ConvShared adds a convolution that uses the weights at the place weights,
// which other nodes may use as well.
func (g *Graph) ConvShared(name, weights string, x Value, op Conv) Value {
	return g.add(name, weights, op, x)
}

// Depthwise adds a convolution of each channel on its own with weights
// name/kernel.
func (g *Graph) Depthwise(name string, x Value, op Depthwise) Value {
	return g.add(name, name, op, x)
}

// Separable adds a convolution in two steps (arXiv 1610.02357): one of each
// channel with weights at weights/depthwise, and a 1×1 convolution of all of them
// with those at weights, which has the bias. Nothing stands in between. Other
// nodes may use the weights as well.
func (g *Graph) Separable(name, weights string, x Value, op Conv) Value {
	x = g.add(name+"/depthwise", weights+"/depthwise", Depthwise{Size: op.Size, Stride: op.Stride, Padding: op.Padding}, x)
	return g.add(name, weights, Conv{Size: 1, Stride: 1, Padding: Same, Out: op.Out, Bias: op.Bias}, x)
}

// Mean adds the mean over all pixels.
func (g *Graph) Mean(name string, x Value) Value { return g.add(name, "", Mean{}, x) }

// Gate adds the product of x with a map of one pixel.
func (g *Graph) Gate(name string, x, gate Value) Value { return g.add(name, "", Gate{}, x, gate) }

// Norm adds a batch normalisation with weights name/{gamma,beta,mean,variance}.
func (g *Graph) Norm(name string, x Value, epsilon float64) Value {
	return g.add(name, name, Norm{Epsilon: epsilon}, x)
}

// Activate adds a point-wise function.
func (g *Graph) Activate(name string, x Value, f Activation) Value {
	return g.add(name, "", Activate{f}, x)
}

// Add adds the sum of values of one shape.
func (g *Graph) Add(name string, x ...Value) Value { return g.add(name, "", Add{}, x...) }

// MaxPool adds a max pool.
func (g *Graph) MaxPool(name string, x Value, op MaxPool) Value { return g.add(name, "", op, x) }

// Upsample adds a nearest-neighbour upsampling by an integer factor.
func (g *Graph) Upsample(name string, x Value, factor int) Value {
	return g.add(name, "", Upsample{Factor: factor}, x)
}

// Nearest adds a change of size by nearest neighbours.
func (g *Graph) Nearest(name string, x Value, op Nearest) Value { return g.add(name, "", op, x) }

// Deconv adds a transposed convolution with weights name/{kernel,bias}.
func (g *Graph) Deconv(name string, x Value, op Deconv) Value { return g.add(name, name, op, x) }

// Dense adds a fully connected layer over a whole map with weights
// name/{kernel,bias}.
func (g *Graph) Dense(name string, x Value, op Dense) Value { return g.add(name, name, op, x) }

func (g *Graph) add(name, weights string, op Op, in ...Value) Value {
	v := Value(len(g.nodes))
	channels, err := 0, error(nil)
	if g.names[name] {
		err = errors.New("name used twice")
	}
	inC := make([]int, len(in))
	for i, x := range in {
		if x < 0 || x >= v {
			err = fmt.Errorf("input %d is not a value of this graph", x)
			break
		}
		inC[i] = g.channels[x]
	}
	if err == nil {
		channels, err = op.channels(inC)
	}
	if err != nil {
		g.fail(fmt.Errorf("graph: %s: %s: %w", name, op.kind(), err))
		channels = 1
	}
	g.names[name] = true
	g.nodes = append(g.nodes, Node{name, op, in, weights})
	g.channels = append(g.channels, channels)
	return v
}

func (g *Graph) fail(err error) {
	if g.err == nil {
		g.err = err
	}
}
