package backbone

import "github.com/spinemask/spinemask/graph"

// units builds the convolution unit of all backbones: a convolution without
// bias and its norm, then perhaps the activation.
type units struct {
	g       *graph.Graph
	act     graph.Activation
	epsilon float64
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
