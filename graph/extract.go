package graph

// Extract returns the part of g that makes the given outputs. Values in cut
// become inputs, under the names of their nodes, with the given strides: a value
// with stride s is s times smaller than the sizes that Shapes is given.
func (g *Graph) Extract(outputs []Output, cut map[Value]int) *Graph {
	needed := make([]bool, len(g.nodes))
	for _, o := range outputs {
		needed[o.Value] = true
	}
	for v := len(g.nodes) - 1; v >= 0; v-- {
		if _, isInput := cut[Value(v)]; needed[v] && !isInput {
			for _, in := range g.nodes[v].In {
				needed[in] = true
			}
		}
	}
	part := New()
	at := make([]Value, len(g.nodes))
	for v, n := range g.nodes {
		if !needed[v] {
			continue
		}
		if stride, isInput := cut[Value(v)]; isInput {
			at[v] = part.add(n.Name, "", Input{Channels: g.channels[v], Stride: stride})
			continue
		}
		var in []Value
		for _, x := range n.In {
			in = append(in, at[x])
		}
		at[v] = part.add(n.Name, n.Weights, n.Op, in...)
	}
	for _, o := range outputs {
		part.Output(o.Name, at[o.Value])
	}
	return part
}
