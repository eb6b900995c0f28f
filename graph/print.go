package graph

import (
	"fmt"
	"strings"
)

// String prints a node per line, short and stable:
//
//	%2 stem/conv = conv 7x7/2 same 64 (%0)
//	output P3 = %2
//
// A place of weights that differs from the node's name follows in brackets.
func (g *Graph) String() string {
	var b strings.Builder
	for i, n := range g.nodes {
		fmt.Fprintf(&b, "%%%d %s = %v", i, n.Name, n.Op)
		if len(n.In) > 0 {
			b.WriteString(" (")
			for j, v := range n.In {
				if j > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%%%d", v)
			}
			b.WriteString(")")
		}
		if n.Weights != "" && n.Weights != n.Name {
			fmt.Fprintf(&b, " [%s]", n.Weights)
		}
		b.WriteString("\n")
	}
	for _, o := range g.outputs {
		fmt.Fprintf(&b, "output %s = %%%d\n", o.Name, o.Value)
	}
	return b.String()
}
