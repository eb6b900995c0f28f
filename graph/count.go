package graph

import "strings"

// Count is the cost of a node or of a set of nodes.
type Count struct {
	Params     int64 // trainable: kernels, biases, gamma and beta
	Statistics int64 // stored but not trained: mean and variance
	MACs       int64 // multiply-adds of convolutions, depthwise ones too, deconvolutions and dense layers
}

func (c *Count) add(d Count) {
	c.Params += d.Params
	c.Statistics += d.Statistics
	c.MACs += d.MACs
}

// Counts returns the cost of every node for inputs of h×w pixels and the given
// number of rows (1 for a map). Weights that several nodes share are counted at
// the first of them.
func (g *Graph) Counts(h, w, rows int) ([]Count, error) {
	shapes, err := g.Shapes(h, w)
	if err != nil {
		return nil, err
	}
	counts := make([]Count, len(g.nodes))
	seen := map[string]bool{}
	for i, n := range g.nodes {
		if len(n.In) == 0 {
			continue
		}
		in := n.In[0]
		counts[i].MACs = n.Op.MACs(shapes[in], shapes[i]) * int64(rows)
		if n.Weights != "" && !seen[n.Weights] {
			seen[n.Weights] = true
			for _, t := range n.Op.tensors(g.channels[in]) {
				size := int64(1)
				for _, d := range t.Shape {
					size *= int64(d)
				}
				if t.Statistic {
					counts[i].Statistics += size
				} else {
					counts[i].Params += size
				}
			}
		}
	}
	return counts, nil
}

// A Stage is the cost of all nodes whose names share a prefix.
type Stage struct {
	Name string
	Count
}

// Stages sums counts (as Counts returns them) over the nodes whose names agree
// in the first depth elements, in order of first appearance.
func (g *Graph) Stages(counts []Count, depth int) []Stage {
	var stages []Stage
	index := map[string]int{}
	for i, n := range g.nodes {
		parts := strings.SplitN(n.Name, "/", depth+1)
		name := strings.Join(parts[:min(depth, len(parts))], "/")
		if _, ok := n.Op.(Input); ok {
			continue
		}
		k, ok := index[name]
		if !ok {
			k = len(stages)
			index[name] = k
			stages = append(stages, Stage{Name: name})
		}
		stages[k].add(counts[i])
	}
	return stages
}

// Total sums counts.
func Total(counts []Count) Count {
	var t Count
	for _, c := range counts {
		t.add(c)
	}
	return t
}

func (o Input) MACs(_, _ Shape) int64       { return 0 }
func (o Activate) MACs(_, _ Shape) int64    { return 0 }
func (o Add) MACs(_, _ Shape) int64         { return 0 }
func (o MaxPool) MACs(_, _ Shape) int64     { return 0 }
func (o Upsample) MACs(_, _ Shape) int64    { return 0 }
func (o Nearest) MACs(_, _ Shape) int64     { return 0 }
func (o Norm) MACs(_, _ Shape) int64        { return 0 }
func (o Mean) MACs(_, _ Shape) int64        { return 0 }
func (o Gate) MACs(_, _ Shape) int64        { return 0 }
func (o Depthwise) MACs(_, out Shape) int64 { return int64(out.Size()) * int64(o.Size*o.Size) }
func (o Conv) MACs(in, out Shape) int64 {
	return int64(out.Size()) * int64(o.Size*o.Size*in.C)
}
func (o Deconv) MACs(in, out Shape) int64 { return int64(out.Size()) * int64(in.C) }
func (o Dense) MACs(in, out Shape) int64  { return int64(in.Size()) * int64(out.C) }
