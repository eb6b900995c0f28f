package backbone

import (
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// units builds the parts that all backbones are made of. The convolution unit is
// a convolution without bias and its norm, then perhaps the activation.
type units struct {
	g       *graph.Graph
	act     graph.Activation
	epsilon float64
	strided graph.Padding // of convolutions with a stride
	pool    graph.Padding // of max pools
	first   bool          // a bottleneck's stride is in its first convolution
}

// newUnits takes from a config what all parts have in common.
func newUnits(g *graph.Graph, c *config.Config) units {
	u := units{g, graph.Activation(c.Activation), c.NormEpsilon, graph.Fixed, graph.Fixed, c.Backbone.StridedConv == config.StridedConv1x1}
	if c.Backbone.StridedPadding == config.StridedPaddingSame {
		u.strided = graph.Same
	}
	if c.Backbone.PoolPadding == config.PoolPaddingSame {
		u.pool = graph.Same
	}
	return u
}

func (u units) conv(name string, x graph.Value, size, stride int, pad graph.Padding, out int) graph.Value {
	x = u.g.Conv(name, x, graph.Conv{Size: size, Stride: stride, Padding: pad, Out: out})
	return u.g.Norm(name+"/norm", x, u.epsilon)
}

func (u units) activate(name string, x graph.Value) graph.Value {
	return u.g.Activate(name+"/"+string(u.act), x, u.act)
}

func (u units) convAct(name string, x graph.Value, size, stride int, pad graph.Padding, out int) graph.Value {
	return u.activate(name, u.conv(name, x, size, stride, pad, out))
}

// bottleneck makes so many channels: act(main + shortcut), with f channels inside. project puts a 1×1 convolution into the shortcut.
func (u units) bottleneck(name string, x graph.Value, f, out, stride int, project bool) graph.Value {
	shortcut := x
	if project {
		shortcut = u.conv(name+"/shortcut", x, 1, stride, graph.Fixed, out)
	}
	one, three := 1, stride
	if u.first {
		one, three = stride, 1
	}
	x = u.convAct(name+"/conv0", x, 1, one, graph.Fixed, f)
	x = u.convAct(name+"/conv1", x, 3, three, u.strided, f)
	x = u.conv(name+"/conv2", x, 1, 1, graph.Fixed, out)
	return u.activate(name, u.g.Add(name+"/add", x, shortcut))
}
